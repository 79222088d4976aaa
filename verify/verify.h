// Is this copy what the sources say? Files first; weights where files differ.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/base/task.h"
#include "verify/copy.h"
#include "verify/sample.h"
#include "verify/signatures/endorse.h"
#include "verify/verify_report.h"

namespace hallmark {

// One part of a verification that several workers share.
struct PartOptions {
  Part part;
  std::string request;  // fingerprint of what was asked; see PartStamp
};

struct VerifyOptions {
  bool allow_extra = false;  // files that a source says there are none of do not count
  std::vector<std::string> ignored_paths = {};  // of these files and folders, whatever is there
  std::vector<std::string> include = {};        // globs over paths; empty: everything
  bool weights_only = false;                    // differing side files do not count
  bool compare_weights = true;                  // read tensors where files differ
  // Called for every wrong size and unfinished download before anything is hashed; may be empty.
  std::function<void(const FileVerdict&)> on_early = {};
  // Called for each file that is as listed as soon as it was read, with the name of the source;
  // may be empty. Not for those of which only the end tells: then they are in the report alone.
  std::function<Result<void>(const FileVerdict&, const std::string& source)> on_match = {};
  ResumeOptions resume = {};
  // Digests of the copy's files are taken from here and put in here; may be null. Sources that are
  // copies, pieces and tensors are read all the same. Not for samples, which are about reading.
  DigestCache* cache = nullptr;
  // Whose signatures count, for every source that is a list; null: none are looked at.
  const SignatureRules* signatures = nullptr;
  // Only the files of one part, or only a sample: files alone are compared then, and what is right
  // is kPartial. Both need sources that were named.
  std::optional<PartOptions> part = {};
  std::optional<Sample> sample = {};
};

// `copy`: a directory or a single file. With no sources, the catalogue and the lists found around
// the copy are tried, and the report says what that is worth. Wrong sizes and missing files are
// found before anything is hashed; every file is read once.
// Errors: only where the question could not be asked at all (no such directory, interrupted).
Result<VerifyReport> Verify(const std::filesystem::path& copy, std::vector<Source> sources,
                            const VerifyOptions& options, const Task& task);
// The same of a copy that was listed already.
Result<VerifyReport> Verify(Copy copy, std::vector<Source> sources, const VerifyOptions& options,
                            const Task& task);

}  // namespace hallmark
