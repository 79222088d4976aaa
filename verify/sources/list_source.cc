#include "verify/sources/list_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "src/base/text.h"
#include "src/io/directory.h"
#include "verify/sources/lines.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxListBytes = 8 << 20;
constexpr std::size_t kMaxTold = 100;    // findings about single lines
constexpr std::size_t kMaxLeftOut = 16;  // columns that are named

// The algorithm families that the name of a list or its comments can speak of.
enum class Hint { kNone, kMd5, kSha1, kSha256, kSha384, kSha512, kBlake2, kBlake3, kCrc32, kXxh64 };

// The first family named in `text`, at the start of a word: "SHA256SUMS", "model.b3".
Hint HintIn(std::string_view text) {
  struct Word {
    std::string_view start;
    Hint hint;
  };
  static constexpr Word kWords[] = {
      {"md5", Hint::kMd5},        {"sha256", Hint::kSha256}, {"sha2-256", Hint::kSha256},
      {"sha-256", Hint::kSha256}, {"sha512", Hint::kSha512}, {"sha2-512", Hint::kSha512},
      {"sha-512", Hint::kSha512}, {"sha384", Hint::kSha384}, {"sha2-384", Hint::kSha384},
      {"sha-384", Hint::kSha384}, {"xxh64", Hint::kXxh64},   {"sha1", Hint::kSha1},
      {"sha-1", Hint::kSha1},     {"blake2", Hint::kBlake2}, {"b2sum", Hint::kBlake2},
      {"blake3", Hint::kBlake3},  {"b3sum", Hint::kBlake3},  {"crc32", Hint::kCrc32}};
  const std::string lower = AsciiLower(text);
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < lower.size(); ++i) {
    if (i > 0 && is_letter(lower[i - 1])) continue;
    const std::string_view rest = std::string_view(lower).substr(i);
    for (const Word& word : kWords) {
      if (rest.starts_with(word.start)) return word.hint;
    }
    // Too short to be told inside a longer word.
    const bool whole =
        (rest.size() == 2 || (rest.size() > 2 && !is_letter(rest[2]) && !is_digit(rest[2]))) &&
        (i == 0 || !is_digit(lower[i - 1]));
    if (whole && rest.starts_with("b2")) return Hint::kBlake2;
    if (whole && rest.starts_with("b3")) return Hint::kBlake3;
  }
  return Hint::kNone;
}

// What a line's algorithm is, or why it is none that is known here.
struct Choice {
  std::optional<Algorithm> algorithm;
  bool guessed = false;  // by length alone, where another algorithm has that length too
  std::string problem;
};

std::string_view ArticleFor(std::string_view name) {
  return name.starts_with("md") ? "an" : "a";  // an md5; a sha256, a blake3, a crc32
}

std::string WrongLength(std::size_t digits, Algorithm algorithm) {
  const AlgorithmInfo& info = InfoOf(algorithm);
  return fmt::format("{} hex digits, {} {} has {}", digits, ArticleFor(info.name), info.name,
                     info.digest_bytes * 2);
}

Choice ByTag(std::string_view tag, std::size_t digits) {
  const std::optional<Algorithm> algorithm = AlgorithmByName(tag);
  if (!algorithm) {
    const bool blake2b = AsciiLower(tag).starts_with("blake2b-");
    return {std::nullopt, false,
            fmt::format("{} is no algorithm known here{}", EscapeForPeople(tag),
                        blake2b ? "; of BLAKE2b only the 512 bits are" : "")};
  }
  if (digits != InfoOf(*algorithm).digest_bytes * 2) {
    return {std::nullopt, false, WrongLength(digits, *algorithm)};
  }
  return {algorithm, false, {}};
}

// `usual`: the commonest known length among the list's lines, for messages.
Choice ByLength(std::size_t digits, Hint hint, std::size_t usual) {
  // BLAKE2 and BLAKE3 come in any length: another algorithm's length doesn't make them that.
  if (hint == Hint::kBlake3 && digits != 64) {
    return {std::nullopt, false, WrongLength(digits, Algorithm::kBlake3)};
  }
  if (hint == Hint::kBlake2 && digits != 128) {
    return {std::nullopt, false, WrongLength(digits, Algorithm::kBlake2b)};
  }
  switch (digits) {
    case 8:
      return {Algorithm::kCrc32, false, {}};
    case 16:
      return {Algorithm::kXxh64, false, {}};
    case 32:
      return {Algorithm::kMd5, false, {}};
    case 40:
      return {Algorithm::kSha1, false, {}};
    case 64:
      if (hint == Hint::kBlake3) return {Algorithm::kBlake3, false, {}};
      return {Algorithm::kSha256, hint != Hint::kSha256, {}};
    case 96:
      return {Algorithm::kSha384, false, {}};
    case 128:
      if (hint == Hint::kBlake2) return {Algorithm::kBlake2b, false, {}};
      return {Algorithm::kSha512, hint != Hint::kSha512, {}};
    case 56:
      return {std::nullopt, false, "56 hex digits: sha224 is not known here"};
    default:
      break;
  }
  if (usual == 0) {
    static constexpr std::array<std::size_t, 7> kLengths = {8, 16, 32, 40, 64, 96, 128};
    usual = *std::min_element(kLengths.begin(), kLengths.end(), [&](auto a, auto b) {
      const auto distance = [&](std::size_t n) { return n > digits ? n - digits : digits - n; };
      return distance(a) < distance(b);
    });
  }
  return {std::nullopt, false, WrongLength(digits, *ByLength(usual, Hint::kNone, 0).algorithm)};
}

