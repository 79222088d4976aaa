#include "verify/listed_content.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "formats/registry.h"
#include "src/base/text.h"
#include "verify/pieces.h"
#include "weights/tensor_data.h"

namespace hallmark {
namespace {

std::string Count(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class Check {
 public:
  Check(const Source& source, const std::vector<std::optional<std::size_t>>& present,
        const Copy& copy, const Task& task)
      : source_(source), present_(present), copy_(copy), task_(task) {
    checks_.files.resize(source.files.size());
  }

  Result<ContentChecks> Run() {
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    const std::vector<bool> listed = HasListedContent(source_);
    for (std::size_t f = 0; f < listed.size(); ++f) {
      if (!listed[f] || !present_[f]) continue;
      checks_.files[f].emplace();
      bytes += copy_.Entry(*present_[f]).size;
      ++files;
    }
    if (files == 0) return std::move(checks_);
    task_.Begin(source_.tensors.empty() ? "checking pieces" : "hashing tensors", bytes, files);
    for (const PieceList& list : source_.pieces) HM_TRY(CheckList(list));
    for (auto first = source_.tensors.begin(); first != source_.tensors.end();) {
      const auto last = std::find_if(first, source_.tensors.end(), [&](const ListedTensor& tensor) {
        return tensor.file != first->file;
      });
      if (checks_.files[first->file]) HM_TRY(CheckTensors({first, last}));
      first = last;
    }
    return std::move(checks_);
  }

 private:
  const DirectoryEntry& EntryOf(std::size_t f) const { return copy_.Entry(*present_[f]); }

  void Note(std::size_t f, Severity severity, std::string code, std::string message) {
    checks_.files[f]->findings.push_back(
        {severity, std::move(code), EntryOf(f).path, std::move(message)});
  }

  Result<void> CheckList(const PieceList& list) {
    std::vector<std::optional<std::filesystem::path>> paths(list.spans.size());
    for (std::size_t s = 0; s < list.spans.size(); ++s) {
      const PieceSpan& span = list.spans[s];
      if (span.holder == PieceSpan::Holder::kFile && present_[span.file]) {
        paths[s] = EntryOf(span.file).full_path;
      }
    }
    const std::vector<PieceVerdict> verdicts =
        HM_TRY(CheckPieces(list, paths, task_, &checks_.bytes_read));
    for (std::size_t s = 0; s < list.spans.size(); ++s) {
      if (paths[s]) Take(verdicts[s], list.spans[s].file);
    }
    return {};
  }

  void Take(const PieceVerdict& pieces, std::size_t f) {
    ContentVerdict& verdict = *checks_.files[f];
    task_.FileDone(EntryOf(f).path);
    verdict.unchecked += pieces.unchecked;
    if (pieces.error) verdict.error = pieces.error;
    verdict.differs = verdict.differs || !pieces.bad.empty();
    if (pieces.unchecked > 0 && !pieces.error) {
      Note(f, Severity::kWarning, "pieces-not-checked",
           fmt::format("{} of {} reach into files that are not here whole", pieces.unchecked,
                       Count(pieces.pieces, "piece")));
    }
    if (pieces.bad.empty()) return;
    std::uint64_t bytes = 0;
    for (const ByteRange& range : pieces.bad) bytes += range.size;
    Note(f, Severity::kWarning, "bad-pieces",
         fmt::format("pieces with {} bytes of it have other digests than listed", bytes));
    if (pieces.shared_bad > 0) {
      Note(f, Severity::kNote, "shared-piece",
           fmt::format("{} of them hold bytes of other files too, which may be what differs",
                       pieces.shared_bad));
    }
    std::ranges::copy(pieces.bad, std::back_inserter(verdict.stretches));
  }

  Result<void> CheckTensors(std::span<const ListedTensor> listed) {
    const std::size_t f = listed[0].file;
    ContentVerdict& verdict = *checks_.files[f];
    Result<void> checked = CheckTensorsOf(f, listed);
    if (!checked) {
      if (checked.error().code == Errc::kInterrupted) return checked;
      verdict.error = std::move(checked).error();
    }
    task_.FileDone(EntryOf(f).path);
    return {};
  }

  Result<void> CheckTensorsOf(std::size_t f, std::span<const ListedTensor> listed) {
    ContentVerdict& verdict = *checks_.files[f];
    const auto file = HM_TRY(OpenFile(EntryOf(f).full_path));
    const auto reader = HM_TRY(OpenContainer(*file));
    const std::span<const TensorInfo> tensors = reader->Tensors();
    std::map<std::string_view, std::size_t> by_name;
    for (std::size_t i = 0; i < tensors.size(); ++i) by_name.emplace(tensors[i].name, i);
    std::vector<TensorDataRequest> requests;
    std::vector<const ListedTensor*> asked;
    bool whole = false;
    std::size_t named = 0;
    for (const ListedTensor& tensor : listed) {
      TensorDataRequest request;
      for (const Digest& digest : tensor.digests)
        request.algorithms.push_back(digest.GetAlgorithm());
      if (tensor.name.empty()) {
        whole = true;
      } else if (const auto found = by_name.find(tensor.name); found != by_name.end()) {
        request.tensor = found->second;
        ++named;
      } else {
        verdict.differs = true;
        Note(f, Severity::kWarning, "missing-tensor",
             fmt::format("{} is listed and not in the file", EscapeForPeople(tensor.name)));
        continue;
      }
      if (request.tensor) {
        checks_.bytes_read += tensors[*request.tensor].payload_bytes;
      } else {
        for (const TensorInfo& each : tensors) checks_.bytes_read += each.payload_bytes;
      }
      requests.push_back(std::move(request));
      asked.push_back(&tensor);
    }
    const auto digests = HM_TRY(HashTensorData(*reader, requests, task_));
    HM_TRY(file->CheckUnchanged());
    for (std::size_t r = 0; r < requests.size(); ++r) {
      if (digests[r] == asked[r]->digests) continue;
      verdict.differs = true;
      if (requests[r].tensor) {
        const TensorInfo& tensor = tensors[*requests[r].tensor];
        verdict.damage.push_back({tensor.stored, {tensor.name}, {}, 0, true});
      } else {
        Note(f, Severity::kWarning, "tensor-data-differs",
             "the data of all its tensors together has another digest than listed");
      }
    }
    // Tensors that the list doesn't name would go unseen.
    if (!whole && named < tensors.size()) {
      verdict.unchecked += tensors.size() - named;
      Note(f, Severity::kWarning, "unlisted-tensors",
           fmt::format("{} of {} are not listed", tensors.size() - named,
                       Count(tensors.size(), "tensor")));
    }
    std::ranges::sort(verdict.damage, {}, [](const DamagedRange& d) { return d.range.offset; });
    return {};
  }

  const Source& source_;
  const std::vector<std::optional<std::size_t>>& present_;
  const Copy& copy_;
  const Task& task_;
  ContentChecks checks_;
};

}  // namespace

std::vector<bool> HasListedContent(const Source& source) {
  std::vector<bool> listed(source.files.size(), false);
  for (const PieceList& list : source.pieces) {
    for (const PieceSpan& span : list.spans) {
      if (span.holder == PieceSpan::Holder::kFile) listed[span.file] = true;
    }
  }
  for (const ListedTensor& tensor : source.tensors) listed[tensor.file] = true;
  return listed;
}

Result<ContentChecks> CheckListedContent(const Source& source,
                                         const std::vector<std::optional<std::size_t>>& present,
                                         const Copy& copy, const Task& task) {
  return Check(source, present, copy, task).Run();
}

}  // namespace hallmark
