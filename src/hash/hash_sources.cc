// Shares the reading and the digests of all sources among the threads: whoever is free takes the
// most urgent piece of work, of the source it worked on last if it can, whose bytes its cache
// holds.
#include "src/hash/hash_sources.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "src/hash/hash_stream.h"

namespace hallmark {
namespace {

// How many threads can have something to do at all.
std::uint64_t UsefulThreads(std::span<const HashRequest> requests, std::uint64_t limit) {
  std::uint64_t useful = 0;
  for (const HashRequest& request : requests) {
    if (useful >= limit) break;
    const std::uint64_t chunks = std::min(limit, request.source->Size() / kChunkBytes + 1);
    useful += chunks * std::max<std::uint64_t>(1, request.algorithms.size());
  }
  return std::clamp<std::uint64_t>(useful, 1, limit);
}

class HashBatch {
 public:
  HashBatch(std::span<const HashRequest> requests, const Task& task, const OnHashed& on_hashed)
      : requests_(requests),
        task_(task),
        on_hashed_(on_hashed),
        threads_(UsefulThreads(requests, std::max(task.threads, 1u))),
        buffer_limit_(2 * threads_ + 2) {}

  Result<void> Run() {
    {
      std::vector<std::jthread> others;
      try {
        while (others.size() + 1 < threads_) others.emplace_back([this] { Work(); });
      } catch (const std::system_error&) {
        // The system gives no more threads; those there are do it all.
      }
      Work();
    }
    if (failure_) return *std::move(failure_);
    if (reported_ < requests_.size()) return task_.CheckStopped();
    return {};
  }

 private:
  void Work() {
    std::size_t last = 0;
    std::unique_lock lock(mutex_);
    while (begun_ < requests_.size() || !active_.empty()) {
      if (task_.Stopped() || failure_) break;
      HashStream* stream = nullptr;
      std::optional<HashStream::Job> job = NextJob(last, stream);
      if (stream == nullptr) {
        changed_.wait(lock);
        continue;
      }
      last = stream->Index();
      if (job) {
        lock.unlock();
        stream->Run(*job, task_);
        lock.lock();
        if (ChunkBuffer buffer = stream->Complete(*std::move(job))) {
          free_buffers_.push_back(std::move(buffer));
        }
        changed_.notify_all();
      }
      if (stream->Finished()) Report(Remove(stream), lock);
    }
    changed_.notify_all();  // the others have to see the end, or the stop
  }

  // Sets `stream` to whose turn it is, or leaves it null. No job: the stream has nothing to do from
  // the start.
  std::optional<HashStream::Job> NextJob(std::size_t last, HashStream*& stream) {
    for (const auto& active : active_) {
      if (active->Index() != last) continue;
      if (auto job = NextJobOf(*active)) {
        stream = active.get();
        return job;
      }
    }
    if (begun_ < requests_.size() && active_.size() < threads_) {
      active_.push_back(std::make_unique<HashStream>(requests_[begun_], begun_));
      ++begun_;
      HashStream& fresh = *active_.back();
      auto job = NextJobOf(fresh);
      if (job || fresh.Finished()) {
        stream = &fresh;
        return job;
      }
    }
    for (const auto& active : active_) {
      if (auto job = NextJobOf(*active)) {
        stream = active.get();
        return job;
      }
    }
    return std::nullopt;
  }

  std::optional<HashStream::Job> NextJobOf(HashStream& stream) {
    if (auto job = stream.NextDigestJob()) return job;
    const std::uint64_t share = std::max<std::uint64_t>(2, buffer_limit_ / active_.size());
    if (!stream.CanRead() || stream.BuffersHeld() >= share) return std::nullopt;
    if (free_buffers_.empty()) {
      if (buffers_made_ == buffer_limit_) return std::nullopt;
      free_buffers_.push_back(std::make_unique_for_overwrite<std::byte[]>(kChunkBytes));
      ++buffers_made_;
    }
    ChunkBuffer buffer = std::move(free_buffers_.back());
    free_buffers_.pop_back();
    return stream.NextReadJob(std::move(buffer));
  }

  std::unique_ptr<HashStream> Remove(HashStream* stream) {
    const auto place = std::find_if(active_.begin(), active_.end(),
                                    [&](const auto& active) { return active.get() == stream; });
    std::unique_ptr<HashStream> removed = std::move(*place);
    active_.erase(place);
    for (ChunkBuffer& buffer : removed->TakeBuffers()) free_buffers_.push_back(std::move(buffer));
    changed_.notify_all();
    return removed;
  }

  void Report(std::unique_ptr<HashStream> stream, std::unique_lock<std::mutex>& lock) {
    ++reported_;
    lock.unlock();
    Result<void> accepted;
    {
      const std::lock_guard one_at_a_time(report_mutex_);
      accepted = on_hashed_(stream->Index(), stream->TakeOutcome());
      const HashRequest& request = stream->Request();
      if (!request.name.empty()) task_.FileDone(request.name);
    }
    lock.lock();
    if (!accepted && !failure_) failure_ = std::move(accepted).error();
  }

  const std::span<const HashRequest> requests_;
  const Task& task_;
  const OnHashed& on_hashed_;
  const std::uint64_t threads_;
  const std::uint64_t buffer_limit_;

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::vector<std::unique_ptr<HashStream>> active_;  // at most one a thread
  std::size_t begun_ = 0;
  std::size_t reported_ = 0;
  std::optional<Error> failure_;  // of on_hashed_
  std::vector<ChunkBuffer> free_buffers_;
  std::uint64_t buffers_made_ = 0;

  std::mutex report_mutex_;
};

}  // namespace

Result<void> HashSources(std::span<const HashRequest> requests, const Task& task,
                         const OnHashed& on_hashed) {
  return HashBatch(requests, task, on_hashed).Run();
}

}  // namespace hallmark
