#include "cli/report/repair_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/report/json.h"
#include "cli/report/text.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kShownStretches = 10;  // of a file
constexpr std::size_t kShownTensors = 3;     // of a stretch

std::uint64_t CountFound(const RepairPlan& plan, std::initializer_list<FileState> states) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(plan.found.files, [&](const FileVerdict& file) {
        return std::ranges::find(states, file.state) != states.end();
      }));
}
std::uint64_t CountRight(const RepairPlan& plan) {
  return CountFound(plan, {FileState::kOk, FileState::kRenamed});
}
std::uint64_t CountUnknown(const RepairPlan& plan) {
  return CountFound(plan, {FileState::kNotComparable});
}

bool IsWhole(const RepairReport& report, const PlannedFile& file) {
  if (!report.mended) return file.CanBeWhole();
  // Right as it is: what shares a piece with it was not.
  if (file.CanBeWhole() && file.mended.empty() && file.size_before == file.size) return true;
  const auto mended = std::ranges::find(report.mended->files, file.path, &MendedFile::path);
  return mended != report.mended->files.end() && mended->is_whole;
}

bool AllWhole(const RepairReport& report) {
  return CountUnknown(report.plan) == 0 &&
         std::ranges::all_of(report.plan.files,
                             [&](const PlannedFile& file) { return IsWhole(report, file); });
}

// What is to be done to a file, or was.
std::string WhatIsDone(const PlannedFile& file) {
  std::string text;
  if (!file.mended.empty()) {
    text = fmt::format("{} in {}", Count(file.MendedBytes(), "byte"),
                       Count(file.mended.size(), "place"));
  }
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  if (!file.size_before && file.CanBeWhole()) add("made anew");
  if (file.size_before && file.size && *file.size < *file.size_before && file.CanBeWhole()) {
    add(fmt::format("{} cut off at its end", Count(*file.size_before - *file.size, "byte")));
  }
  if (!file.reason.empty()) {
    std::uint64_t bytes = 0;
    for (const ByteRange& range : file.beyond) bytes += range.size;
    add(bytes == 0 ? "beyond repair" : fmt::format("{} beyond repair", Count(bytes, "byte")));
  }
  return text.empty() ? "nothing" : text;
}

std::string FileText(const RepairReport& report, const PlannedFile& file, bool verbose,
                     const Style& style, std::size_t width) {
  const bool whole = IsWhole(report, file);
  std::string text = fmt::format(
      "  {}  {} ({}): {}\n",
      style.Paint(whole ? Tone::kGood : Tone::kBad,
                  report.mended ? (whole ? "whole" : "damaged") : (whole ? "mendable" : "damaged")),
      EscapeForPeople(file.path), FileStateName(file.found), WhatIsDone(file));
  const std::size_t shown = verbose ? file.mended.size() : kShownStretches;
  for (std::size_t i = 0; i < std::min(shown, file.mended.size()); ++i) {
    const PlannedBytes& stretch = file.mended[i];
    std::string line =
        fmt::format("{} from {}", RangeText(stretch.range), EscapeForPeople(stretch.from));
    if (!stretch.tensors.empty()) {
      line += "; " + FirstNames(stretch.tensors, verbose ? SIZE_MAX : kShownTensors);
    }
    text += "    " + Wrapped(line, width, 6, 4);
  }
  if (file.mended.size() > shown) {
    text += fmt::format("    … and {} more; --verbose shows them\n", file.mended.size() - shown);
  }
  for (std::size_t i = 0; i < std::min(verbose ? SIZE_MAX : kShownStretches, file.beyond.size());
       ++i) {
    text += fmt::format("    {} {}\n", style.Paint(Tone::kBad, "beyond repair:"),
                        RangeText(file.beyond[i]));
  }
  if (!file.reason.empty()) text += "    " + Wrapped(file.reason, width, 6, 4);
  return text;
}

std::map<std::string, std::uint64_t> BytesByDonor(const RepairPlan& plan) {
  std::map<std::string, std::uint64_t> bytes;
  for (const PlannedFile& file : plan.files) {
    for (const PlannedBytes& stretch : file.mended) bytes[stretch.from] += stretch.range.size;
  }
  return bytes;
}

std::string Summary(const RepairReport& report) {
  const RepairPlan& plan = report.plan;
  if (plan.files.empty()) {
    const std::uint64_t right = CountRight(plan), unknown = CountUnknown(plan);
    if (right + unknown == 0)
      return "no file of it is listed, so that nothing can be said or mended";
    return fmt::format(
        "{} as listed, nothing to mend{}{}", Count(right, "file"),
        unknown == 0 ? "" : fmt::format("; {} listed without a digest", Count(unknown, "file")),
        report.output.empty() ? "" : "; written to " + EscapeForPeople(report.output));
  }
  const auto whole = static_cast<std::uint64_t>(std::ranges::count_if(
      plan.files, [&](const PlannedFile& file) { return IsWhole(report, file); }));
  const std::uint64_t unknown = CountUnknown(plan);
  const std::string more =
      unknown == 0 ? "" : fmt::format("; {} listed without a digest", Count(unknown, "file"));
  if (!report.mended) {
    return fmt::format("{} not as listed; {} of them can be made whole, by {} from others{}",
                       Count(plan.files.size(), "file"), whole, Count(plan.MendedBytes(), "byte"),
                       more);
  }
  return fmt::format("{} of {} made whole{}{}", whole, Count(plan.files.size(), "file"),
                     report.output.empty() ? "" : " in " + EscapeForPeople(report.output), more);
}

