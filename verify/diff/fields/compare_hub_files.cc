#include "verify/diff/fields/compare_hub_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "src/base/text.h"
#include "transform/hub_values.h"
#include "transform/tokenizer_sentencepiece.h"
#include "verify/diff/fields/compare_json.h"
#include "verify/diff/fields/compare_templates.h"
#include "verify/diff/fields/field_list.h"
#include "verify/diff/fields/field_text.h"
#include "verify/diff/fields/first_difference.h"
#include "verify/diff/fields/hub_templates.h"
#include "verify/diff/fields/special_tokens.h"

namespace hallmark {
namespace {

using Value = std::optional<JsonValue>;

constexpr const char* kModelFile = "tokenizer.model";

struct SideFile {
  const char* name;
  const char* area;
};
constexpr SideFile kJsonFiles[] = {
    {"config.json", "configuration"},
    {"params.json", "configuration"},
    {"generation_config.json", "generation"},
    {"tokenizer.json", "tokenizer"},
    {"tokenizer_config.json", "tokenizer"},
    {"special_tokens_map.json", "tokenizer"},
    {"added_tokens.json", "tokenizer"},
    {"vocab.json", "tokenizer"},
    {"preprocessor_config.json", "configuration"},
    {"processor_config.json", "configuration"},
    {"adapter_config.json", "configuration"},  // loaders put the adapter on top by themselves
    {"quantize_config.json", "configuration"},
};
constexpr const char* kTextFiles[] = {"merges.txt", "vocab.txt"};
constexpr std::string_view kByteSuffixes[] = {".py", ".model", ".spm", ".tiktoken"};
constexpr const char* kByteFiles[] = {
    "spiece.model", "sentencepiece.bpe.model",   "source.spm",       "target.spm",
    "tekken.json",  "adapter_model.safetensors", "adapter_model.bin"};

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

// What one side has where the other has nothing.
void OnlyOneHas(const SideFile& file, const FieldSide& a, const FieldSide& b,
                FieldComparison& out) {
  const FieldSide& has = a.Has(file.name) ? a : b;
  const FieldSide& lacks = a.Has(file.name) ? b : a;
  if (lacks.Kind() == SideKind::kNone) {
    lacks.NoteAbsent(EscapeForPeople(file.name));
    return;
  }
  ++out.compared;
  std::string shown;
  const auto json =
      std::string_view(file.name).ends_with(".json") ? has.TryJson(file.name) : std::nullopt;
  if (json) {
    shown = ShortValue(json->Root());
  } else {
    const auto opened = has.Home()->Open(file.name);
    shown = opened ? fmt::format("\"{} bytes\"", (*opened)->Size()) : "\"unreadable\"";
  }
  FieldDiff field{file.area, EscapeForPeople(file.name)};
  (&has == &a ? field.a : field.b) = std::move(shown);
  field.has_meaning = !RepeatsOtherFiles(has, file.name);
  out.differing.push_back(std::move(field));
}

void CompareJsonFiles(const SideFile& file, const FieldSide& a, const FieldSide& b,
                      FieldComparison& out) {
  const auto in_a = a.ReadJson(file.name);
  const auto in_b = b.ReadJson(file.name);
  if (!in_a || !in_b) {
    if (a.IsSame(file.name)) ++out.compared;
    return;  // noted
  }
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
  if (name == "tokenizer_config.json") {
    // Transformers 5 leaves it out.
    json.is_spelling = [&](std::string_view path, const Value& x, const Value& y) {
      if (path != "added_tokens_decoder" || (x && y)) return false;
      return RepeatsAddedTokens(x ? a : b, x ? *x : *y);
    };
  }
  CompareJson(json, in_a->Root(), in_b->Root(), out);
}

bool IsReadable(const FieldSide& side) {
  const auto text = side.ReadText(kModelFile);
  if (!text) return false;
  return !LooksLikeSentencePiece(AsBytes(*text)) ||
         ReadSentencePiece(AsBytes(*text), side.Home()->NameOf(kModelFile)).has_value();
}

// tokenizer.model of both: sentencepiece's model or the lines of ranks.
void CompareModelFiles(const FieldSide& a, const FieldSide& b, FieldComparison& out) {
  if (a.IsSame(kModelFile) && !IsReadable(a)) {
    ++out.compared;
    return;
  }
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
    out.unsettled.push_back(
        fmt::format("the rest of {}: the files differ outside what is read of them", kModelFile));
  }
}

// Files whose names are not known beforehand: code that auto_map names, tokenizers' models.
std::set<std::string> OtherFiles(const FieldSide& a, const FieldSide& b) {
  std::set<std::string> files(std::begin(kByteFiles), std::end(kByteFiles));
  for (const FieldSide* side : {&a, &b}) {
    if (side->Kind() == SideKind::kNone) continue;  // a single file may lie in a home directory
    for (std::string& file : side->ListFiles()) {
      if (file.find('/') != file.npos || file == kModelFile) continue;
      const auto ends = [&](std::string_view suffix) { return file.ends_with(suffix); };
      if (std::ranges::any_of(kByteSuffixes, ends)) files.insert(std::move(file));
    }
  }
  const auto is_of_weights = [&](const std::string& file) {
    const auto is_file = [&](const WeightFile& weights) { return weights.path == file; };
    return std::ranges::any_of(a.GetModel().Files(), is_file) ||
           std::ranges::any_of(b.GetModel().Files(), is_file);
  };
  std::erase_if(files, is_of_weights);
  return files;
}

// Of two files that differ.
void CompareBytes(const SideFile& file, std::uint64_t at, const File& a, const File& b,
                  FieldComparison& out) {
  ++out.compared;
  const auto byte = [&](const File& whole) -> std::string {
    std::byte one;
    if (at >= whole.Size() || !whole.Read(at, {&one, 1})) return "";
    return fmt::format("\"0x{:02x}\"", std::to_integer<unsigned>(one));
  };
  out.differing.push_back(
      {file.area, fmt::format("{}, byte {}", EscapeForPeople(file.name), at), byte(a), byte(b)});
}

// Notes which of `files` are the same on both sides. `differing` gets the places of the first
// difference of others that could be read.
Result<void> FindSameFiles(const std::set<std::string>& files, FieldSide& a, FieldSide& b,
                           const Task& task, std::map<std::string, std::uint64_t>& differing) {
  std::set<std::string, std::less<>> same;
  for (const std::string& file : files) {
    if (!a.Has(file) || !b.Has(file)) continue;
    const auto opened_a = a.Home()->Open(file);
    const auto opened_b = b.Home()->Open(file);
    if (!opened_a || !opened_b) continue;  // told when it is read
    auto first = FirstDifference(**opened_a, **opened_b, task);
    if (!first && first.error().code == Errc::kInterrupted) return std::move(first).error();
    if (!first) continue;
    if (*first) {
      differing[file] = **first;
    } else {
      same.insert(file);
    }
  }
  a.SetSame(same);
  b.SetSame(std::move(same));
  return {};
}

void CompareFilesOfBytes(const SideFile& file, const FieldSide& a, const FieldSide& b,
                         const std::map<std::string, std::uint64_t>& differing,
                         FieldComparison& out) {
  if (a.IsSame(file.name)) {
    ++out.compared;
    return;
  }
  const auto first = differing.find(file.name);
  const auto opened_a = a.Home()->Open(file.name);
  const auto opened_b = b.Home()->Open(file.name);
  if (!opened_a) a.NoteUnreadable(EscapeForPeople(file.name), opened_a.error());
  if (!opened_b) b.NoteUnreadable(EscapeForPeople(file.name), opened_b.error());
  if (!opened_a || !opened_b) return;
  if (first == differing.end()) {
    a.NoteUnreadable(EscapeForPeople(file.name),
                     {Errc::kIo, a.Home()->NameOf(file.name), "cannot be read to its end"});
    return;
  }
  CompareBytes(file, first->second, **opened_a, **opened_b, out);
}

// Where the two sides have no file of a tokenizer in common.
void CompareTokenizerForms(const FieldSide& a, const FieldSide& b, FieldComparison& out) {
  const auto has_any = [](const FieldSide& side) {
    return side.Has(kModelFile) || side.Has("tokenizer.json");
  };
  if (!has_any(a) || !has_any(b)) return;
  for (const char* file : {kModelFile, "tokenizer.json"}) {
    if (a.Has(file) && b.Has(file)) return;
  }
  const auto read = FindTokenizers(a, b);
  if (read) CompareTokenizers(read->a, read->b, out);
}

}  // namespace

