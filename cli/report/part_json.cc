#include "cli/report/part_json.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/version.h"
#include "src/base/text.h"

namespace hallmark {

Option PartOption() {
  return {.name = "--part",
          .kind = ValueKind::kText,
          .value = "I/N",
          .help = "do the I-th of N parts, divided by size; merge-reports joins their reports"};
}

Result<std::optional<Part>> PartAskedFor(std::string_view verb, const Arguments& arguments) {
  const std::string text = arguments.Text("--part");
  if (text.empty()) return std::optional<Part>();
  const auto part = ParsePart(text);
  if (part) return part;
  return Error{Errc::kUsage, std::string(verb),
               fmt::format("--part: got {}, limit 1/N to N/N, N at most {}", EscapeForPeople(text),
                           kMostParts)};
}

std::string RequestOf(std::string_view verb, const Arguments& arguments,
                      std::initializer_list<std::string_view> options) {
  Fingerprint print;
  print.Add(verb).Add(VersionText());
  const auto add = [&](const std::vector<std::string>& texts) {
    print.Add(texts.size());
    for (const std::string& text : texts) print.Add(text);
  };
  // Paths as they are found, not as they are written: two folders can have one relative name.
  std::vector<std::string> places;
  for (const std::string& operand : arguments.Operands()) {
    std::error_code failed;
    const auto place = std::filesystem::weakly_canonical(operand, failed);
    places.push_back(failed ? operand : place.string());
  }
  add(places);
  for (const std::string_view option : options) {
    print.Add(option);
    add(arguments.Values(option));
  }
  return print.Finish();
}

void WritePart(const PartStamp& stamp, JsonWriter* json) {
  json->Key("part").BeginObject();
  json->Member("index", stamp.part.index);
  json->Member("count", stamp.part.count);
  json->Member("request", stamp.request);
  json->Member("sources", stamp.sources);
  json->Member("files", stamp.files);
  json->Member("total_files", stamp.total_files);
  json->Member("total_bytes", stamp.total_bytes);
  json->EndObject();
}

Result<PartStamp> ReadPart(const JsonValue& value) {
  const Error malformed{Errc::kMalformed, "", "part: not what hallmark writes"};
  PartStamp stamp;
  const auto number = [&](std::string_view key, std::uint64_t& out) {
    const auto found = value.Find(key);
    const auto read = found ? found->AsU64() : std::nullopt;
    if (read) out = *read;
    return read.has_value();
  };
  const auto text = [&](std::string_view key, std::string& out) {
    const auto found = value.Find(key);
    const auto read = found ? found->AsString() : std::nullopt;
    if (read) out = *read;
    return read.has_value();
  };
  const bool whole = number("index", stamp.part.index) && number("count", stamp.part.count) &&
                     text("request", stamp.request) && text("sources", stamp.sources) &&
                     text("files", stamp.files) && number("total_files", stamp.total_files) &&
                     number("total_bytes", stamp.total_bytes);
  if (!whole || !ParsePart(fmt::format("{}/{}", stamp.part.index, stamp.part.count))) {
    return malformed;
  }
  return stamp;
}

}  // namespace hallmark
