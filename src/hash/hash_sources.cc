// Shares the reading and the digests of all sources among the threads. Whoever is free takes, in
// this order: lanes of as many streams as one core is best given at once, another lane of the
// stream it worked on last, whose bytes its cache holds, any other lane, and a read.
#include "src/hash/hash_sources.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "src/hash/block_kernels.h"
#include "src/hash/hash_stream.h"

namespace hallmark {
namespace {

constexpr ChunkSize kLargeChunk{.height = 6};  // 1 MiB: calls and locks cost nothing
constexpr ChunkSize kSmallChunk{.height = 4};  // 256 KiB: many buffers share a core's cache

// How many threads can have something to do at all.
std::uint64_t UsefulThreads(std::span<const HashRequest> requests, std::uint64_t limit) {
  std::uint64_t useful = 0;
  for (const HashRequest& request : requests) {
    if (useful >= limit) break;
    const std::uint64_t chunks = std::min(limit, request.source->Size() / kLargeChunk.Bytes() + 1);
    useful += chunks * std::max<std::uint64_t>(1, request.algorithms.size());
  }
  return std::clamp<std::uint64_t>(useful, 1, limit);
}

// The block functions among what is asked for.
std::vector<BlockFunction> FunctionsOf(std::span<const HashRequest> requests) {
  std::vector<BlockFunction> functions;
  for (const HashRequest& request : requests) {
    for (const Algorithm algorithm : request.algorithms) {
      const auto function = BlockFunctionOf(algorithm);
      if (function && std::ranges::find(functions, *function) == functions.end()) {
        functions.push_back(*function);
      }
    }
  }
  return functions;
}

// How many sources a thread has in hand at once.
std::uint64_t StreamsAThread(std::span<const BlockFunction> functions, std::uint64_t sources,
                             std::uint64_t threads) {
  std::uint64_t most = 1;
  if (sources > 1) {
    for (const BlockFunction function : functions) {
      most = std::max<std::uint64_t>(most, StreamsTogether(function, sources, threads));
    }
  }
  return std::clamp<std::uint64_t>((sources + threads - 1) / threads, 1, most);
}

class HashBatch {
 public:
  HashBatch(std::span<const HashRequest> requests, const Task& task, const OnHashed& on_hashed)
      : requests_(requests),
        task_(task),
        on_hashed_(on_hashed),
        threads_(UsefulThreads(requests, std::max(task.threads, 1u))),
        functions_(FunctionsOf(requests)),
        streams_a_thread_(StreamsAThread(functions_, requests.size(), threads_)),
        chunk_size_(streams_a_thread_ > 1 ? kSmallChunk : kLargeChunk),
        buffer_limit_(2 * threads_ * streams_a_thread_ + 2) {}

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
  // What a thread does next: one job, or one of each of several streams, which move together. No
  // job: the stream has nothing to do from the start.
  struct Turn {
    std::vector<HashStream*> streams;
    std::vector<HashStream::Job> jobs;
    std::optional<BlockFunction> function;  // of jobs that move together
  };

  void Work() {
    std::size_t last = 0;
    std::unique_lock lock(mutex_);
    while (begun_ < requests_.size() || !active_.empty()) {
      if (task_.Stopped() || failure_) break;
      Turn turn = NextTurn(last);
      if (turn.streams.empty()) {
        changed_.wait(lock);
        continue;
      }
      last = turn.streams.front()->Index();
      if (!turn.jobs.empty()) {
        lock.unlock();
        Run(turn);
        lock.lock();
        Complete(turn);
        changed_.notify_all();
      }
      std::vector<std::unique_ptr<HashStream>> finished;  // removed before the lock is let go
      for (HashStream* const stream : turn.streams) {
        if (stream->Finished()) finished.push_back(Remove(stream));
      }
      for (auto& stream : finished) Report(std::move(stream), lock);
    }
    changed_.notify_all();  // the others have to see the end, or the stop
  }

  void Run(Turn& turn) {
    if (turn.function) {
      HashStream::RunTogether(*turn.function, turn.streams, turn.jobs);
    } else {
      turn.streams.front()->Run(turn.jobs.front(), task_);
    }
  }

  void Complete(Turn& turn) {
    for (std::size_t i = 0; i < turn.jobs.size(); ++i) {
      if (turn.jobs[i].work == HashStream::Work::kRead) --reading_;
      if (PageBuffer buffer = turn.streams[i]->Complete(std::move(turn.jobs[i]))) {
        free_buffers_.push_back(std::move(buffer));
      }
    }
  }

