// Writes pages of `hallmark diff` of reports that nobody made, for tests/peer/diff_html_peer.py.
// usage: diff_html_sample sample|equal|related|inconclusive|large|hostile >r.html
#include <cstdio>
#include <string>
#include <string_view>

#include "cli/report/diff/diff_html.h"
#include "tests/support/diff_sample.h"

namespace {

hallmark::DiffReport Chosen(std::string_view what) {
  using namespace hallmark;
  if (what == "large") return LargeDiff(126);
  if (what == "hostile") return HostileDiff();
  DiffReport report = SampleDiff();
  if (what == "sample") return report;
  // The same model, as far as it could be compared.
  std::erase_if(report.tensors, [&](const TensorDiff& tensor) {
    return tensor.state != TensorState::kEqual && tensor.state != TensorState::kRelated &&
           !(what == "inconclusive" && tensor.state == TensorState::kNotCompared);
  });
  report.groups.clear();
  report.fields.clear();
  report.explanations.clear();
  report.findings.clear();
  report.hint.clear();
  if (what == "equal") {
    report.verdict = DiffVerdict::kEqual;
    report.summary = "all 143 tensors and all 143 fields are equal";
    std::erase_if(report.tensors,
                  [](const TensorDiff& tensor) { return tensor.state != TensorState::kEqual; });
  } else if (what == "related") {
    report.verdict = DiffVerdict::kEqualRelated;
    report.summary = "the same numbers, cast from bf16 to f32 without loss";
  } else {
    report.verdict = DiffVerdict::kInconclusive;
    report.summary = "all that was compared is equal; 1 tensor could not be";
    report.hint = "convert B to a type that is read";
  }
  for (const TensorDiff& tensor : report.tensors) {
    if (report.groups.empty() || report.groups.back().key != tensor.group) {
      report.groups.push_back({.key = tensor.group});
    }
    GroupDiff& group = report.groups.back();
    ++group.tensors;
    group.equal += tensor.state != TensorState::kNotCompared;
    if (tensor.values) group.values.Append(*tensor.values);
  }
  return report;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::string page = hallmark::DiffHtml(Chosen(arguments[1]));
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
