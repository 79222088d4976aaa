// What `inspect` tells of an opened model, as data and in its two forms.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/report/fold.h"
#include "cli/terminal.h"
#include "src/io/directory.h"
#include "weights/model.h"

namespace hallmark {

struct InspectReport {
  const Model* model;  // outlives the report
  ExitCode exit = ExitCode::kOk;
  std::string architecture = {};   // as canonical naming tells it, else the configuration's
  std::uint64_t tensors = 0;       // as stored, all files together
  std::uint64_t stored_bytes = 0;  // payload
  std::optional<std::uint64_t> parameters = {};  // of canonical tensors; absent: see no_identity
  std::string no_identity = {};                  // why the tensors have no canonical form, or empty
  struct DtypeCount {
    Dtype dtype;
    std::uint64_t tensors = 0, elements = 0, bytes = 0;
  };
  std::vector<DtypeCount> dtypes = {};  // most bytes first
  std::vector<TensorPattern> patterns = {};
  std::vector<DirectoryEntry> side_files = {};  // beside the files of the model
  std::vector<Finding> findings = {};
};

struct InspectOptions {
  bool all_tensors = false;
  bool verbose = false;  // long metadata and all side files
};

std::string InspectText(const InspectReport& report, const InspectOptions& options,
                        const Style& style, std::size_t width);
std::string InspectJson(const InspectReport& report, const InspectOptions& options);
// One line a tensor.
std::string InspectJsonLines(const InspectReport& report);

}  // namespace hallmark