// The commonest digest length of `lines` among those an algorithm has; 0 if there is none.
std::size_t UsualLength(const std::vector<ListLine>& lines) {
  static constexpr std::array<std::size_t, 7> kLengths = {8, 16, 32, 40, 64, 96, 128};
  std::array<std::size_t, 7> counts{};
  for (const ListLine& line : lines) {
    const auto at = std::find(kLengths.begin(), kLengths.end(), line.hex.size());
    if (at != kLengths.end()) ++counts[static_cast<std::size_t>(at - kLengths.begin())];
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  return *most == 0 ? 0 : kLengths[static_cast<std::size_t>(most - counts.begin())];
}

// True if a reader that takes backslashes for separators would leave the directory.
bool LeavesByBackslash(std::string_view path) {
  if (path.starts_with('\\') || (path.size() > 1 && path[1] == ':')) return true;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find_first_of("/\\", at), path.size());
    if (path.substr(at, end - at) == "..") return true;
    at = end + 1;
  }
  return false;
}

// Turns the lines of one list into a source.
class ListBuilder {
 public:
  ListBuilder(ListText list, std::string_view file_name)
      : list_(std::move(list)), file_name_(file_name) {
    hint_ = HintIn(file_name);
    if (hint_ == Hint::kNone) hint_ = HintIn(list_.comments);
    usual_ = UsualLength(list_.lines);
  }

  Result<Source> Build() {
    for (const ListLine& line : list_.lines) HM_TRY(AddLine(line));
    source_.files = collector_.Take();
    TakeTensors();
    NoteProblems();
    if (source_.files.empty()) return NothingUsable();
    NoteGuesses();
    if (!left_out_.empty()) {
      source_.findings.push_back(
          {Severity::kNote, "columns-left-out", "",
           fmt::format("not checked, for not known here: {}",
                       EscapeForPeople(fmt::format("{}", fmt::join(left_out_, ", "))))});
    }
    if (list_.pgp_signed) {
      source_.findings.push_back({Severity::kNote, "signature-not-checked", "",
                                  "the list stands in a PGP signature, which is not checked"});
    }
    if (list_.has_unsigned_text) {
      source_.findings.push_back({Severity::kWarning, "text-outside-signature", "",
                                  "text before or after what is PGP-signed is left out"});
    }
    return std::move(source_);
  }

 private:
  Result<void> AddLine(const ListLine& line) {
    if (line.shape == LineShape::kGgufHash) return AddTensor(line);
    std::string path;
    if (line.shape == LineShape::kLone) {
      path = CheckRelativePath(NameOfHashedFile(file_name_)).value_or("");
      source_.complete = false;  // it says nothing about other files
    } else {
      auto checked = CheckListedPath(line.name, line.backslashes_meant);
      if (!checked && checked.error().code == Errc::kUnsupported) {
        AddProblem(line.number, "backslash-path", checked.error().message);
        return {};
      }
      if (!checked) {
        Error error = std::move(checked).error();
        error.message = fmt::format("line {}: {}", line.number, error.message);
        error.hint = "write the list with paths relative to the model's directory";
        return error;
      }
      path = std::move(*checked);
    }
    if (line.shape == LineShape::kHashdeep) return AddColumns(line, path);
    const Choice choice = line.tag.empty() ? ByLength(line.hex.size(), hint_, usual_)
                                           : ByTag(line.tag, line.hex.size());
    if (!choice.algorithm) {
      AddProblem(line.number, "unusable-digest", choice.problem);
      return {};
    }
    if (choice.guessed) ++guessed_[line.hex.size() == 64 ? 0 : 1];
    if (path.starts_with(' ') && !std::exchange(told_of_space_, true)) {
      source_.findings.push_back({Severity::kNote, "name-starts-with-space", "",
                                  fmt::format("line {}: the name {} starts with a space",
                                              line.number, EscapeForPeople(path))});
    }
    return collector_.Add(std::move(path), std::nullopt,
                          Digest::FromHex(*choice.algorithm, line.hex), line.number);
  }

