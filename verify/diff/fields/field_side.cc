#include "verify/diff/fields/field_side.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "src/base/text.h"
#include "src/io/file.h"
#include "src/io/folder_within.h"
#include "transform/tokenizer_gguf.h"
#include "transform/tokenizer_json.h"
#include "verify/diff/fields/field_list.h"

namespace hallmark {
namespace {

// Any of these beside the weights makes a folder one that Hugging Face's loaders know.
constexpr const char* kHubFiles[] = {
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "tekken.json",
    "chat_template.json",
    "chat_template.jinja",
    "preprocessor_config.json",
    "adapter_config.json",
    "processor_config.json",
};

constexpr std::uint64_t kMaxSmallBytes = std::uint64_t{1} << 24;

// The largest that is read of a file.
std::uint64_t LimitOf(std::string_view file) {
  const bool is_vocabulary = file == "tokenizer.json" || file == "vocab.json" ||
                             file == "merges.txt" || file == "tokenizer.model";
  return is_vocabulary ? kMaxTokenizerJsonBytes : kMaxSmallBytes;
}

}  // namespace

FieldSide::FieldSide(const Model& model, int number, FieldComparison& out)
    : model_(model), number_(number), out_(out) {
  if (model.Files().empty()) return;
  const WeightFile& first = model.Files().front();
  if (model.Home() != nullptr) {
    const std::size_t slash = first.path.rfind('/');
    // The model, which outlives this, owns its home.
    folder_ = FolderWithin(std::shared_ptr<const Folder>(std::shared_ptr<void>(), model.Home()),
                           slash == std::string::npos ? "" : first.path.substr(0, slash));
  }
  // As conversions take it: Meta's names are configured by Meta's file.
  const bool is_meta =
      model.Config().source.ends_with("params.json") || (Has("params.json") && !Has("config.json"));
  if (first.reader->FormatName() == "gguf") {
    kind_ = SideKind::kGguf;
  } else if (is_meta && Has("params.json")) {
    kind_ = SideKind::kMeta;
  } else if (std::ranges::any_of(kHubFiles, [&](const char* file) { return Has(file); })) {
    kind_ = SideKind::kHub;
  }
}

std::string_view FieldSide::Name() const { return kSideNames[number_]; }

bool FieldSide::CanHaveFiles() const {
  if (kind_ != SideKind::kNone) return true;
  if (model_.Files().empty()) return false;
  const std::string_view format = model_.Files().front().reader->FormatName();
  return format == "safetensors" || format == "pytorch-zip" || format == "pytorch-legacy";
}

std::vector<std::string> FieldSide::ListFiles() const {
  std::vector<std::string> files;
  if (folder_ == nullptr) return files;
  const auto listing = folder_->List();
  if (!listing) {
    NoteUnreadable("folder", listing.error());
    return files;
  }
  for (const DirectoryEntry& entry : listing->files) files.push_back(entry.path);
  for (const Finding& finding : listing->findings) {
    // Loaders follow a link to a folder of templates.
    if (!finding.subject.ends_with("additional_chat_templates")) continue;
    NoteUnreadable("additional_chat_templates", {Errc::kIo, finding.subject, finding.message});
  }
  return files;
}

std::vector<MetadataEntry> FieldSide::Metadata() const {
  std::vector<MetadataEntry> all;
  std::set<std::string_view> keys;
  for (const WeightFile& file : model_.Files()) {
    for (const MetadataEntry& entry : file.reader->Metadata()) {
      if (keys.insert(entry.key).second) all.push_back(entry);
    }
    if (kind_ == SideKind::kGguf) break;  // the others only number themselves
  }
  return all;
}

bool FieldSide::Note(std::string_view subject, const Error& error) const {
  std::string text = fmt::format("{}'s {}: {}", Name(), subject, error.message);
  // A file may be asked for twice.
  if (std::ranges::find(out_.unsettled, text) != out_.unsettled.end()) return false;
  out_.unsettled.push_back(std::move(text));
  return true;
}

void FieldSide::NoteUnreadable(std::string_view subject, const Error& error) const {
  if (!Note(subject, error)) return;
  out_.findings.push_back({Severity::kWarning, "unreadable-side-file", error.subject,
                           error.message + "; what it says was not compared", error.offset});
}

void FieldSide::NoteUnusable(std::string_view subject, const Error& error) const {
  if (error.code != Errc::kUnsupported) return NoteUnreadable(subject, error);
  (void)Note(subject, error);
}

void FieldSide::NoteAbsent(std::string_view what) const {
  auto& reasons = CanHaveFiles() ? out_.unsettled : out_.not_compared;
  reasons.push_back(fmt::format("{} has no {}", Name(), what));
}

Result<std::string> FieldSide::Read(std::string_view file) const {
  const auto opened = HM_TRY(folder_->Open(file));
  return ReadWholeFile(*opened, LimitOf(file));
}

std::optional<std::string> FieldSide::ReadText(std::string_view file) const {
  if (!Has(file)) return std::nullopt;
  auto text = Read(file);
  if (text) return *std::move(text);
  if (!IsSame(file)) NoteUnreadable(EscapeForPeople(file), text.error());
  return std::nullopt;
}

std::optional<JsonDocument> FieldSide::ReadJson(std::string_view file) const {
  const auto text = ReadText(file);
  if (!text) return std::nullopt;
  auto document =
      JsonDocument::Parse(*text, folder_->NameOf(file), 0, {.max_bytes = LimitOf(file)});
  if (document) return *std::move(document);
  if (!IsSame(file)) NoteUnreadable(EscapeForPeople(file), document.error());
  return std::nullopt;
}

std::optional<JsonDocument> FieldSide::TryJson(std::string_view file) const {
  if (!Has(file)) return std::nullopt;
  const auto text = Read(file);
  if (!text) return std::nullopt;
  auto document =
      JsonDocument::Parse(*text, folder_->NameOf(file), 0, {.max_bytes = LimitOf(file)});
  if (!document) return std::nullopt;
  return *std::move(document);
}

std::optional<ReadTokenizerSide> FieldSide::FindTokenizer(bool* absent) const {
  *absent = false;
  Result<std::optional<Tokenizer>> read = std::optional<Tokenizer>();
  if (kind_ == SideKind::kGguf) {
    const WeightFile& first = model_.Files().front();
    read = ReadGgufTokenizer(first.reader->Metadata(), first.path);
  } else if (folder_ != nullptr) {
    read = ReadTokenizer(*folder_);
  }
  if (!read) {
    NoteUnusable("tokenizer", read.error());
    return std::nullopt;
  }
  if (!*read) {
    *absent = true;
    return std::nullopt;
  }
  ReadTokenizerSide side{**std::move(read)};
  if (kind_ != SideKind::kGguf) {
    const bool is_pieces = side.tokenizer.kind == TokenizerKind::kSentencePiece;
    side.scores_are_made = is_pieces && !Has("tokenizer.model");
    side.specials_are_taken = !is_pieces && !Has("tokenizer.json");
  }
  return side;
}

std::optional<ReadTokenizers> FindTokenizers(const FieldSide& a, const FieldSide& b) {
  bool absent_a = false;
  bool absent_b = false;
  auto in_a = a.FindTokenizer(&absent_a);
  auto in_b = b.FindTokenizer(&absent_b);
  if (in_a && in_b) return ReadTokenizers{*std::move(in_a), *std::move(in_b)};
  if (absent_a && !absent_b) a.NoteAbsent("tokenizer");
  if (absent_b && !absent_a) b.NoteAbsent("tokenizer");
  return std::nullopt;
}

}  // namespace hallmark
