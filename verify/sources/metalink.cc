// Metalinks: files with sizes, hashes and hashes of pieces. RFC 5854 (.meta4) and the older version
// 3 (.metalink). docs/sources/metalink.md.
#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
#include <utility>

#include "src/base/text.h"
#include "src/io/directory.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

constexpr std::string_view kVersion4 = "urn:ietf:params:xml:ns:metalink";
constexpr std::string_view kVersion3 = "http://www.metalinker.org/";
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxText = 4096;  // of one element that is read

bool Sniff(std::string_view text, std::string_view) {
  const std::string_view head = text.substr(0, 4096);
  return text.find_first_not_of(" \t\r\n\xEF\xBB\xBF") == text.find('<') &&
         head.find("<metalink") != std::string_view::npos;
}

std::optional<std::uint64_t> Number(std::string_view digits) {
  digits = TrimAscii(digits);
  std::uint64_t value = 0;
  const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || code != std::errc() || stop != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

// Called by expat while it parses; keeps the first error and stops it there.
class Reader {
 public:
  explicit Reader(XML_Parser parser) : parser_(parser) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, Start, End);
    XML_SetCharacterDataHandler(parser, Characters);
    XML_SetStartDoctypeDeclHandler(parser, Doctype);
  }

  Result<Source> Read(std::string_view text) {
    // No more than an int counts at once.
    while (true) {
      const std::size_t size = std::min<std::size_t>(text.size(), 1 << 20);
      const bool last = size == text.size();
      const XML_Status status = XML_Parse(parser_, text.data(), static_cast<int>(size), last);
      if (error_) return *std::move(error_);
      if (status != XML_STATUS_OK) {
        return Error{Errc::kMalformed, "",
                     fmt::format("a metalink: {}", XML_ErrorString(XML_GetErrorCode(parser_))),
                     Offset()};
      }
      if (last) break;
      text.remove_prefix(size);
    }
    if (source_.files.empty()) return Error{Errc::kMalformed, "", "a metalink that names no file"};
    return std::move(source_);
  }

 private:
  struct Element {
    std::string name;
    std::string text;
  };

  static Reader& Of(void* self) { return *static_cast<Reader*>(self); }
  static void Start(void* self, const XML_Char* name, const XML_Char** attributes) {
    Of(self).Begin(name, attributes);
  }
  static void End(void* self, const XML_Char*) { Of(self).Finish(); }
  static void Characters(void* self, const XML_Char* text, int size) {
    Of(self).Add({text, static_cast<std::size_t>(size)});
  }
  static void Doctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    Of(self).Fail("has a document type declaration, which could define entities");
  }

  std::uint64_t Offset() const {
    return static_cast<std::uint64_t>(std::max<XML_Index>(XML_GetCurrentByteIndex(parser_), 0));
  }

  void Fail(std::string_view message) {
    if (error_) return;
    error_ = Error{Errc::kMalformed, "", fmt::format("a metalink {}", message), Offset()};
    XML_StopParser(parser_, XML_FALSE);
  }

  // "urn:ietf:params:xml:ns:metalink|hash" -> "hash"; empty for elements of others.
  static std::string_view LocalName(std::string_view name) {
    const std::size_t bar = name.rfind('|');
    const std::string_view space = name.substr(0, bar == std::string_view::npos ? 0 : bar);
    if (space != kVersion4 && space != kVersion3) return {};
    return name.substr(bar + 1);
  }

  static std::string_view Attribute(const XML_Char** attributes, std::string_view name) {
    for (; *attributes != nullptr; attributes += 2) {
      if (name == attributes[0]) return attributes[1];
    }
    return {};
  }

  std::string_view Parent() const {
    return open_.size() < 2 ? std::string_view() : open_[open_.size() - 2].name;
  }

  void Begin(std::string_view full_name, const XML_Char** attributes) {
    if (error_) return;
    if (open_.size() == kMaxDepth) return Fail("is nested too deeply");
    open_.push_back({std::string(LocalName(full_name)), {}});
    const std::string_view name = open_.back().name;
    if (open_.size() == 1 && name != "metalink") return Fail("has another outermost element");
    if (name == "file") {
      if (in_file_) return Fail("has a file in a file");
      auto path = CheckRelativePath(Attribute(attributes, "name"));
      if (!path) return Fail("names a file so: " + path.error().message);
      if (!paths_.insert(*path).second) return Fail("names one file twice");
      in_file_ = true;
      file_ = {};
      file_.path = *std::move(path);
      pieces_.clear();
    } else if (in_file_ && name == "pieces") {
      const std::string_view type = Attribute(attributes, "type");
      const auto algorithm = AlgorithmByName(type);
      const auto bytes = Number(Attribute(attributes, "length"));
      if (!bytes || *bytes == 0) return Fail("has pieces without a length");
      if (algorithm) {
        pieces_.push_back({*algorithm, *bytes, {}, {}});
      } else {
        unknown_.emplace(type);
      }
      reads_pieces_ = algorithm.has_value();
    } else if (in_file_ && name == "hash") {
      type_ = Attribute(attributes, "type");
    }
  }

  void Add(std::string_view text) {
    if (error_ || open_.empty()) return;
    const std::string& name = open_.back().name;
    if (name != "hash" && name != "size") return;
    if (open_.back().text.size() + text.size() > kMaxText) return Fail("has an overlong value");
    open_.back().text += text;
  }

  void Finish() {
    if (error_ || open_.empty()) return;
    const Element& element = open_.back();
    if (in_file_ && element.name == "size") {
      if (file_.size) return Fail("has two sizes of one file");
      file_.size = Number(element.text);
      if (!file_.size) return Fail("has a size that is no number of bytes");
    } else if (in_file_ && element.name == "hash") {
      if (Parent() == "pieces") {
        AddPiece(TrimAscii(element.text));
      } else {
        AddHash(TrimAscii(element.text));
      }
    } else if (element.name == "file") {
      FinishFile();
    }
    if (!error_) open_.pop_back();
  }

  void AddHash(std::string_view hex) {
    const auto algorithm = AlgorithmByName(type_);
    if (!algorithm) {
      unknown_.insert(type_);
      return;
    }
    const auto digest = Digest::FromHex(*algorithm, hex);
    if (!digest) return Fail(fmt::format("has a {} of the wrong length", InfoOf(*algorithm).name));
    for (const ListedDigest& listed : file_.digests) {
      if (listed.digest.GetAlgorithm() != *algorithm) continue;
      if (listed.digest != *digest)
        Fail(fmt::format("has two {} of one file", InfoOf(*algorithm).name));
      return;
    }
    file_.digests.push_back({*digest});
  }

  void AddPiece(std::string_view hex) {
    if (!reads_pieces_) return;
    const auto digest = Digest::FromHex(pieces_.back().algorithm, hex);
    if (!digest) return Fail("has a piece's hash of the wrong length");
    std::vector<std::byte>& digests = pieces_.back().digests;
    digests.insert(digests.end(), digest->Bytes().begin(), digest->Bytes().end());
  }

  void FinishFile() {
    in_file_ = false;
    for (PieceList& list : pieces_) {
      if (!file_.size) return Fail("has pieces of a file without a size");
      const std::uint64_t count =
          *file_.size / list.piece_bytes + (*file_.size % list.piece_bytes != 0 ? 1 : 0);
      if (list.digests.size() / InfoOf(list.algorithm).digest_bytes != count) {
        return Fail(fmt::format("has another number of pieces than {} needs: {}",
                                EscapeForPeople(file_.path), count));
      }
      list.spans.push_back({PieceSpan::Holder::kFile, source_.files.size(), *file_.size});
      source_.pieces.push_back(std::move(list));
    }
    pieces_.clear();
    source_.files.push_back(std::move(file_));
    if (!unknown_.empty() && !std::exchange(told_of_unknown_, true)) {
      source_.findings.push_back(
          {Severity::kNote, "hashes-left-out", "",
           fmt::format("not checked, for not known here: {}", EscapeForPeople(*unknown_.begin()))});
    }
  }

  XML_Parser parser_;
  std::vector<Element> open_;
  bool in_file_ = false;
  ListedFile file_;
  std::string type_;  // of the hash that is open
  std::vector<PieceList> pieces_;
  bool reads_pieces_ = false;
  std::set<std::string> paths_;
  std::set<std::string, std::less<>> unknown_;
  bool told_of_unknown_ = false;
  Source source_;
  std::optional<Error> error_;
};

Result<Source> Parse(std::string_view text, std::string_view) {
  struct Free {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
  };
  const std::unique_ptr<XML_ParserStruct, Free> parser(XML_ParserCreateNS("UTF-8", '|'));
  HM_CHECK(parser != nullptr);
  return Reader(parser.get()).Read(text);
}

}  // namespace

const Dialect kMetalinkDialect = {"metalink", "metalink", Sniff, Parse, false};

}  // namespace hallmark