  Turn NextTurn(std::size_t last) {
    if (Turn turn = NextLanes(/*partial=*/false); !turn.jobs.empty()) return turn;
    for (const auto& active : active_) {
      if (active->Index() != last) continue;
      if (auto job = active->NextLaneJob()) return One(*active, *std::move(job));
    }
    if (begun_ < requests_.size() && active_.size() < threads_ * streams_a_thread_) {
      active_.push_back(std::make_unique<HashStream>(requests_[begun_], begun_, chunk_size_));
      ++begun_;
      if (active_.back()->Finished()) return Turn{{active_.back().get()}};
    }
    for (const auto& active : active_) {
      if (auto job = active->NextLaneJob()) return One(*active, *std::move(job));
    }
    if (Turn turn = NextRead(); !turn.jobs.empty()) return turn;
    // Lanes that go on without waiting for others; but what is being read may soon join them.
    if (reading_ == 0) return NextLanes(/*partial=*/true);
    return {};
  }

  static Turn One(HashStream& stream, HashStream::Job job) {
    Turn turn;
    turn.streams.push_back(&stream);
    turn.jobs.push_back(std::move(job));
    return turn;
  }

  // Lanes of one block function, of as many streams as are best given to a core; fewer only if
  // `partial`.
  Turn NextLanes(bool partial) {
    for (const BlockFunction function : functions_) {
      std::uint64_t ready = 0, unfinished = 0;
      for (const auto& active : active_) {
        if (active->LaneReady(function)) ++ready;
        if (active->LaneUnfinished(function)) ++unfinished;
      }
      if (ready == 0) continue;
      const std::uint64_t wanted =
          unfinished > 1 ? StreamsTogether(function, unfinished, threads_) : 1;
      if (ready < wanted && !partial) continue;
      Turn turn{.function = function};
      for (const auto& active : active_) {
        if (turn.jobs.size() == wanted) break;
        if (!active->LaneReady(function)) continue;
        turn.streams.push_back(active.get());
        turn.jobs.push_back(active->NextLaneJob(function));
      }
      return turn;
    }
    return {};
  }

  // Of the stream that has least in hand.
  Turn NextRead() {
    if (active_.empty()) return {};
    const std::uint64_t share = std::max<std::uint64_t>(2, buffer_limit_ / active_.size());
    HashStream* poorest = nullptr;
    for (const auto& active : active_) {
      if (!active->CanRead() || active->BuffersHeld() >= share) continue;
      if (poorest == nullptr || active->BuffersHeld() < poorest->BuffersHeld()) {
        poorest = active.get();
      }
    }
    if (poorest == nullptr) return {};
    if (free_buffers_.empty()) {
      if (buffers_made_ == buffer_limit_) return {};
      free_buffers_.push_back(MakePageBuffer(chunk_size_.Bytes()));
      ++buffers_made_;
    }
    PageBuffer buffer = std::move(free_buffers_.back());
    free_buffers_.pop_back();
    ++reading_;
    return One(*poorest, poorest->NextReadJob(std::move(buffer)));
  }

  std::unique_ptr<HashStream> Remove(HashStream* stream) {
    const auto place = std::find_if(active_.begin(), active_.end(),
                                    [&](const auto& active) { return active.get() == stream; });
    std::unique_ptr<HashStream> removed = std::move(*place);
    active_.erase(place);
    for (PageBuffer& buffer : removed->TakeBuffers()) free_buffers_.push_back(std::move(buffer));
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
  const std::vector<BlockFunction> functions_;
  const std::uint64_t streams_a_thread_;
  const ChunkSize chunk_size_;
  const std::uint64_t buffer_limit_;

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::vector<std::unique_ptr<HashStream>> active_;
  std::size_t begun_ = 0;
  std::size_t reported_ = 0;
  std::optional<Error> failure_;  // of on_hashed_
  std::vector<PageBuffer> free_buffers_;
  std::uint64_t buffers_made_ = 0;
  std::uint64_t reading_ = 0;  // jobs

  std::mutex report_mutex_;
};

}  // namespace

Result<void> HashSources(std::span<const HashRequest> requests, const Task& task,
                         const OnHashed& on_hashed) {
  return HashBatch(requests, task, on_hashed).Run();
}

}  // namespace hallmark
