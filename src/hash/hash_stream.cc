#include "src/hash/hash_stream.h"

#include <algorithm>
#include <utility>

namespace hallmark {

HashStream::HashStream(const HashRequest& request, std::size_t index, ChunkSize chunk_size)
    : request_(request), index_(index), chunk_size_(chunk_size), size_(request.source->Size()) {
  for (const Algorithm algorithm : request.algorithms) {
    const auto same = [&](const Lane& lane) { return lane.algorithm == algorithm; };
    if (algorithm == Algorithm::kTree) {
      wants_tree_ = true;
    } else if (std::none_of(lanes_.begin(), lanes_.end(), same)) {
      lanes_.push_back({algorithm, BlockFunctionOf(algorithm), MakeHasher(algorithm, size_)});
    }
  }
  const std::size_t bytes = chunk_size.Bytes();
  chunk_count_ = size_ / bytes + (size_ % bytes != 0 ? 1 : 0);
  if (request.algorithms.empty()) chunk_count_ = 0;
}

const HashStream::Chunk* HashStream::ReadyChunk(std::uint64_t index) const {
  if (window_.empty() || index < window_.front().index) return nullptr;
  const std::uint64_t place = index - window_.front().index;
  return place < window_.size() && window_[place].ready ? &window_[place] : nullptr;
}

HashStream::Chunk* HashStream::ReadyChunk(std::uint64_t index) {
  return const_cast<Chunk*>(std::as_const(*this).ReadyChunk(index));
}

const HashStream::Lane* HashStream::ReadyLane(std::optional<BlockFunction> function) const {
  if (error_) return nullptr;
  const Lane* best = nullptr;
  for (const Lane& lane : lanes_) {
    if (lane.function != function || lane.busy || (best != nullptr && best->next <= lane.next)) {
      continue;
    }
    if (ReadyChunk(lane.next) != nullptr) best = &lane;
  }
  return best;
}

bool HashStream::LaneReady(BlockFunction function) const { return ReadyLane(function) != nullptr; }

bool HashStream::LaneUnfinished(BlockFunction function) const {
  return !error_ && std::ranges::any_of(lanes_, [&](const Lane& lane) {
    return lane.function == function && lane.next < chunk_count_;
  });
}

HashStream::Job HashStream::NextLaneJob(BlockFunction function) {
  const Lane* const ready = ReadyLane(function);
  HM_CHECK(ready != nullptr);
  return Begin(*ready);
}

HashStream::Job HashStream::Begin(const Lane& lane) {
  const auto place = static_cast<std::size_t>(&lane - lanes_.data());
  lanes_[place].busy = true;
  ++running_;
  return Job{Work::kLane, ReadyChunk(lane.next), place};
}

std::optional<HashStream::Job> HashStream::NextLaneJob() {
  const Lane* const ready = ReadyLane(std::nullopt);
  if (ready == nullptr) return std::nullopt;
  return Begin(*ready);
}

bool HashStream::CanRead() const { return !error_ && next_read_ < chunk_count_; }

HashStream::Job HashStream::NextReadJob(PageBuffer buffer) {
  HM_CHECK(CanRead());
  Chunk& chunk = window_.emplace_back();
  chunk.index = next_read_++;
  chunk.buffer = std::move(buffer);
  chunk.lanes_left = lanes_.size();
  ++buffers_held_;
  ++running_;
  return Job{Work::kRead, &chunk};
}

ByteSpan HashStream::BytesOf(const Chunk& chunk) const {
  const std::size_t bytes = chunk_size_.Bytes();
  const std::uint64_t left = size_ - chunk.index * bytes;
  return {chunk.buffer.get(), static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes))};
}

