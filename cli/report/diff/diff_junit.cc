#include <fmt/format.h>

#include <algorithm>

#include "cli/report/diff/diff_report.h"
#include "cli/report/diff/diff_view.h"
#include "cli/report/html.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

// For attributes and text alike. XML 1.0, 2.2: U+FFFE and U+FFFF are no characters there; control
// characters are escaped for people already.
std::string Xml(std::string_view text) {
  const std::string shown = text.empty() ? std::string() : EscapeForPeople(text);
  std::string out;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const std::string_view rest = std::string_view(shown).substr(i);
    if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {
      out += rest[2] == '\xBE' ? "\\u{fffe}" : "\\u{ffff}";
      i += 2;
      continue;
    }
    out += shown[i];
  }
  return EscapeHtml(out);
}

// Cases of one suite in the making.
class Suite {
 public:
  explicit Suite(std::string_view name) : name_(name) {}

  void Pass(std::string_view name) { Add(name, "", "", "", ""); }
  void PassWith(std::string_view name, std::string_view text) {
    Add(name, "system-out", "", "", text);
  }
  void Fail(std::string_view name, std::string_view type, std::string_view message,
            std::string_view text) {
    ++failures_;
    Add(name, "failure", type, message, text);
  }
  void Err(std::string_view name, std::string_view type, std::string_view message) {
    ++errors_;
    Add(name, "error", type, message, "");
  }
  void Skip(std::string_view name, std::string_view message) {
    ++skipped_;
    Add(name, "skipped", "", message, "");
  }

  std::uint64_t Tests() const { return tests_; }
  std::uint64_t Failures() const { return failures_; }
  std::uint64_t Errors() const { return errors_; }
  std::uint64_t Skipped() const { return skipped_; }

  std::string ToString() const {
    return fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n{}"
        "  </testsuite>\n",
        Xml(name_), tests_, failures_, errors_, skipped_, cases_);
  }

 private:
  // `outcome`: the element inside; empty for none.
  void Add(std::string_view name, std::string_view outcome, std::string_view type,
           std::string_view message, std::string_view text) {
    ++tests_;
    cases_ += fmt::format("    <testcase classname=\"{}\" name=\"{}\"", Xml(name_), Xml(name));
    if (outcome.empty()) {
      cases_ += "/>\n";
      return;
    }
    cases_ += fmt::format(">\n      <{}", outcome);
    if (!type.empty()) cases_ += fmt::format(" type=\"{}\"", Xml(type));
    if (!message.empty()) cases_ += fmt::format(" message=\"{}\"", Xml(message));
    cases_ += text.empty() ? "/>\n" : fmt::format(">{}</{}>\n", Xml(text), outcome);
    cases_ += "    </testcase>\n";
  }

  std::string name_;
  std::string cases_;
  std::uint64_t tests_ = 0, failures_ = 0, errors_ = 0, skipped_ = 0;
};

// So that what could not be compared, which is only skipped below, does not pass for good.
Suite VerdictSuite(const DiffReport& report) {
  Suite suite("verdict");
  const std::string_view name = DiffVerdictName(report.verdict);
  switch (report.verdict) {
    case DiffVerdict::kEqual:
    case DiffVerdict::kEqualRelated:
      suite.PassWith(name, report.summary);
      break;
    case DiffVerdict::kDifferent:
      suite.Fail(name, name, report.summary, "");
      break;
    case DiffVerdict::kInconclusive:
      suite.Err(name, name, report.summary);
      break;
  }
  return suite;
}

void AddTensor(const TensorDiff& tensor, Suite* suite) {
  const std::string_view name = tensor.Name();
  switch (tensor.state) {
    case TensorState::kEqual:
      suite->Pass(name);
      break;
    case TensorState::kRelated:
      suite->PassWith(name, WhatOf(tensor));
      break;
    case TensorState::kNotCompared:
      suite->Skip(name, tensor.reason.empty() ? "not compared" : tensor.reason);
      break;
    case TensorState::kDifferent:
      suite->Fail(name, TensorStateName(tensor.state),
                  tensor.values ? HowFar(*tensor.values) : WhatOf(tensor), WhatOf(tensor));
      break;
    case TensorState::kOnlyInA:
    case TensorState::kOnlyInB:
      suite->Fail(name, TensorStateName(tensor.state), WhatOf(tensor), "");
      break;
  }
}

Suite FieldSuite(const DiffReport& report) {
  Suite suite("fields");
  for (const FieldDiff& field : report.fields) {
    const std::string name = field.area + ": " + field.field;
    const std::string what = fmt::format("{} in A, {} in B", field.a.empty() ? "absent" : field.a,
                                         field.b.empty() ? "absent" : field.b);
    if (field.has_meaning) {
      suite.Fail(name, "field-differs", what, "");
    } else {
      suite.PassWith(name, "only describes: " + what);
    }
  }
  for (const std::string& reason : report.fields_not_compared) suite.Skip("fields", reason);
  return suite;
}

Suite FindingSuite(const DiffReport& report) {
  Suite suite("findings");
  for (const Finding& finding : report.findings) {
    const std::string name =
        finding.subject.empty() ? finding.code : finding.code + ": " + finding.subject;
    if (finding.severity == Severity::kDanger) {
      suite.Err(name, finding.code, finding.message);
    } else {
      suite.PassWith(name, fmt::format("{}: {}", SeverityName(finding.severity), finding.message));
    }
  }
  return suite;
}

}  // namespace

std::string DiffJunit(const DiffReport& report) {
  std::vector<Suite> suites = {VerdictSuite(report)};
  std::string_view group;
  for (const TensorDiff& tensor : report.tensors) {
    if (suites.size() == 1 || tensor.group != group) {
      group = tensor.group;
      suites.emplace_back(group);
    }
    AddTensor(tensor, &suites.back());
  }
  suites.push_back(FieldSuite(report));
  suites.push_back(FindingSuite(report));
  std::uint64_t tests = 0;
  std::uint64_t failures = 0;
  std::uint64_t errors = 0;
  std::uint64_t skipped = 0;
  std::string text;
  for (const Suite& suite : suites) {
    if (suite.Tests() == 0) continue;
    tests += suite.Tests();
    failures += suite.Failures();
    errors += suite.Errors();
    skipped += suite.Skipped();
    text += suite.ToString();
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"hallmark diff\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "skipped=\"{}\">\n{}</testsuites>\n",
      tests, failures, errors, skipped, text);
}

}  // namespace hallmark