  // Columns of other algorithms (tiger, whirlpool) are left out where one is left to check by.
  Result<void> AddColumns(const ListLine& line, const std::string& path) {
    std::vector<ListLine::TaggedHex> columns = {{line.tag, line.hex}};
    columns.insert(columns.end(), line.further.begin(), line.further.end());
    std::size_t usable = 0;
    std::string problem;
    for (const auto& [tag, hex] : columns) {
      const Choice choice = ByTag(tag, hex.size());
      if (!choice.algorithm) {
        if (AlgorithmByName(tag)) {
          AddProblem(line.number, "unusable-digest", choice.problem);
          return {};
        }
        if (problem.empty()) problem = choice.problem;
        if (left_out_.size() < kMaxLeftOut) left_out_.insert(tag);
        continue;
      }
      ++usable;
      HM_TRY(collector_.Add(path, line.size, Digest::FromHex(*choice.algorithm, hex), line.number));
    }
    if (usable == 0) AddProblem(line.number, "unusable-digest", problem);
    return {};
  }

  // "file:tensor", or "file" for the data of all its tensors. Of a path that leads elsewhere (the
  // tool writes it as it was given) only the name counts.
  Result<void> AddTensor(const ListLine& line) {
    if (line.tag == "uuid") {
      AddProblem(line.number, "unusable-digest", "a uuid of the tensors' data is not checked here");
      return {};
    }
    const Choice choice = ByTag(line.tag, line.hex.size());
    if (!choice.algorithm) {
      AddProblem(line.number, "unusable-digest", choice.problem);
      return {};
    }
    std::string_view file = line.name;
    std::string_view tensor;
    if (const std::size_t colon = file.rfind(':');
        colon != std::string_view::npos && !AsciiLower(file).ends_with(".gguf")) {
      tensor = file.substr(colon + 1);
      file = file.substr(0, colon);
    }
    auto path = CheckRelativePath(file);
    if (!path) path = CheckRelativePath(file.substr(file.find_last_of("/\\") + 1));
    if (!path) {
      AddProblem(line.number, "malformed-line", path.error().message);
      return {};
    }
    const Digest digest = *Digest::FromHex(*choice.algorithm, line.hex);
    HM_TRY(collector_.Add(*path, std::nullopt, std::nullopt, line.number));
    std::vector<Digest>& known = tensors_[*path][std::string(tensor)];
    for (const Digest& other : known) {
      if (other.GetAlgorithm() != digest.GetAlgorithm() || other == digest) continue;
      return Error{Errc::kMalformed, "",
                   fmt::format("line {}: a second {} digest of {}", line.number, line.tag,
                               EscapeForPeople(line.name))};
    }
    if (std::ranges::find(known, digest) == known.end()) known.push_back(digest);
    return {};
  }

  void TakeTensors() {
    bool weak = false;
    for (std::size_t i = 0; i < source_.files.size(); ++i) {
      const auto listed = tensors_.find(source_.files[i].path);
      if (listed == tensors_.end()) continue;
      for (auto& [name, digests] : listed->second) {
        weak = weak || std::ranges::none_of(digests, [](const Digest& digest) {
                 return InfoOf(digest.GetAlgorithm()).resists_attackers;
               });
        source_.tensors.push_back({i, name, std::move(digests)});
      }
    }
    if (source_.tensors.empty()) return;
    source_.complete = false;  // it says nothing of other files
    source_.findings.push_back(
        {Severity::kNote, "tensor-data-only", "",
         "the list is of tensors' data: names, types, shapes and metadata are not checked"});
    if (weak) {
      source_.findings.push_back({Severity::kNote, "weak-digests", "",
                                  "some tensors have only digests that guard against accidents, "
                                  "not attackers"});
    }
  }

  // Called in the order of lines, so that the first ones are kept.
  void AddProblem(std::uint64_t line, std::string code, std::string_view message) {
    if (problems_.size() >= kMaxTold) {
      ++untold_;
      return;
    }
    problems_.emplace_back(line, ProblemAt(line, std::move(code), message));
  }

  static Finding ProblemAt(std::uint64_t line, std::string code, std::string_view message) {
    return {Severity::kWarning, std::move(code), "", fmt::format("line {}: {}", line, message)};
  }

