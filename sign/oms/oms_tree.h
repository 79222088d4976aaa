// What a folder holds, against the names that a model signature lists (OpenSSF Model Signing 1.0,
// 6.1, 6.2 and 8.4). Contents are compared elsewhere.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sign/oms/statement.h"
#include "src/base/error.h"
#include "src/base/finding.h"

namespace hallmark {

// Paths are relative to the model, and sorted. It is what the statement says if all but `ignored`
// are empty.
struct OmsTree {
  std::vector<std::string> missing;         // listed, and no file here
  std::vector<std::string> unsigned_files;  // here, neither listed nor ignored
  // Files and folders that are here and that the statement says nothing about: they can be
  // anything.
  std::vector<std::string> ignored;
  // What stands for no file that could have been signed: links that the statement does not allow or
  // that leave the model, links to folders, devices, folders that cannot be read.
  std::vector<Finding> problems;
};

// `signature`: its file, which is no part of the model; may be empty. Errors: kNotFound, kIo.
Result<OmsTree> CompareOmsTree(const OmsStatement& statement, const std::filesystem::path& model,
                               const std::filesystem::path& signature);

}  // namespace hallmark
