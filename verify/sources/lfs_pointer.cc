// git-lfs pointers (spec v1): the small text that stands in a git repository for a large file, and
// names its sha256 and size. As a source it speaks of the file that belongs in its place.
#include <fmt/format.h>

#include <charconv>

#include "src/base/text.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

// The second and third are aliases from before the first release; git-lfs reads them still.
constexpr std::string_view kVersions[] = {"https://git-lfs.github.com/spec/v1",
                                          "https://hawser.github.com/spec/v1",
                                          "http://git-media.io/v/2"};

bool Sniff(std::string_view text, std::string_view) {
  if (!text.starts_with("version ")) return false;
  for (const std::string_view version : kVersions) {
    if (text.substr(8).starts_with(version)) return true;
  }
  return false;
}

Error Malformed(std::string message) {
  return {Errc::kMalformed, "", "a git-lfs pointer: " + std::move(message)};
}

Result<Source> Parse(std::string_view text, std::string_view file_name) {
  if (text.size() >= 1024) return Malformed("longer than the 1023 bytes a pointer may have");
  std::optional<Digest> digest;
  std::optional<std::uint64_t> size;
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (number == 1 || line.starts_with("ext-")) continue;  // extensions: how git stored it
    if (line.starts_with("oid ") && !digest) {
      digest = Digest::Parse(line.substr(4));
      if (!digest || digest->GetAlgorithm() != Algorithm::kSha256) {
        return Malformed(fmt::format("line {}: oid is not sha256 and 64 hex digits", number));
      }
    } else if (line.starts_with("size ") && !size) {
      const std::string_view digits = line.substr(5);
      std::uint64_t value = 0;
      const auto [stop, code] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (code != std::errc() || stop != digits.data() + digits.size()) {
        return Malformed(fmt::format("line {}: size is not a number of bytes", number));
      }
      size = value;
    } else {
      return Malformed(fmt::format("line {}: got {}, expected oid and size once each", number,
                                   EscapeForPeople(line)));
    }
  }
  if (!digest || !size) return Malformed("oid or size is missing");
  Source source;
  source.complete = false;
  std::string path;
  if (!file_name.empty()) path = HM_TRY(CheckListedPath(file_name, true));
  FileCollector files;
  HM_TRY(files.Add(std::move(path), size, digest, 0));
  source.files = files.Take();
  return source;
}

}  // namespace

const Dialect kLfsPointerDialect = {"lfs-pointer", "git-lfs pointer", Sniff, Parse};

}  // namespace hallmark
