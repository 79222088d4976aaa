#include "verify/diff/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "src/base/numbers.h"
#include "src/base/text.h"
#include "src/io/file.h"
#include "src/json/json_reader.h"
#include "verify/diff/diff_digests.h"
#include "verify/diff/diff_values.h"
#include "verify/diff/fields/compare_fields.h"
#include "weights/identity.h"
#include "weights/manifest.h"
#include "weights/model.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

// What one operand turned out to be.
struct Operand {
  std::optional<Model> model;
  std::optional<Manifest> manifest;  // if there is no model
};

// The manifest in `path`; nullopt where it is something else.
Result<std::optional<Manifest>> OpenManifest(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  const auto file = HM_TRY(OpenFile(path));
  std::array<std::byte, 1> first;
  if (file->Size() == 0 || file->Size() > JsonLimits().max_bytes) return std::nullopt;
  HM_TRY(file->Read(0, first));
  if (first[0] != std::byte{'{'}) return std::nullopt;
  const std::string text = HM_TRY(ReadWholeFile(*file, JsonLimits().max_bytes));
  if (text.find("\"hallmark.manifest/") == std::string::npos) return std::nullopt;
  return HM_TRY(ParseManifest(text, path.string()));
}

Result<Operand> Open(const fs::path& path, const Task& task) {
  Operand operand;
  operand.manifest = HM_TRY(OpenManifest(path));
  if (!operand.manifest) operand.model.emplace(HM_TRY(Model::Open(path, task)));
  return operand;
}

DiffSide Name(const Operand& operand, const fs::path& path) {
  DiffSide side;
  side.name = path.string();
  if (operand.manifest) {
    side.format = "manifest";
    side.architecture = operand.manifest->architecture;
    side.identity = operand.manifest->weights;
    side.by_digests_only = true;
    side.tensors = operand.manifest->tensors.size();
    side.left_out = operand.manifest->left_out;
    for (const ManifestTensor& tensor : operand.manifest->tensors) {
      side.parameters += ElementCount(tensor.shape).value_or(0);
    }
  } else {
    side.format = operand.model->Files().front().reader->FormatDetail();
  }
  return side;
}

Result<std::vector<DigestedTensor>> Digests(const Operand& operand, const Task& task,
                                            DiffSide* side, std::vector<Finding>* findings) {
  if (operand.manifest) {
    if (operand.manifest->tensors.empty()) {
      const std::string& reason = operand.manifest->no_identity_reason;
      return Error{Errc::kUnsupported, side->name,
                   "it lists no tensors" + (reason.empty() ? "" : ": " + reason)};
    }
    return Digested(*operand.manifest);
  }
  const WeightIdentity identity = HM_TRY(ComputeIdentity(*operand.model, task));
  side->identity = identity.ToString();
  side->architecture = identity.architecture;
  side->left_out = identity.left_out;
  side->tensors = identity.tensors.size();
  for (const TensorIdentity& tensor : identity.tensors) {
    const std::uint64_t values = ElementCount(tensor.shape).value_or(0);
    side->parameters += values;
    side->bytes_read += PayloadBytes(tensor.stored_dtype, tensor.shape).value_or(0);
  }
  findings->insert(findings->end(), identity.findings.begin(), identity.findings.end());
  return Digested(identity);
}

// An identity over stored names says nothing of tensors that are called otherwise.
bool IsRaw(const DiffSide& side) {
  return side.identity.starts_with("hm1raw:") ||
         (!side.by_digests_only && side.architecture.empty());
}

void SumUpGroups(DiffReport* report) {
  std::map<std::string_view, std::size_t> places;
  for (const TensorDiff& tensor : report->tensors) {
    const auto [place, is_new] = places.emplace(tensor.group, report->groups.size());
    if (is_new) report->groups.emplace_back().key = tensor.group;
    GroupDiff& group = report->groups[place->second];
    ++group.tensors;
    switch (tensor.state) {
      case TensorState::kEqual:
      case TensorState::kRelated:
        ++group.equal;
        break;
      case TensorState::kNotCompared:
        break;
      default:
        ++group.different;
    }
    if (tensor.values) group.values.Append(*tensor.values);
  }
}

// Decides, and says it in one sentence.
class Conclusion {
 public:
  explicit Conclusion(DiffReport* report)
      : report_(*report),
        equal_(report->CountOf(TensorState::kEqual)),
        related_(report->CountOf(TensorState::kRelated)),
        different_(report->CountOf(TensorState::kDifferent)),
        only_(report->CountOf(TensorState::kOnlyInA) + report->CountOf(TensorState::kOnlyInB)),
        not_compared_(report->CountOf(TensorState::kNotCompared)),
        fields_(static_cast<std::uint64_t>(
            std::ranges::count_if(report->fields, &FieldDiff::has_meaning))) {}