void HashStream::Run(Job& job, const Task& task) {
  Chunk& chunk = *job.chunk;
  const ByteSpan bytes = BytesOf(chunk);
  if (job.work == Work::kLane) {
    lanes_[job.lane].hasher->Update(bytes);
    return;
  }
  job.read =
      request_.source->Read(chunk.index * chunk_size_.Bytes(), {chunk.buffer.get(), bytes.size()});
  if (!job.read) return;
  task.Advance(bytes.size());
  if (!wants_tree_) return;
  std::vector<TreeNode> leaves(CountLeaves(bytes.size()));
  HashLeaves(bytes, leaves);
  // A file of one chunk is as high as it has leaves; in others every chunk is a full subtree.
  job.node = chunk_count_ == 1 ? TreeRoot(leaves, 0) : SubtreeRoot(leaves, 0, chunk_size_.height);
}

void HashStream::RunTogether(BlockFunction function, std::span<HashStream* const> streams,
                             std::span<const Job> jobs) {
  std::vector<BlockHasher*> hashers;
  std::vector<ByteSpan> bytes;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    hashers.push_back(static_cast<BlockHasher*>(streams[i]->lanes_[jobs[i].lane].hasher.get()));
    bytes.push_back(streams[i]->BytesOf(*jobs[i].chunk));
  }
  BlockHasher::UpdateTogether(function, hashers, bytes);
}

PageBuffer HashStream::Complete(Job job) {
  --running_;
  Chunk& chunk = *job.chunk;
  if (job.work == Work::kLane) {
    lanes_[job.lane].busy = false;
    ++lanes_[job.lane].next;
    --chunk.lanes_left;
  } else if (job.read) {
    chunk.ready = true;
    if (wants_tree_) {
      // Grown as it is read: the size alone is only what someone claims.
      if (nodes_.size() <= chunk.index) nodes_.resize(chunk.index + 1);
      nodes_[chunk.index] = job.node;
    }
  } else if (!error_ || chunk.index < error_chunk_) {
    error_ = std::move(job.read).error();
    error_chunk_ = chunk.index;
  }
  if (!chunk.ready || chunk.lanes_left != 0) return nullptr;
  PageBuffer buffer = std::move(chunk.buffer);
  --buffers_held_;
  while (!window_.empty() && window_.front().ready && window_.front().lanes_left == 0) {
    window_.pop_front();
  }
  return buffer;
}

bool HashStream::Finished() const {
  if (running_ != 0) return false;
  return error_ || (next_read_ == chunk_count_ && window_.empty());
}

Result<HashOutcome> HashStream::TakeOutcome() {
  HM_CHECK(Finished());
  if (error_) return *std::move(error_);
  HashOutcome outcome;
  std::optional<Digest> root;
  if (wants_tree_) {
    if (size_ > kSubRootSpan) {
      const std::size_t step = kSubRootSpan / chunk_size_.Bytes();
      for (std::size_t i = 0; i < nodes_.size(); i += step) {
        const auto part = std::span(nodes_).subspan(i, std::min(step, nodes_.size() - i));
        outcome.sub_roots.push_back(SubtreeRoot(part, chunk_size_.height, kSubRootHeight));
      }
      root.emplace(Algorithm::kTree, TreeRoot(outcome.sub_roots, kSubRootHeight));
    } else {
      root.emplace(Algorithm::kTree, TreeRoot(nodes_, chunk_size_.height));
    }
  }
  std::vector<Digest> serial;
  for (Lane& lane : lanes_) serial.push_back(lane.hasher->Finish());
  for (const Algorithm algorithm : request_.algorithms) {
    if (algorithm == Algorithm::kTree) {
      outcome.digests.push_back(*root);
      continue;
    }
    outcome.digests.push_back(
        *std::find_if(serial.begin(), serial.end(),
                      [&](const Digest& digest) { return digest.GetAlgorithm() == algorithm; }));
  }
  return outcome;
}

std::vector<PageBuffer> HashStream::TakeBuffers() {
  std::vector<PageBuffer> buffers;
  for (Chunk& chunk : window_) {
    if (chunk.buffer) buffers.push_back(std::move(chunk.buffer));
  }
  window_.clear();
  buffers_held_ = 0;
  return buffers;
}

}  // namespace hallmark
