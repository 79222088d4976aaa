// One source on its way through all its digests: what was read and who has yet to see it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "src/hash/hash_sources.h"
#include "src/hash/hasher.h"

namespace hallmark {

// Bytes read at once: large enough that calls and locks cost nothing, small enough for a core's
// cache, and a whole subtree of the tree.
inline constexpr std::size_t kChunkBytes = 1024 * 1024;
inline constexpr unsigned kChunkHeight = 6;  // of that subtree

using ChunkBuffer = std::unique_ptr<std::byte[]>;  // of kChunkBytes

// A window of chunks slides over the source. Reads start in order; a serial digest (a lane) takes
// the chunks one after another, the tree takes them in any order; a chunk's buffer is given back
// when all have had it. Functions other than Run are called under one lock; Run works without it on
// what a Next… function set aside, on any thread.
class HashStream {
 public:
  struct Chunk {
    std::uint64_t index = 0;
    ChunkBuffer buffer;
    bool ready = false;         // it was read
    bool tree_waiting = false;  // the tree wants it and no one has begun
    std::size_t digests_left = 0;
  };
  enum class Work : std::uint8_t { kRead, kLane, kTree };
  struct Job {
    Work work;
    Chunk* chunk;            // stays where it is until Complete
    std::size_t lane = 0;    // for kLane
    TreeNode node = {};      // result of kTree
    Result<void> read = {};  // result of kRead
  };

  // `request` outlives the stream.
  HashStream(const HashRequest& request, std::size_t index);

  // The digest that lags most among those that can go on; nullopt if none can.
  std::optional<Job> NextDigestJob();
  bool CanRead() const;
  Job NextReadJob(ChunkBuffer buffer);  // only if CanRead
  void Run(Job& job, const Task& task);
  ChunkBuffer Complete(Job job);  // the buffer, if the chunk is done with

  std::size_t BuffersHeld() const { return buffers_held_; }
  // Nothing is running, and all is done or cannot be.
  bool Finished() const;
  // Once Finished.
  Result<HashOutcome> TakeOutcome();
  std::vector<ChunkBuffer> TakeBuffers();  // what a failure left behind
  std::size_t Index() const { return index_; }
  const HashRequest& Request() const { return request_; }

 private:
  struct Lane {
    Algorithm algorithm;
    std::unique_ptr<Hasher> hasher;
    std::uint64_t next = 0;  // chunk
    bool busy = false;
  };

  ByteSpan BytesOf(const Chunk& chunk) const;
  Chunk* ReadyChunk(std::uint64_t index);

  const HashRequest& request_;
  const std::size_t index_;
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
