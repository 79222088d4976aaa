#include "src/hash/hash_stream.h"

#include <algorithm>
#include <utility>

namespace hallmark {

static_assert(kChunkBytes == kTreeBlock << kChunkHeight);

HashStream::HashStream(const HashRequest& request, std::size_t index)
    : request_(request), index_(index), size_(request.source->Size()) {
  for (const Algorithm algorithm : request.algorithms) {
    const auto same = [&](const Lane& lane) { return lane.algorithm == algorithm; };
    if (algorithm == Algorithm::kTree) {
      wants_tree_ = true;
    } else if (std::none_of(lanes_.begin(), lanes_.end(), same)) {
      lanes_.push_back({algorithm, MakeHasher(algorithm, size_)});
    }
  }
  chunk_count_ = size_ / kChunkBytes + (size_ % kChunkBytes != 0 ? 1 : 0);
  if (request.algorithms.empty()) chunk_count_ = 0;
}

HashStream::Chunk* HashStream::ReadyChunk(std::uint64_t index) {
  if (window_.empty() || index < window_.front().index) return nullptr;
  const std::uint64_t place = index - window_.front().index;
  return place < window_.size() && window_[place].ready ? &window_[place] : nullptr;
}

std::optional<HashStream::Job> HashStream::NextDigestJob() {
  if (error_) return std::nullopt;
  std::optional<Job> best;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (lanes_[i].busy || (best && best->chunk->index <= lanes_[i].next)) continue;
    if (Chunk* chunk = ReadyChunk(lanes_[i].next)) best = Job{Work::kLane, chunk, i};
  }
  if (wants_tree_) {
    for (Chunk& chunk : window_) {
      if (best && best->chunk->index <= chunk.index) break;
      if (chunk.ready && chunk.tree_waiting) best = Job{Work::kTree, &chunk};
    }
  }
  if (!best) return std::nullopt;
  if (best->work == Work::kLane) {
    lanes_[best->lane].busy = true;
  } else {
    best->chunk->tree_waiting = false;
  }
  ++running_;
  return best;
}

bool HashStream::CanRead() const { return !error_ && next_read_ < chunk_count_; }

HashStream::Job HashStream::NextReadJob(ChunkBuffer buffer) {
  HM_CHECK(CanRead());
  Chunk& chunk = window_.emplace_back();
  chunk.index = next_read_++;
  chunk.buffer = std::move(buffer);
  chunk.tree_waiting = wants_tree_;
  chunk.digests_left = lanes_.size() + (wants_tree_ ? 1 : 0);
  ++buffers_held_;
  ++running_;
  return Job{Work::kRead, &chunk};
}

ByteSpan HashStream::BytesOf(const Chunk& chunk) const {
  const std::uint64_t left = size_ - chunk.index * kChunkBytes;
  return {chunk.buffer.get(), static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunkBytes))};
}

void HashStream::Run(Job& job, const Task& task) {
  const ByteSpan bytes = BytesOf(*job.chunk);
  switch (job.work) {
    case Work::kRead:
      job.read = request_.source->Read(job.chunk->index * kChunkBytes,
                                       {job.chunk->buffer.get(), bytes.size()});
      if (job.read) task.Advance(bytes.size());
      break;
    case Work::kLane:
      lanes_[job.lane].hasher->Update(bytes);
      break;
    case Work::kTree: {
      std::array<TreeNode, kChunkBytes / kTreeBlock> leaves;
      const std::span<TreeNode> used = std::span(leaves).first(CountLeaves(bytes.size()));
      HashLeaves(bytes, used);
      // A file of one chunk is as high as it has leaves; in others every chunk is a full subtree.
      job.node = chunk_count_ == 1 ? TreeRoot(used, 0) : SubtreeRoot(used, 0, kChunkHeight);
      break;
    }
  }
}

ChunkBuffer HashStream::Complete(Job job) {
  --running_;
  Chunk& chunk = *job.chunk;
  if (job.work == Work::kRead) {
    chunk.ready = job.read.has_value();
    if (!job.read && (!error_ || chunk.index < error_chunk_)) {
      error_ = std::move(job.read).error();
      error_chunk_ = chunk.index;
    }
    return nullptr;
  }
  if (job.work == Work::kLane) {
    lanes_[job.lane].busy = false;
    ++lanes_[job.lane].next;
  } else {
    // Grown as it is read: the size alone is only what someone claims.
    if (nodes_.size() <= chunk.index) nodes_.resize(chunk.index + 1);
    nodes_[chunk.index] = job.node;
  }
  if (--chunk.digests_left != 0) return nullptr;
  ChunkBuffer buffer = std::move(chunk.buffer);
  --buffers_held_;
  while (!window_.empty() && window_.front().ready && window_.front().digests_left == 0) {
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
      const std::size_t step = kSubRootSpan / kChunkBytes;
      for (std::size_t i = 0; i < nodes_.size(); i += step) {
        const auto part = std::span(nodes_).subspan(i, std::min(step, nodes_.size() - i));
        outcome.sub_roots.push_back(SubtreeRoot(part, kChunkHeight, kSubRootHeight));
      }
      root.emplace(Algorithm::kTree, TreeRoot(outcome.sub_roots, kSubRootHeight));
    } else {
      root.emplace(Algorithm::kTree, TreeRoot(nodes_, kChunkHeight));
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

std::vector<ChunkBuffer> HashStream::TakeBuffers() {
  std::vector<ChunkBuffer> buffers;
  for (Chunk& chunk : window_) {
    if (chunk.buffer) buffers.push_back(std::move(chunk.buffer));
  }
  window_.clear();
  buffers_held_ = 0;
  return buffers;
}

}  // namespace hallmark
