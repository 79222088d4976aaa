#include "verify/diff/fields/compare_hub_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "src/base/text.h"
#include "transform/hub_values.h"
#include "transform/tokenizer_sentencepiece.h"
#include "verify/diff/fields/compare_json.h"
#include "verify/diff/fields/compare_templates.h"
#include "verify/diff/fields/field_list.h"
#include "verify/diff/fields/field_text.h"

namespace hallmark {
namespace {

using Value = std::optional<JsonValue>;

constexpr const char* kModelFile = "tokenizer.model";
constexpr std::string_view kTemplateFolder = "additional_chat_templates/";
constexpr std::string_view kTemplateSuffix = ".jinja";
constexpr std::uint64_t kMaxTemplates = 64;

struct SideFile {
  const char* name;
  const char* area;
  // Whether it is worth saying that one side lacks it; others repeat what these say.
  bool matters;
};
constexpr SideFile kJsonFiles[] = {
    {"config.json", "configuration", true},
    {"generation_config.json", "generation", true},
    {"tokenizer.json", "tokenizer", false},  // the tokenizers are compared in another form then
    {"tokenizer_config.json", "tokenizer", true},
    {"special_tokens_map.json", "tokenizer", false},
    {"added_tokens.json", "tokenizer", false},
    {"vocab.json", "tokenizer", false},
    {"preprocessor_config.json", "configuration", true},
    {"processor_config.json", "configuration", true},
};

bool IsNull(const Value& value) { return !value || value->GetKind() == JsonValue::Kind::kNull; }

// Whether the keys that two configurations spell differently mean the same.
class Spelling {
 public:
  Spelling(const JsonDocument& a, const JsonDocument& b) {
    auto read_a = HubValues::Read(a);
    auto read_b = HubValues::Read(b);
    if (!read_a || !read_b || &read_a->Family() != &read_b->Family()) return;
    a_ = *std::move(read_a);
    b_ = *std::move(read_b);
  }

  bool IsSame(std::string_view path, const Value& a, const Value& b) const {
    // transformers takes a null for "none" in all families.
    if ((path == "rope_scaling" || path == "pad_token_id") && IsNull(a) && IsNull(b)) return true;
    if (!a_ || !b_) return false;
    if (path.starts_with("text_config.")) path.remove_prefix(12);  // HubValues looks there
    const bool one_says = IsNull(a) || IsNull(b);
    if (path.starts_with("rope_parameters") || path.starts_with("rope_scaling")) {
      // What IsSameRope does not look at.
      if (path.find("sliding_attention.") != path.npos || path.ends_with("attn_factor"))
        return false;
      return (one_says || path.ends_with("type")) && IsSameRope();
    }
    if (!one_says) return false;
    for (const HubDefault& known : a_->Family().defaults) {
      if (known.hub == path) return IsSameNumber(path);
    }
    for (const HubConstant& known : a_->Family().constants) {
      if (known.hub != path || known.absent_is_other) continue;
      const auto text = a && a->AsString() ? a->AsString() : b ? b->AsString() : std::nullopt;
      return text && fmt::format("\"{}\"", *text) == known.literal;
    }
    return false;
  }

 private:
  bool IsSameNumber(std::string_view key) const {
    const auto in_a = a_->Number(key);
    const auto in_b = b_->Number(key);
    return in_a && in_b && *in_a == *in_b;
  }

  // transformers 5 writes rope_parameters, which has what rope_theta and rope_scaling say.
  bool IsSameRope() const {
    const auto kind_a = a_->Rope();
    const auto kind_b = b_->Rope();
    if (!kind_a || !kind_b || *kind_a != *kind_b) return false;
    for (const char* key : {"rope_theta", "rope_local_base_freq", "partial_rotary_factor",
                            "original_max_position_embeddings"}) {
      if (!IsSameNumber(key)) return false;
    }
    for (const ConfigKey& key : (*kind_a)->keys) {
      if (key.type == MetadataType::kArray) {
        const auto list_a = a_->RopeNumbers(key.hub);
        const auto list_b = b_->RopeNumbers(key.hub);
        if (!list_a || !list_b || *list_a != *list_b) return false;
      } else {
        const auto number_a = a_->RopeNumber(key.hub);
        const auto number_b = b_->RopeNumber(key.hub);
        if (!number_a || !number_b || *number_a != *number_b) return false;
      }
    }
    return a_->UnknownRopeKeys(**kind_a).empty() && b_->UnknownRopeKeys(**kind_b).empty();
  }

