#include "cli/report/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "cli/report/json.h"
#include "cli/report/remembered.h"
#include "cli/report/text.h"
#include "src/base/checked.h"
#include "src/base/text.h"
#include "verify/conclude.h"

namespace hallmark {
namespace {

Error Refuse(Errc code, const PartReport& part, std::string message, std::string hint) {
  return {code, part.name, std::move(message), std::nullopt, std::move(hint)};
}

// Whether `part` is of the same whole as `first`.
Result<void> CheckSame(const PartReport& first, const PartReport& part) {
  const auto differs = [&](std::string_view what) {
    return fmt::format("{} {}", what, first.name);
  };
  if (part.verb != first.verb) {
    return Refuse(Errc::kUsage, part, differs("of another verb than"), "");
  }
  if (part.stamp.part.count != first.stamp.part.count) {
    return Refuse(Errc::kUsage, part,
                  fmt::format("part {} of {}, and {} is one of {}", part.stamp.part.index,
                              part.stamp.part.count, first.name, first.stamp.part.count),
                  "");
  }
  if (part.stamp.request != first.stamp.request) {
    return Refuse(Errc::kUsage, part, differs("asked for something else than"),
                  "path, options and version of hallmark have to be the same for all parts");
  }
  if (part.stamp.sources != first.stamp.sources) {
    return Refuse(Errc::kUsage, part, differs("held against other sources than"),
                  "the lists changed between the parts, or are not the same ones");
  }
  if (part.stamp.files != first.stamp.files) {
    return Refuse(Errc::kIo, part, differs("found other files, sizes or times than"),
                  "something changed between the parts: run all of them again");
  }
  return {};
}

std::uint64_t Sum(std::uint64_t a, std::uint64_t b) {
  return std::min(CheckedAdd(a, b).value_or(kJsonIntegerLimit - 1), kJsonIntegerLimit - 1);
}

void AddSample(const SampleSummary& own, SampleSummary& all) {
  all.pieces = Sum(all.pieces, own.pieces);
  all.all_pieces = Sum(all.all_pieces, own.all_pieces);
  all.bytes = Sum(all.bytes, own.bytes);
  all.all_bytes = Sum(all.all_bytes, own.all_bytes);
}

std::uint64_t NumberAt(const JsonValue& head, std::string_view key) {
  const auto value = head.Find(key);
  return value ? value->AsU64().value_or(0) : 0;
}

}  // namespace

Result<void> CheckParts(std::vector<PartReport>& parts) {
  HM_CHECK(!parts.empty());
  std::ranges::stable_sort(parts, {}, [](const PartReport& p) { return p.stamp.part.index; });
  for (const PartReport& part : parts) HM_TRY(CheckSame(parts.front(), part));
  const std::uint64_t count = parts.front().stamp.part.count;
  std::vector<std::string> missing;
  std::uint64_t expected = 1;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::uint64_t index = parts[i].stamp.part.index;
    if (i > 0 && index == parts[i - 1].stamp.part.index) {
      return Refuse(Errc::kUsage, parts[i],
                    fmt::format("part {} again, after {}", index, parts[i - 1].name),
                    "give each part once");
    }
    for (; expected < index; ++expected) missing.push_back(std::to_string(expected));
    expected = index + 1;
  }
  for (; expected <= count; ++expected) missing.push_back(std::to_string(expected));
  if (missing.empty()) return {};
  return Error{Errc::kNotFound, parts.front().name,
               fmt::format("of {} parts these are missing: {}", count, FirstNames(missing, 20)),
               std::nullopt, "without them nothing can be said of the whole"};
}

