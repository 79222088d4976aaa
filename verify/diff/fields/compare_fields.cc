#include "verify/diff/fields/compare_fields.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "verify/diff/fields/compare_config.h"
#include "verify/diff/fields/compare_hub_files.h"
#include "verify/diff/fields/compare_metadata.h"
#include "verify/diff/fields/compare_templates.h"
#include "verify/diff/fields/compare_tokenizer.h"
#include "verify/diff/fields/field_side.h"
#include "verify/diff/fields/hub_templates.h"

namespace hallmark {
namespace {

std::string_view FormatOf(const FieldSide& side) {
  const auto& files = side.GetModel().Files();
  return files.empty() ? "" : files.front().reader->FormatName();
}

// Also where the tokenizer is of a kind that is not known here.
std::vector<ChatTemplate> ChatTemplatesOf(const FieldSide& side) {
  if (side.Kind() != SideKind::kGguf) return HubChatTemplates(side);
  static constexpr std::string_view kKey = "tokenizer.chat_template";
  std::vector<ChatTemplate> templates;
  for (const MetadataEntry& entry : side.Metadata()) {
    const auto* text = std::get_if<std::string>(&entry.value);
    if (text == nullptr || !entry.key.starts_with(kKey)) continue;
    const std::string_view name = std::string_view(entry.key).substr(kKey.size());
    if (name.empty()) {
      templates.push_back({"", *text});
    } else if (name.starts_with('.') && name.size() > 1) {
      templates.push_back({std::string(name.substr(1)), *text});
    }
  }
  return templates;
}

Absence AbsenceOfTemplates(const FieldSide& side) {
  const bool never_has = side.Kind() == SideKind::kMeta || !side.CanHaveFiles();
  return never_has ? Absence::kNatural : Absence::kUnsettled;
}

Result<void> CompareAcrossKinds(const FieldSide& a, const FieldSide& b, const Task& task,
                                FieldComparison& out) {
  const auto tokenizers = FindTokenizers(a, b);
  HM_TRY(task.CheckStopped());
  HM_TRY(CompareConfigurations(a, b, !tokenizers, task, out));
  if (tokenizers) CompareTokenizers(tokenizers->a, tokenizers->b, out);
  CompareChatTemplates(ChatTemplatesOf(a), ChatTemplatesOf(b), AbsenceOfTemplates(a),
                       AbsenceOfTemplates(b), out);
  return {};
}

// Whether the side files of both are to be compared as files.
bool AreFolders(const FieldSide& a, const FieldSide& b) {
  const auto is_folder = [](const FieldSide& side) {
    return side.Kind() == SideKind::kHub || side.Kind() == SideKind::kMeta;
  };
  if (a.Kind() == b.Kind()) return is_folder(a);
  // Weights without any file beside them, which there could be.
  const auto is_bare = [](const FieldSide& side) {
    return side.Kind() == SideKind::kNone && side.CanHaveFiles();
  };
  return (is_folder(a) && is_bare(b)) || (is_folder(b) && is_bare(a));
}

}  // namespace

Result<FieldComparison> CompareFields(const Model& a, const Model& b, const Task& task) {
  FieldComparison out;
  FieldSide side_a(a, 0, out);
  FieldSide side_b(b, 1, out);
  HM_TRY(task.CheckStopped());
  const bool same_kind = side_a.Kind() == side_b.Kind();
  if (AreFolders(side_a, side_b)) {
    HM_TRY(CompareSideFiles(side_a, side_b, task, out));
  } else if (!same_kind || FormatOf(side_a) != FormatOf(side_b)) {
    HM_TRY(CompareAcrossKinds(side_a, side_b, task, out));
  }
  if (FormatOf(side_a) == FormatOf(side_b)) {
    HM_TRY(CompareMetadata(FormatOf(side_a), side_a.Metadata(), side_b.Metadata(), task, out));
  }
  return out;
}

}  // namespace hallmark