std::string Hint(const RepairReport& report) {
  const RepairPlan& plan = report.plan;
  if (plan.files.empty()) return {};
  if (!AllWhole(report)) {
    return "give more donors with --from: other copies, damaged ones too, other containers; with "
           "--recipe headers and missing files can be made of them";
  }
  if (!report.mended) {
    return "nothing was written: --in-place mends the copy, -o OUT writes a mended one";
  }
  return {};
}

}  // namespace

std::string_view RepairReport::Verdict() const {
  if (plan.files.empty()) {
    return CountRight(plan) != 0 && CountUnknown(plan) == 0 ? "intact" : "inconclusive";
  }
  if (AllWhole(*this)) return mended ? "repaired" : "repairable";
  const bool any = mended ? !mended->files.empty()
                          : std::ranges::any_of(plan.files, [](const PlannedFile& file) {
                              return !file.mended.empty() || file.CanBeWhole();
                            });
  if (!any) return "beyond-repair";
  return mended ? "partly-repaired" : "partly-repairable";
}

ExitCode RepairReport::Exit() const {
  const std::string_view verdict = Verdict();
  if (verdict == "intact" || verdict == "repaired") return ExitCode::kOk;
  return verdict == "repairable" ? ExitCode::kMismatch : ExitCode::kInconclusive;
}

std::string RepairText(const RepairReport& report, bool verbose, const Style& style,
                       std::size_t width) {
  width = std::min(width, kMaxTextWidth);
  const std::string_view verdict = report.Verdict();
  const ExitCode exit = report.Exit();
  const Tone tone = exit == ExitCode::kOk         ? Tone::kGood
                    : exit == ExitCode::kMismatch ? Tone::kUnsure
                                                  : Tone::kBad;
  std::string text = style.Paint(tone, verdict) + ": ";
  text += Wrapped(Summary(report), width, 2, verdict.size() + 2);
  if (!report.plan.files.empty()) {
    text += "\nfiles\n";
    for (const PlannedFile& file : report.plan.files) {
      text += FileText(report, file, verbose, style, width);
    }
  }
  const auto donors = BytesByDonor(report.plan);
  if (!donors.empty()) {
    text += "\ndonors\n";
    TextTable table(2);
    table.AlignRight(0);
    for (const auto& [name, bytes] : donors) table.Add({WithCommas(bytes), EscapeForPeople(name)});
    text += table.ToString(style);
  }
  text += FindingsText(report.plan.findings, style, width);
  if (report.went_on) text += "a repair that was cut short before was finished first\n";
  if (const std::string hint = Hint(report); !hint.empty()) {
    text += "\nhint: " + Wrapped(hint, width, 6, 6);
  }
  return text;
}

std::string RepairJson(const RepairReport& report) {
  JsonWriter json = BeginReport("repair", report.Verdict(), report.Exit());
  json.Member("summary", Summary(report));
  if (const std::string hint = Hint(report); !hint.empty()) json.Member("hint", hint);
  json.Key("written").Bool(report.mended && report.mended->bytes_written != 0);
  if (!report.output.empty()) json.Member("output", report.output);
  json.Key("finished_interrupted").Bool(report.went_on);
  json.Member("mended_bytes", report.plan.MendedBytes());
  json.Member("written_bytes", report.mended ? report.mended->bytes_written : 0);
  json.Key("files").BeginArray();
  for (const PlannedFile& file : report.plan.files) {
    json.BeginObject();
    json.Member("path", file.path);
    json.Member("listed_as", file.listed_as);
    json.Member("found", FileStateName(file.found));
    json.Key("whole").Bool(IsWhole(report, file));
    if (file.size_before) json.Member("size_before", *file.size_before);
    if (file.size) json.Member("size", *file.size);
    json.Key("mended").BeginArray();
    for (const PlannedBytes& stretch : file.mended) {
      json.BeginObject();
      json.Member("offset", stretch.range.offset);
      json.Member("size", stretch.range.size);
      json.Member("from", stretch.from);
      WriteTexts("tensors", stretch.tensors, &json);
      json.EndObject();
    }
    json.EndArray();
    json.Key("beyond_repair").BeginArray();
    for (const ByteRange& range : file.beyond) WriteRange(range, &json);
    json.EndArray();
    if (!file.reason.empty()) json.Member("reason", file.reason);
    json.EndObject();
  }
  json.EndArray();
  json.Key("donors").BeginArray();
  for (const auto& [name, bytes] : BytesByDonor(report.plan)) {
    json.BeginObject();
    json.Member("name", name);
    json.Member("bytes", bytes);
    json.EndObject();
  }
  json.EndArray();
  WriteFindings(report.plan.findings, &json);
  return EndReport(&json);
}

}  // namespace hallmark