  void Draw() {
    const std::uint64_t paired = equal_ + related_ + different_ + not_compared_;
    if (paired == 0 && only_ > 0 && (IsRaw(report_.a) || IsRaw(report_.b))) {
      report_.verdict = DiffVerdict::kInconclusive;
      report_.summary =
          "no tensor of one could be found in the other, and the names of at least one of them are "
          "not known here";
      report_.hint = "compare two copies that use one naming scheme, such as two GGUF files";
      return;
    }
    if (different_ + only_ + fields_ > 0) {
      report_.verdict = DiffVerdict::kDifferent;
      report_.summary = Differences();
    } else if (not_compared_ > 0 || paired == 0) {
      report_.verdict = DiffVerdict::kInconclusive;
      report_.summary = paired == 0
                            ? "there is nothing to compare"
                            : fmt::format("{} of {} could not be compared; the others are equal",
                                          not_compared_, Count(paired, "tensor"));
      return;
    } else if (!report_.unsettled.empty()) {
      report_.verdict = DiffVerdict::kInconclusive;
      report_.summary =
          fmt::format("the weights are equal; beside them, {} could not be compared: {}",
                      report_.unsettled.size() == 1 ? "one thing" : "several things",
                      report_.unsettled.front());
      report_.hint = "--weights-only asks for the weights alone";
      return;
    } else if (related_ > 0) {
      report_.verdict = DiffVerdict::kEqualRelated;
      report_.summary =
          fmt::format("the same numbers in all of {}; what lies between loses nothing",
                      Count(paired, "tensor"));
    } else {
      report_.verdict = DiffVerdict::kEqual;
      report_.summary = fmt::format("{}, all equal bit for bit", Count(paired, "tensor"));
    }
    if (report_.fields_compared == 0 && report_.verdict != DiffVerdict::kDifferent) {
      report_.summary += "; nothing but weights was compared";
    }
    if (not_compared_ > 0) {
      report_.summary += fmt::format("; {} could not be compared", Count(not_compared_, "tensor"));
    }
  }

 private:
  std::string Differences() const {
    std::vector<std::string> parts;
    const std::uint64_t paired = equal_ + related_ + different_ + not_compared_;
    if (different_ > 0)
      parts.push_back(fmt::format("{} of {} {}", WithCommas(different_), Count(paired, "tensor"),
                                  different_ == 1 ? "differs" : "differ") +
                      Extent());
    if (only_ > 0) {
      parts.push_back(fmt::format("{} only in A, {} only in B",
                                  report_.CountOf(TensorState::kOnlyInA),
                                  report_.CountOf(TensorState::kOnlyInB)));
    }
    if (parts.empty() && paired > 0) parts.push_back("the weights are equal");
    if (fields_ > 0) {
      parts.push_back(fmt::format("{} field{} of configuration, tokenizer or metadata differ{}",
                                  fields_, fields_ == 1 ? "" : "s", fields_ == 1 ? "s" : ""));
    }
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : "; ") + parts[i];
    return text;
  }

  std::string Extent() const {
    const ValueComparison total = report_.Total();
    const auto moved =
        static_cast<std::uint64_t>(std::ranges::count_if(report_.tensors, &TensorDiff::moved));
    if (moved == different_) return ", all of them by where they stand";
    if (total.values == 0) return "";
    return fmt::format(", {} of {} values", WithCommas(total.differing), WithCommas(total.values));
  }

  DiffReport& report_;
  const std::uint64_t equal_, related_, different_, only_, not_compared_, fields_;
};

// Programs that load the model go by the index.
void AddBrokenIndex(const Model& model, std::string_view side, DiffReport* report) {
  for (const Finding& finding : model.Findings()) {
    if (finding.code != kBrokenIndexFinding) continue;
    report->unsettled.push_back(
        fmt::format("the index {} of {} can't be used", EscapeForPeople(finding.subject), side));
    report->fields_not_compared.push_back(report->unsettled.back());
  }
}

Result<void> AddFields(const Operand& a, const Operand& b, const Task& task, DiffReport* report) {
  if (!a.model || !b.model) {
    report->fields_not_compared.push_back("a manifest holds no configuration and no tokenizer");
    return {};
  }
  FieldComparison fields = HM_TRY(CompareFields(*a.model, *b.model, task));
  std::ranges::move(fields.differing, std::back_inserter(report->fields));
  report->fields_compared = fields.compared;
  report->fields_not_compared = fields.unsettled;
  std::ranges::move(fields.not_compared, std::back_inserter(report->fields_not_compared));
  report->unsettled = std::move(fields.unsettled);
  AddBrokenIndex(*a.model, "A", report);
  AddBrokenIndex(*b.model, "B", report);
  report->findings.insert(report->findings.end(), fields.findings.begin(), fields.findings.end());
  return {};
}

}  // namespace

Result<DiffReport> Diff(const fs::path& a, const fs::path& b, const DiffOptions& options,
                        const Task& task) {
  const Operand operand_a = HM_TRY(Open(a, task));
  const Operand operand_b = HM_TRY(Open(b, task));
  DiffReport report;
  report.a = Name(operand_a, a);
  report.b = Name(operand_b, b);
  if (operand_a.model && operand_b.model) {
    HM_TRY(DiffByValues(*operand_a.model, *operand_b.model, options, task, &report));
  } else {
    auto digests_a = HM_TRY(Digests(operand_a, task, &report.a, &report.findings));
    auto digests_b = HM_TRY(Digests(operand_b, task, &report.b, &report.findings));
    DiffByDigests(std::move(digests_a), std::move(digests_b), &report);
    std::ranges::stable_sort(report.tensors, [](const TensorDiff& x, const TensorDiff& y) {
      if (x.group != y.group) return GroupKeyLess(x.group, y.group);
      return x.Name() < y.Name();
    });
  }
  if (!options.weights_only) HM_TRY(AddFields(operand_a, operand_b, task, &report));
  SumUpGroups(&report);
  Conclusion(&report).Draw();
  return report;
}

}  // namespace hallmark
