// Official files made again, bit for bit, from a copy in another container and a recipe.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "src/io/folder.h"
#include "transform/recipe.h"
#include "transform/write_files.h"
#include "weights/canonical.h"
#include "weights/model.h"

namespace hallmark {

// The bytes of `tensor`, made of the canonical tensors of a copy, which must outlive it. Reading
// gives kMalformed where the copy's values are not exactly of the stored type. Errors: kNotFound (a
// tensor that the copy lacks), kUnsupported (one of another shape or type than the recipe needs).
Result<Bytes> RebuiltTensor(const RecipeTensor& tensor, const CanonicalModel& copy);

// A copy opened to rebuild files from. Movable; what it gives refers to it.
class RebuildSource {
 public:
  static Result<RebuildSource> Open(const std::filesystem::path& copy, const Task& task);

  const Model& GetModel() const { return *model_; }
  const CanonicalModel& Canonical() const { return *canonical_; }

 private:
  RebuildSource() = default;

  std::unique_ptr<const Model> model_;
  std::unique_ptr<const CanonicalModel> canonical_;
};

// The recipe's files, ready to be written. Errors: as RebuiltTensor, named.
Result<std::vector<OutputFile>> PlanRebuild(const Recipe& recipe, const CanonicalModel& copy);

// The same files to be read in place; nothing is written. `name`: of the copy, for messages.
// `recipe` and `copy` must outlive it.
Result<std::shared_ptr<const Folder>> FolderOfRebuilt(const Recipe& recipe,
                                                      const CanonicalModel& copy, std::string name);

// Canonical names of tensors of the copy that no file among `paths` holds all of: what these files
// say nothing about.
std::vector<std::string> TensorsNotIn(const Recipe& recipe, const CanonicalModel& copy,
                                      const std::set<std::string>& paths);

struct RebuildOptions {
  std::filesystem::path target;  // a directory
  bool force = false;            // put the files into a directory that is there
  bool discard = false;          // what an interrupted run left
};

struct RebuiltFileReport {
  std::string path;
  std::uint64_t size = 0;
  bool matches = false;  // it is the official file
};

struct RebuildReport {
  std::vector<RebuiltFileReport> files;
  bool AllMatch() const;
};

// Writes the files; if any of them is not the official one, all go away again. Memory: the literal
// bytes and a few MiB per thread. Errors: as PlanRebuild; kUsage (the target exists); kIo;
// kInterrupted, after which the same call goes on.
Result<RebuildReport> Rebuild(const Recipe& recipe, const RebuildSource& copy,
                              const RebuildOptions& options, const Task& task);

}  // namespace hallmark
