// A model as an OMS signature lists it: from a manifest, without reading its files again, or from
// the files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sign/oms/write_oms.h"
#include "src/base/task.h"
#include "weights/manifest.h"

namespace hallmark {

// Errors: kUsage where the manifest has no digests of `hash`.
Result<OmsModel> OmsModelOf(const Manifest& manifest, std::string name, Algorithm hash);

struct OmsHashing {
  Algorithm hash = Algorithm::kSha256;
  std::uint64_t shard_bytes = 0;           // 0: whole files
  std::vector<std::string> ignored_paths;  // relative to the model; files, or folders with all in
                                           // them. kOmsDefaultIgnored are left out besides
};

// Reads every file at or below `path`, a directory or one file. Links to files are signed as the
// files they lead to, which the statement then says. Errors: unreadable or changing files, links to
// directories, devices; a model without files; kInterrupted.
Result<OmsModel> HashOmsModel(const std::filesystem::path& path, const OmsHashing& hashing,
                              const Task& task);

}  // namespace hallmark
