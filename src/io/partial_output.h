// Output of long work: a folder beside the target that becomes the target once all of it is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "src/base/error.h"

namespace hallmark {

// The folder that unfinished work on `target` is kept in.
std::filesystem::path PartialFolder(const std::filesystem::path& target);

// TARGET.hallmark-partial, which holds the files under their later names and what the writer notes
// about its progress. Not thread-safe; a second process that wants the same target is refused.
// Destroyed without Commit or Keep, it removes all it wrote.
class PartialOutput {
 public:
  enum class Target {
    kFile,    // the one file in Files() gets the target's name
    kFolder,  // Files() becomes the target
  };
  struct Request {
    std::filesystem::path target;
    Target kind = Target::kFile;
    bool force = false;    // replace a file; put files into a folder that is there
    bool discard = false;  // of what an earlier run left
    // Names the work: what an earlier run left is gone on with only if it was the same.
    std::string_view fingerprint;
  };
  // Errors: kUsage (the target exists; work of another kind was left for it; another process is at
  // it), kIo.
  static Result<PartialOutput> Begin(const Request& request);
  PartialOutput(PartialOutput&& other) noexcept;
  PartialOutput& operator=(PartialOutput&&) = delete;
  ~PartialOutput();

  const std::filesystem::path& Folder() const { return folder_; }
  std::filesystem::path Files() const { return folder_ / "files"; }
  std::filesystem::path Journal() const { return folder_ / "journal"; }  // for the writer's notes
  bool WasInterrupted() const { return was_interrupted_; }  // an earlier run's work is in it

  // Gives the files their final names, and removes the rest. They must be on the disk.
  Result<void> Commit();
  // Leaves everything for the next run.
  void Keep() { keep_ = true; }
  // Removes it all, unless it is committed.
  void Remove() { keep_ = false; }

 private:
  PartialOutput(std::filesystem::path folder, std::filesystem::path target, Target kind, bool force,
                int lock);
  Result<void> CommitFile();
  Result<void> CommitFolder();

  std::filesystem::path folder_;
  std::filesystem::path target_;
  Target kind_;
  bool force_;
  bool was_interrupted_ = false;
  bool keep_ = false;
  int lock_;  // descriptor; -1: moved from or committed
};

// `target` as it can have a suffix put after it.
std::filesystem::path WithoutSlash(std::filesystem::path target);

// kUsage where `target` cannot be made: for before long work.
Result<void> CheckOutputTarget(const std::filesystem::path& target, PartialOutput::Target kind,
                               bool force);

// kIo, with both numbers, if the disk of `target` has not so much room.
Result<void> CheckFreeSpace(const std::filesystem::path& target, std::uint64_t bytes);

}  // namespace hallmark
