// One of the two models of a comparison and the small files beside its weights.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "formats/metadata.h"
#include "src/io/folder.h"
#include "src/json/json_reader.h"
#include "verify/diff/fields/compare_fields.h"
#include "verify/diff/fields/compare_tokenizer.h"
#include "weights/model.h"

namespace hallmark {

// Whose files stand beside the weights, or in their header.
enum class SideKind { kNone, kHub, kMeta, kGguf };

// Refers to the model and to the comparison, into which it notes what cannot be read; both outlive
// it.
class FieldSide {
 public:
  FieldSide(const Model& model, int number, FieldComparison& out);

  const Model& GetModel() const { return model_; }
  SideKind Kind() const { return kind_; }
  std::string_view Name() const;  // "A", "B"
  const Folder* Home() const { return folder_.get(); }
  bool Has(std::string_view file) const { return folder_ != nullptr && folder_->Has(file); }

  // Whether files that say what the weights mean can lie beside them; a single array, or a
  // checkpoint of a training run, has none.
  bool CanHaveFiles() const;
  // All files at and below Home(), which is kHub or kMeta; what cannot be listed is noted.
  std::vector<std::string> ListFiles() const;
  // Files that have the same bytes on the other side: none of them is noted as unreadable.
  void SetSame(std::set<std::string, std::less<>> files) { same_ = std::move(files); }
  bool IsSame(std::string_view file) const { return same_.contains(file); }

  // The metadata of all containers of the model, each key once; of GGUF, that of the first.
  std::vector<MetadataEntry> Metadata() const;

  // nullopt: not there, or not readable, which is noted then if `file` differs.
  std::optional<std::string> ReadText(std::string_view file) const;
  std::optional<JsonDocument> ReadJson(std::string_view file) const;
  // From the files or from the container. nullopt: as above; `absent` says which.
  std::optional<ReadTokenizerSide> FindTokenizer(bool* absent) const;

  // nullopt: not there, or not readable, which is nowhere noted.
  std::optional<JsonDocument> TryJson(std::string_view file) const;

  // Notes that this side lacks what the other has: unsettled if it could have it.
  void NoteAbsent(std::string_view what) const;
  // Notes that what `subject` says cannot be compared, with a finding.
  void NoteUnreadable(std::string_view subject, const Error& error) const;
  // The same, but of what is only not known here (kUnsupported) without a finding.
  void NoteUnusable(std::string_view subject, const Error& error) const;

 private:
  Result<std::string> Read(std::string_view file) const;
  // False: it was noted before.
  bool Note(std::string_view subject, const Error& error) const;

  const Model& model_;
  int number_;
  FieldComparison& out_;
  std::shared_ptr<const Folder> folder_;  // that the weights lie in; null: none
  SideKind kind_ = SideKind::kNone;
  std::set<std::string, std::less<>> same_;
};

// Both tokenizers; nullopt: one is absent or not readable, which is noted, or neither has any.
struct ReadTokenizers {
  ReadTokenizerSide a, b;
};
std::optional<ReadTokenizers> FindTokenizers(const FieldSide& a, const FieldSide& b);

}  // namespace hallmark