Result<VerifyReport> MergeVerify(std::span<const PartReport> parts) {
  VerifyReport merged;
  std::set<std::tuple<Severity, std::string, std::string, std::string>> told;
  for (const PartReport& part : parts) {
    VerifyReport own = HM_TRY(ReadVerifyReport(part));
    if (&part == &parts.front()) {
      merged.asked = own.asked;
      merged.sources = own.sources;
      merged.sample = own.sample;
    } else if (merged.sample && own.sample) {
      AddSample(*own.sample, *merged.sample);
    }
    if (own.sources.size() != merged.sources.size()) {
      return Error{Errc::kMalformed, part.name, "names other sources than the first part"};
    }
    for (FileVerdict& file : own.files) merged.files.push_back(std::move(file));
    for (Finding& finding : own.findings) {
      // Every part says what concerns all.
      if (!told.emplace(finding.severity, finding.code, finding.subject, finding.message).second) {
        continue;
      }
      merged.findings.push_back(std::move(finding));
    }
    merged.files_hashed = Sum(merged.files_hashed, own.files_hashed);
    merged.bytes_hashed = Sum(merged.bytes_hashed, own.bytes_hashed);
    merged.remembered.Add(own.remembered);
  }
  std::ranges::stable_sort(merged.files, [](const FileVerdict& a, const FileVerdict& b) {
    if (a.source != b.source) return a.source < b.source;
    const std::string& left = a.path.empty() ? a.listed_as : a.path;
    return NaturalLess(left, b.path.empty() ? b.listed_as : b.path);
  });
  merged.merged_from = parts.size();
  merged.unread_folders = CountUnreadFolders(merged.findings);
  Conclude(merged);
  return merged;
}

Result<MergedList> MergeLists(std::span<const PartReport> parts) {
  const bool is_hash = parts.front().verb == "hash";
  const std::string_view key = is_hash ? "path" : "model";
  struct Item {
    std::string name;
    const JsonValue* value;
  };
  std::vector<Item> items;
  MergedList merged;
  std::uint64_t done = 0, bytes = 0, whole = 0;
  RememberedTotal remembered;
  for (const PartReport& part : parts) {
    merged.exit = Worse(merged.exit, part.exit);
    done = Sum(done, NumberAt(part.head, is_hash ? "files_hashed" : "models_identified"));
    bytes = Sum(bytes, NumberAt(part.head, "bytes_hashed"));
    const Result<RememberedTotal> own = ReadRemembered(part.head);
    if (!own) return Error{own.error().code, part.name, own.error().message};
    remembered.Add(*own);
    for (const JsonValue& item : part.items) {
      const auto name = item.Find(key);
      if (!name || !name->AsString()) {
        return Error{Errc::kMalformed, part.name, fmt::format("a record without {}", key)};
      }
      items.push_back({std::string(*name->AsString()), &item});
      if (!item.Find("error")) ++whole;
    }
  }
  const std::uint64_t found = parts.front().stamp.total_files;
  const bool all_told = merged.exit != ExitCode::kOk || items.size() == found;
  if (is_hash && (done + remembered.files != whole || !all_told)) {
    return Error{Errc::kMalformed, parts.front().name,
                 fmt::format("of {} the parts found, they tell of {} and count {} as done",
                             Count(found, "file"), items.size(), done + remembered.files),
                 std::nullopt, "records were lost or added: run the parts again"};
  }
  std::ranges::stable_sort(items, NaturalLess, &Item::name);
  JsonWriter json = BeginReport(parts.front().verb, ExitCodeName(merged.exit), merged.exit);
  json.Member("merged_from", static_cast<std::uint64_t>(parts.size()));
  json.Key(is_hash ? "files" : "models").BeginArray();
  for (const Item& item : items) CopyJson(*item.value, &json);
  json.EndArray();
  json.Member(is_hash ? "files_hashed" : "models_identified", done);
  if (is_hash) json.Member("bytes_hashed", bytes);
  WriteRemembered(remembered, &json);
  merged.json = EndReport(&json);
  merged.summary = fmt::format("{}: {} of {} {}, by {}{}\n", ExitCodeName(merged.exit),
                               WithCommas(done), Count(items.size(), is_hash ? "file" : "model"),
                               is_hash ? "hashed, " + HumanBytes(bytes) : "identified",
                               Count(parts.size(), "part"), RememberedText(remembered));
  return merged;
}

}  // namespace hallmark
