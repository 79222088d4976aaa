// One source on its way through all its digests: what was read and who has yet to see it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "src/base/page_buffer.h"
#include "src/hash/block_hasher.h"
#include "src/hash/hash_sources.h"
#include "src/hash/hasher.h"

namespace hallmark {

// How much is read at once: whole subtrees of the tree.
struct ChunkSize {
  unsigned height;  // of the subtree
  std::size_t Bytes() const { return kTreeBlock << height; }
};

// A window of chunks slides over the source. Reads start in order, several at once; the tree is
// made of each as it is read; a serial digest (a lane) takes one chunk after another; a chunk's
// buffer is given back when all have had it. Lanes of block functions move together with those of
// other streams, so they are asked for by function. Functions other than Run are called under one
// lock; Run works without it on what a Next… function set aside, on any thread.
class HashStream {
 public:
  struct Chunk {
    std::uint64_t index = 0;
    PageBuffer buffer;
    bool ready = false;  // it was read
    std::size_t lanes_left = 0;
  };
  enum class Work : std::uint8_t { kRead, kLane };
  struct Job {
    Work work;
    Chunk* chunk;          // stays where it is until Complete
    std::size_t lane = 0;  // for kLane
    // Of kRead, which also hashes for the tree, while the bytes are in the core's cache.
    Result<void> read = {};
    TreeNode node = {};
  };

  // `request` outlives the stream.
  HashStream(const HashRequest& request, std::size_t index, ChunkSize chunk_size);

  // The lane that lags most among those that can go on, but not of block functions; nullopt if none
  // can.
  std::optional<Job> NextLaneJob();
  // A lane of this function can go on now; it has yet to come to its end.
  bool LaneReady(BlockFunction function) const;
  bool LaneUnfinished(BlockFunction function) const;
  Job NextLaneJob(BlockFunction function);  // only if LaneReady
  bool CanRead() const;
  Job NextReadJob(PageBuffer buffer);  // only if CanRead
  void Run(Job& job, const Task& task);
  // As Run, for jobs that NextLaneJob gave, one each of `streams`.
  static void RunTogether(BlockFunction function, std::span<HashStream* const> streams,
                          std::span<const Job> jobs);
  PageBuffer Complete(Job job);  // the buffer, if the chunk is done with

  std::size_t BuffersHeld() const { return buffers_held_; }
  // Nothing is running, and all is done or cannot be.
  bool Finished() const;
  // Once Finished.
  Result<HashOutcome> TakeOutcome();
  std::vector<PageBuffer> TakeBuffers();  // what a failure left behind
  std::size_t Index() const { return index_; }
  const HashRequest& Request() const { return request_; }

 private:
  struct Lane {
    Algorithm algorithm;
    std::optional<BlockFunction> function;
    std::unique_ptr<Hasher> hasher;  // a BlockHasher if there is a function
    std::uint64_t next = 0;          // chunk
    bool busy = false;
  };

  ByteSpan BytesOf(const Chunk& chunk) const;
  Chunk* ReadyChunk(std::uint64_t index);
  const Chunk* ReadyChunk(std::uint64_t index) const;
  // The lane of `function` that lags most among those that wait for nothing; null if none does.
  const Lane* ReadyLane(std::optional<BlockFunction> function) const;
  Job Begin(const Lane& lane);

  const HashRequest& request_;
  const std::size_t index_;
  const ChunkSize chunk_size_;
  const std::uint64_t size_;
  std::uint64_t chunk_count_;  // 0 if no digest was asked for
  std::vector<Lane> lanes_;    // one for each serial algorithm
  bool wants_tree_ = false;
  std::vector<TreeNode> nodes_;  // the tree's, one a chunk
  std::deque<Chunk> window_;     // consecutive; those in front are not yet done with
  std::uint64_t next_read_ = 0;
  std::size_t buffers_held_ = 0;
  std::size_t running_ = 0;
  std::optional<Error> error_;
  std::uint64_t error_chunk_ = 0;
};

}  // namespace hallmark