  std::optional<HubValues> a_, b_;
};

// What Meta's code takes where params.json does not say it.
bool IsMetaDefault(std::string_view path, const Value& a, const Value& b) {
  if (a && b) {  // -1: as many as the tokenizer has
    return path == "vocab_size" && (a->AsDouble() == -1 || b->AsDouble() == -1);
  }
  const Value& said = a ? a : b;
  if (path == "ffn_dim_multiplier") return said->AsDouble() == 1;
  if (path == "rope_theta") return said->AsDouble() == 10000;
  return path == "use_scaled_rope" && said->AsBool() == false;
}

void CompareJsonFiles(const SideFile& file, const FieldSide& a, const FieldSide& b,
                      FieldComparison& out) {
  if (!a.Has(file.name) && !b.Has(file.name)) return;
  if (!a.Has(file.name) || !b.Has(file.name)) {
    if (file.matters) (a.Has(file.name) ? b : a).NoteAbsent(file.name);
    return;
  }
  const auto in_a = a.ReadJson(file.name);
  const auto in_b = b.ReadJson(file.name);
  if (!in_a || !in_b) return;  // noted
  JsonFile json{.name = file.name, .area = file.area};
  const std::string_view name = file.name;
  if (name != "config.json" && name != "generation_config.json" && name != "params.json" &&
      name != "tokenizer.json") {
    json.prefix = fmt::format("{} ", name);
  }
  if (name == "tokenizer_config.json") json.left_out = "chat_template";  // compared by itself
  if (name == "config.json") {
    json.is_spelling = [spelling = Spelling(*in_a, *in_b)](std::string_view path, const Value& x,
                                                           const Value& y) {
      return spelling.IsSame(path, x, y);
    };
  }
  if (name == "params.json") json.is_spelling = IsMetaDefault;
  CompareJson(json, in_a->Root(), in_b->Root(), out);
}

std::string TokenizerText(JsonValue value) { return std::string(value.AsString().value_or("")); }

// A template, or several as objects with name and template.
void AddTemplates(const Value& value, std::string_view file, std::vector<ChatTemplate>& templates) {
  if (!value) return;
  const auto add = [&](std::string name, std::string text) {
    if (name == "default") name.clear();
    const auto same = std::ranges::find(templates, name, &ChatTemplate::name);
    if (same != templates.end()) {
      if (same->text == text) return;
      name = fmt::format("{}{}in {}", name, name.empty() ? "" : " ", file);
    }
    if (templates.size() < kMaxTemplates) templates.push_back({std::move(name), std::move(text)});
  };
  if (const auto text = value->AsString()) add("", std::string(*text));
  for (const JsonValue& item : value->Items()) {
    const auto name = item.Find("name");
    const auto text = item.Find("template");
    if (name && text) add(TokenizerText(*name), TokenizerText(*text));
  }
}

// tokenizer.model of both: sentencepiece's model or the lines of ranks.
void CompareModelFiles(const FieldSide& a, const FieldSide& b, FieldComparison& out) {
  const auto text_a = a.ReadText(kModelFile);
  const auto text_b = b.ReadText(kModelFile);
  if (!text_a || !text_b) return;
  const bool pieces_a = LooksLikeSentencePiece(AsBytes(*text_a));
  const bool pieces_b = LooksLikeSentencePiece(AsBytes(*text_b));
  if (!pieces_a && !pieces_b) {
    CompareTexts("tokenizer", kModelFile, *text_a, *text_b, out);
    return;
  }
  if (pieces_a != pieces_b) {
    ++out.compared;
    const auto kind = [](bool is) { return is ? "\"sentencepiece\"" : "\"ranks\""; };
    out.differing.push_back({"tokenizer", kModelFile, kind(pieces_a), kind(pieces_b)});
    return;
  }
  auto model_a = ReadSentencePiece(AsBytes(*text_a), a.Home()->NameOf(kModelFile));
  auto model_b = ReadSentencePiece(AsBytes(*text_b), b.Home()->NameOf(kModelFile));
  if (!model_a) a.NoteUnusable(kModelFile, model_a.error());
  if (!model_b) b.NoteUnusable(kModelFile, model_b.error());
  if (!model_a || !model_b) return;

  const std::uint64_t differing = out.differing.size();
  const auto field = [&](std::string_view name, std::string in_a, std::string in_b) {
    ++out.compared;
    if (in_a == in_b) return;
    out.differing.push_back(
        {"tokenizer", fmt::format("{} {}", kModelFile, name), std::move(in_a), std::move(in_b)});
  };
  const auto number = [](auto value) { return fmt::format("{}", value); };
  field("unk_id", number(model_a->unk_id), number(model_b->unk_id));
  field("bos_id", number(model_a->bos_id), number(model_b->bos_id));
  field("eos_id", number(model_a->eos_id), number(model_b->eos_id));
  field("pad_id", number(model_a->pad_id), number(model_b->pad_id));
  field("add_dummy_prefix", number(model_a->add_dummy_prefix), number(model_b->add_dummy_prefix));
  field("normalizer", ShortText(model_a->normaliser), ShortText(model_b->normaliser));
  field("precompiled_charsmap", number(model_a->has_character_map),
        number(model_b->has_character_map));
  ReadTokenizerSide side_a, side_b;
  side_a.tokenizer.tokens = std::move(model_a->pieces);
  side_b.tokenizer.tokens = std::move(model_b->pieces);
  CompareTokenizers(side_a, side_b, out);
  if (*text_a != *text_b && out.differing.size() == differing) {
    out.not_compared.push_back(
        fmt::format("the rest of {}: the files differ outside what is read of them", kModelFile));
  }
}

Result<void> CompareTokenizerFiles(const FieldSide& a, const FieldSide& b, const Task& task,
                                   FieldComparison& out) {
  HM_TRY(task.CheckStopped());
  if (a.Has(kModelFile) && b.Has(kModelFile)) {
    CompareModelFiles(a, b, out);
    return {};
  }
  if (a.Has("tokenizer.json") && b.Has("tokenizer.json")) return {};  // compared as JSON
  const auto read = FindTokenizers(a, b);
  if (read) CompareTokenizers(read->a, read->b, out);
  return {};
}

}  // namespace

std::vector<ChatTemplate> HubChatTemplates(const FieldSide& side) {
  std::vector<ChatTemplate> templates;
  if (auto text = side.ReadText("chat_template.jinja")) {
    templates.push_back({"", *std::move(text)});
    const auto listing = side.Home()->List();
    for (const DirectoryEntry& entry : listing ? listing->files : std::vector<DirectoryEntry>()) {
      std::string_view name = entry.path;
      if (!name.starts_with(kTemplateFolder) || !name.ends_with(kTemplateSuffix)) continue;
      name.remove_prefix(kTemplateFolder.size());
      name.remove_suffix(kTemplateSuffix.size());
      if (name.empty() || name.find('/') != name.npos || templates.size() >= kMaxTemplates)
        continue;
      if (auto more = side.ReadText(entry.path)) {
        templates.push_back({std::string(name), *std::move(more)});
      }
    }
  }
  for (const char* file : {"chat_template.json", "tokenizer_config.json"}) {
    if (!side.Has(file)) continue;
    if (const auto document = side.ReadJson(file)) {
      AddTemplates(document->Root().Find("chat_template"), file, templates);
    }
  }
  return templates;
}

Result<void> CompareHubFiles(const FieldSide& a, const FieldSide& b, const Task& task,
                             FieldComparison& out) {
  for (const SideFile& file : kJsonFiles) {
    HM_TRY(task.CheckStopped());
    CompareJsonFiles(file, a, b, out);
  }
  for (const char* file : {"merges.txt", "vocab.txt"}) {
    if (!a.Has(file) || !b.Has(file)) continue;
    const auto in_a = a.ReadText(file);
    const auto in_b = b.ReadText(file);
    if (in_a && in_b) CompareTexts("tokenizer", file, *in_a, *in_b, out);
  }
  HM_TRY(CompareTokenizerFiles(a, b, task, out));
  CompareChatTemplates(HubChatTemplates(a), HubChatTemplates(b), true, out);
  return {};
}

Result<void> CompareMetaFiles(const FieldSide& a, const FieldSide& b, const Task& task,
                              FieldComparison& out) {
  CompareJsonFiles({"params.json", "configuration", true}, a, b, out);
  return CompareTokenizerFiles(a, b, task, out);
}

}  // namespace hallmark
