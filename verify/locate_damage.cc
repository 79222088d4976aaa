#include "verify/locate_damage.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "src/io/directory.h"
#include "verify/damage.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

// A shard whose digests are right holds no part of the difference.
void DropPlacesInIntactFiles(VerifyReport& report) {
  std::set<std::string> intact;
  for (const FileVerdict& file : report.files) {
    if (file.state == FileState::kOk || file.state == FileState::kRenamed) {
      intact.insert(file.path);
    }
  }
  for (WeightsVerdict::Difference& difference : report.weights.differences) {
    const auto is_intact = [&](const auto& place) { return intact.contains(place.first); };
    if (!std::all_of(difference.places.begin(), difference.places.end(), is_intact)) {
      std::erase_if(difference.places, is_intact);
    }
  }
}

// Against another copy that is at hand, byte by byte.
Result<std::vector<DifferingBytes>> CompareWithModel(const fs::path& model, const fs::path& ours,
                                                     const std::string& listed, const Task& task) {
  const fs::path folder = fs::is_directory(model) ? model : model.parent_path();
  const auto their_file = OpenFile(folder / listed);
  const auto our_file = OpenFile(ours);
  if (!their_file || !our_file || (*their_file)->Size() != (*our_file)->Size()) {
    return std::vector<DifferingBytes>();
  }
  return CompareBytes(**our_file, **their_file, task);
}

}  // namespace

Result<void> LocateDamage(
    const Copy& copy, std::span<const Source> sources,
    const std::function<std::vector<ByteRange>(const FileVerdict&)>& known_stretches,
    CopyWeights& weights, const Task& task, VerifyReport& report) {
  DropPlacesInIntactFiles(report);
  for (FileVerdict& file : report.files) {
    if (!file.holds_weights) continue;  // bytes of a small side file tell nobody much
    const bool cut = file.state == FileState::kWrongSize || file.state == FileState::kIncomplete;
    if (file.listed_as.empty() || (file.state != FileState::kMismatch && !cut)) continue;
    const Source& source = sources[file.source];
    const ManifestFile* listed = FindInManifest(source, file.listed_as);
    const auto index = FindFile(copy.Listing(), file.path);
    HM_CHECK(index.has_value());
    const CopyFile& present = copy.File(*index);
    std::vector<DifferingBytes> stretches;
    if (listed != nullptr && present.outcome) {
      const std::vector<TreeNode>& sub_roots = present.outcome->sub_roots;
      if (cut) {
        file.intact = IntactSpans(*listed, file.size, sub_roots);
      } else {
        for (const ByteRange& span : DifferingSpans(*listed, file.size, sub_roots)) {
          stretches.push_back({span, 0});
        }
      }
    } else if (source.model && !cut && copy.IsOnDisk()) {
      stretches = HM_TRY(
          CompareWithModel(*source.model, copy.Entry(*index).full_path, file.listed_as, task));
    }
    for (const ByteRange& range : known_stretches(file)) stretches.push_back({range, 0});
    if (!stretches.empty()) {
      file.damage = NameDamage(stretches, weights.PlacesIn(file, source, report.weights));
    }
  }
  return {};
}

}  // namespace hallmark
