// Texts that people find under the name of a weights file: pages, pointers, messages, settings.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

#include "formats/foreign.h"
#include "formats/tensor_layout.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"

namespace hallmark {
namespace {

constexpr const char* kAccessHint =
    "download it again, signed in and with the licence accepted where the publisher asks for that";
constexpr const char* kWeightsHint = "give the weights that lie beside it";

// Text as far as the head shows: UTF-8 (a character cut at the end is fine), no control bytes.
bool LooksLikeText(const FileHead& head) {
  std::string_view text = AsText(head.bytes);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\x1b')
      return false;
  }
  if (head.size == head.bytes.size()) return IsValidUtf8(text);
  for (int cut = 0; cut < 4 && !text.empty(); ++cut, text.remove_suffix(1)) {
    if (IsValidUtf8(text)) return true;
  }
  return false;
}

// git-lfs, "spec.md": lines "version URL", "oid sha256:HEX", "size N".
ForeignKind RecogniseLfsPointer(std::string_view text) {
  if (!text.starts_with("version https://git-lfs.github.com/spec/")) return {};
  const auto value_of = [&](std::string_view key) -> std::string_view {
    const std::size_t found = text.find(key);
    if (found == std::string_view::npos) return {};
    const std::string_view rest = text.substr(found + key.size());
    return TrimAscii(rest.substr(0, rest.find('\n')));
  };
  const std::string_view oid = value_of("\noid ");
  const std::string_view size = value_of("\nsize ");
  std::string what = "a git-lfs pointer";
  if (!size.empty()) what += fmt::format(" to {} bytes", QuoteName(size));
  if (!oid.empty()) what += fmt::format(" with {}", QuoteName(oid));
  return {what, "run `git lfs pull` where the repository was cloned", Errc::kUnsupported};
}

ForeignKind RecogniseHtml(std::string_view lower) {
  const std::string_view start = TrimAscii(lower);
  if (!start.starts_with("<!doctype html") && !start.starts_with("<html") &&
      !start.starts_with("<head")) {
    return {};
  }
  for (const std::string_view word : {"type=\"password\"", "sign in", "log in", "login", "gated"}) {
    if (lower.find(word) != std::string_view::npos) {
      return {"an HTML page that asks to sign in", kAccessHint};
    }
  }
  return {"an HTML page", "a link to a web page was saved instead of the file; download the file"};
}

// The text between <tag> and </tag>, or empty.
std::string_view Element(std::string_view text, std::string_view tag) {
  const std::string open = fmt::format("<{}>", tag);
  const std::size_t begin = text.find(open);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = text.find('<', begin + open.size());
  if (end == std::string_view::npos) return {};
  return text.substr(begin + open.size(), end - begin - open.size());
}

ForeignKind RecogniseXml(std::string_view text) {
  const std::string_view start = TrimAscii(text);
  if (!start.starts_with("<?xml") && !start.starts_with("<Error>")) return {};
  if (start.find("<Error>") == std::string_view::npos) return {"an XML document", ""};
  std::string_view reason = Element(start, "Message");
  if (reason.empty()) reason = Element(start, "Code");
  if (reason.empty()) return {"a server's error message", kAccessHint};
  return {fmt::format("a server's error message: {}", QuoteName(reason)), kAccessHint};
}

// The reason in {"error": "…"}, {"error": {"message": "…"}}, {"message": "…"}, {"detail": "…"}, or
// nullopt if the object is no such message.
std::optional<std::string> ErrorReason(JsonValue root) {
  for (const std::string_view key : {"error", "errors", "message", "detail"}) {
    const std::optional<JsonValue> value = root.Find(key);
    if (!value) continue;
    if (const auto text = value->AsString()) return QuoteName(*text);
    if (const auto inner = value->Find("message")) {
      if (const auto text = inner->AsString()) return QuoteName(*text);
    }
    if (key == "error" || key == "errors") return std::string();
  }
  return std::nullopt;
}

struct JsonKind {
  std::string_view key;  // with quotes
  std::string_view what;
  std::string_view hint;
};

// By a key near the start; the first that fits wins.
constexpr std::array kJsonKinds = {
    JsonKind{"\"weight_map\"", "an index of shards", "keep it beside the shards it names"},
    JsonKind{"\"added_tokens\"", "a tokenizer (tokenizer.json)", kWeightsHint},
    JsonKind{"\"added_tokens_decoder\"", "a tokenizer's settings", kWeightsHint},
    JsonKind{"\"tokenizer_class\"", "a tokenizer's settings", kWeightsHint},
    JsonKind{"\"architectures\"", "a model's configuration (config.json)", kWeightsHint},
    JsonKind{"\"model_type\"", "a model's configuration (config.json)", kWeightsHint},
    JsonKind{"\"n_layers\"", "a model's configuration (params.json)", kWeightsHint},
};

ForeignKind RecogniseJson(const FileHead& head, std::string_view text) {
  const std::string_view start = TrimAscii(text);
  if (!start.starts_with('{') && !start.starts_with('[')) return {};
  if (head.size == head.bytes.size()) {
    const auto document = JsonDocument::Parse(text, "");
    if (document && document->Root().IsObject()) {
      if (const std::optional<std::string> reason = ErrorReason(document->Root())) {
        const std::string_view colon = reason->empty() ? "" : ": ";
        return {fmt::format("a server's error message{}{}", colon, *reason), kAccessHint};
      }
    }
  }
  for (const JsonKind& kind : kJsonKinds) {
    if (text.find(kind.key) != std::string_view::npos) {
      return {std::string(kind.what), std::string(kind.hint)};
    }
  }
  if (start.find('"') == std::string_view::npos) return {};
  return {"a JSON document", ""};
}

// Bodies that hubs and servers send instead of a file.
ForeignKind RecogniseMessage(const FileHead& head, std::string_view lower) {
  static constexpr std::uint64_t kLongestMessage = 512;
  if (head.size > kLongestMessage) return {};
  for (const std::string_view start :
       {"access to model", "access denied", "invalid username or password", "entry not found",
        "repository not found", "not found", "404", "401", "403", "429", "500", "502", "503",
        "unauthorized", "forbidden", "too many requests", "bad gateway", "internal server error"}) {
    if (TrimAscii(lower).starts_with(start)) {
      return {fmt::format("a server's error message: {}", QuoteName(TrimAscii(AsText(head.bytes)))),
              kAccessHint};
    }
  }
  return {};
}

// Lines of "HEX  name", as md5sum and its kin write them.
ForeignKind RecogniseChecksums(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789abcdefABCDEF");
  if (digits == std::string_view::npos || text[digits] != ' ') return {};
  for (const std::size_t length : {32, 40, 56, 64, 96, 128}) {
    if (digits == length) return {"a list of checksums", "give it as --against"};
  }
  return {};
}

}  // namespace

ForeignKind RecogniseForeignText(const FileHead& head) {
  if (!LooksLikeText(head)) return {};
  std::string_view text = AsText(head.bytes);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::string lower = AsciiLower(text);
  for (ForeignKind kind :
       {RecogniseLfsPointer(text), RecogniseHtml(lower), RecogniseXml(text),
        RecogniseJson(head, text), RecogniseMessage(head, lower), RecogniseChecksums(text)}) {
    if (!kind.what.empty()) return kind;
  }
  return {"plain text", ""};
}

}  // namespace hallmark