  void NoteProblems() {
    std::vector<std::pair<std::uint64_t, Finding>> all = std::move(problems_);
    for (const LineProblem& problem : list_.problems) {
      all.emplace_back(problem.number,
                       ProblemAt(problem.number, "malformed-line", problem.message));
    }
    if (all.empty()) return;
    source_.complete = false;
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    const std::size_t told = std::min(all.size(), kMaxTold);
    for (std::size_t i = 0; i < told; ++i) {
      source_.findings.push_back(std::move(all[i].second));
    }
    const std::uint64_t untold = all.size() - told + untold_ + list_.further_problems;
    if (untold > 0) {
      source_.findings.push_back({Severity::kWarning, "malformed-line", "",
                                  fmt::format("{} further lines are not usable", untold)});
    }
  }

  Error NothingUsable() const {
    if (source_.findings.empty()) {
      return {Errc::kMalformed, "", "the list is empty: it holds no checksum line"};
    }
    return {Errc::kMalformed, "",
            fmt::format("no usable checksum line; {}", source_.findings.front().message)};
  }

  void NoteGuesses() {
    static constexpr std::string_view kGuesses[] = {
        "64 hex digits without a name are taken for sha256; a list of blake3 says so in its name "
        "(B3SUMS, x.b3) or in a comment",
        "128 hex digits without a name are taken for sha512; a list of blake2b says so in its name "
        "(B2SUMS, x.b2) or in a comment"};
    for (std::size_t i = 0; i < 2; ++i) {
      if (guessed_[i] == 0) continue;
      source_.findings.push_back(
          {Severity::kNote, "unnamed-algorithm", "", std::string(kGuesses[i])});
    }
  }

  ListText list_;
  std::string_view file_name_;
  Hint hint_;
  std::size_t usual_;
  Source source_;
  FileCollector collector_;
  std::vector<std::pair<std::uint64_t, Finding>> problems_;  // with their lines, in order
  std::uint64_t untold_ = 0;
  bool told_of_space_ = false;
  std::set<std::string> left_out_;  // columns of hashdeep
  std::map<std::string, std::map<std::string, std::vector<Digest>>, std::less<>>
      tensors_;                             // by file and tensor, of llama-gguf-hash
  std::array<std::uint64_t, 2> guessed_{};  // lines of 64 and of 128 hex digits
};

}  // namespace

Result<std::string> CheckListedPath(std::string_view path, bool backslashes_meant) {
  if (path.find('\\') == std::string_view::npos) return CheckRelativePath(path);
  // The slashes must be right in any case; 'x' stands in for what CheckRelativePath refuses.
  std::string plain(path);
  std::replace(plain.begin(), plain.end(), '\\', 'x');
  HM_TRY(CheckRelativePath(plain));
  if (LeavesByBackslash(path)) {
    return Error{Errc::kMalformed, "",
                 fmt::format("the path {} leaves its directory", EscapeForPeople(path))};
  }
  if (!backslashes_meant) {
    return Error{Errc::kUnsupported, "",
                 fmt::format("the path {} is written with backslashes, which are part of a name "
                             "here; write '/' instead",
                             EscapeForPeople(path))};
  }
  std::string clean;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part != ".") {
      if (!clean.empty()) clean += '/';
      clean += part;
    }
    at = end + 1;
  }
  return clean;
}

Result<void> FileCollector::Add(std::string path, std::optional<std::uint64_t> size,
                                std::optional<Digest> digest, std::uint64_t line) {
  const auto [entry, is_new] = by_path_.try_emplace(path, Said{files_.size(), {}});
  Said& said = entry->second;
  const auto conflict = [&](std::uint64_t earlier, std::string_view what) {
    const std::string lines =
        line == 0 ? "the source" : fmt::format("lines {} and {}", earlier, line);
    return Error{Errc::kMalformed, "",
                 fmt::format("{} give{} two different {} for {}", lines, line == 0 ? "s" : "", what,
                             path.empty() ? "one file" : EscapeForPeople(path))};
  };
  if (is_new) {
    ListedFile file;
    file.path = std::move(path);
    file.size = size;
    file.line = line;
    files_.push_back(std::move(file));
  }
  ListedFile& file = files_[said.file];
  if (size && file.size && *size != *file.size) return conflict(file.line, "sizes");
  if (size) file.size = size;
  if (!digest) return {};
  for (std::size_t i = 0; i < file.digests.size(); ++i) {
    const Digest& known = file.digests[i].digest;
    if (known.GetAlgorithm() != digest->GetAlgorithm()) continue;
    if (known == *digest) return {};
    return conflict(said.lines[i], fmt::format("{} digests", InfoOf(known.GetAlgorithm()).name));
  }
  file.digests.push_back({*digest});
  said.lines.push_back(line);
  return {};
}

Result<Source> SourceFromLines(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxListBytes) {
    return Error{Errc::kUnsupported, "",
                 fmt::format("a checksum list of {} bytes, limit {}", text.size(), kMaxListBytes)};
  }
  return ListBuilder(ReadLines(text, file_name), file_name).Build();
}

}  // namespace hallmark