Result<void> CompareSideFiles(FieldSide& a, FieldSide& b, const Task& task, FieldComparison& out) {
  const std::set<std::string> others = OtherFiles(a, b);
  std::map<std::string, std::uint64_t> differing;
  std::set<std::string> files = others;
  for (const SideFile& file : kJsonFiles) files.insert(file.name);
  files.insert(std::begin(kTextFiles), std::end(kTextFiles));
  files.insert({kModelFile, "chat_template.json", "chat_template.jinja"});
  HM_TRY(FindSameFiles(files, a, b, task, differing));

  // Whether the file is one of both; if only of one, that is told.
  const auto is_common = [&](const SideFile& file) {
    if (a.Has(file.name) != b.Has(file.name)) OnlyOneHas(file, a, b, out);
    return a.Has(file.name) && b.Has(file.name);
  };
  for (const SideFile& file : kJsonFiles) {
    HM_TRY(task.CheckStopped());
    if (is_common(file)) CompareJsonFiles(file, a, b, out);
  }
  for (const char* name : kTextFiles) {
    const SideFile file{name, "tokenizer"};
    if (!is_common(file)) continue;
    const auto in_a = a.ReadText(name);
    const auto in_b = b.ReadText(name);
    if (in_a && in_b) {
      CompareTexts(file.area, name, *in_a, *in_b, out);
    } else if (a.IsSame(name)) {
      ++out.compared;
    }
  }
  for (const std::string& name : others) {
    HM_TRY(task.CheckStopped());
    const bool is_setting = name.ends_with(".py") || name.starts_with("adapter");
    const SideFile file{name.c_str(), is_setting ? "configuration" : "tokenizer"};
    if (is_common(file)) CompareFilesOfBytes(file, a, b, differing, out);
  }
  HM_TRY(task.CheckStopped());
  if (is_common({kModelFile, "tokenizer"})) CompareModelFiles(a, b, out);
  CompareTokenizerForms(a, b, out);

  const auto absence = [](const FieldSide& side) {
    return side.Kind() == SideKind::kNone ? Absence::kUnsettled : Absence::kDiffers;
  };
  CompareChatTemplates(HubChatTemplates(a), HubChatTemplates(b), absence(a), absence(b), out);
  return {};
}

}  // namespace hallmark
