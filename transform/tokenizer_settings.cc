#include "transform/tokenizer_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxTemplateBytes = std::uint64_t{1} << 24;
constexpr std::string_view kTemplateFolder = "additional_chat_templates/";
constexpr std::string_view kTemplateSuffix = ".jinja";

// "bos" of bos_token, add_bos_token and bos_token_id, and the roles that GGUF has keys for.
struct NamedRole {
  std::string_view name;
  std::optional<SpecialRole> role;
};
constexpr NamedRole kRoles[] = {
    {"bos", SpecialRole::kBos},          {"eos", SpecialRole::kEos},
    {"unk", SpecialRole::kUnknown},      {"sep", SpecialRole::kSeparator},
    {"pad", SpecialRole::kPadding},      {"cls", std::nullopt},
    {"mask", SpecialRole::kMask},        {"eot", SpecialRole::kEndOfTurn},
    {"eom", SpecialRole::kEndOfMessage},
};

bool CanBeAdded(SpecialRole role) {
  return role == SpecialRole::kBos || role == SpecialRole::kEos || role == SpecialRole::kSeparator;
}

// A token as tokenizer_config.json names it: its text, or an object with its text.
std::string TokenText(std::optional<JsonValue> value) {
  if (value && value->IsObject()) value = value->Find("content");
  return value ? std::string(value->AsString().value_or("")) : "";
}

class Settings {
 public:
  Settings(const TokenizerSources& sources, Tokenizer& tokenizer)
      : sources_(sources), tokenizer_(tokenizer) {
    if (!sources.tokenizer_config) return;
    for (const NamedRole& row : kRoles) {
      text_[row.name] =
          TokenText(sources.tokenizer_config->Root().Find(fmt::format("{}_token", row.name)));
    }
    // The tokens in use at the end of a turn or a message are not told; they are found out below.
    text_["eot"].clear();
    text_["eom"].clear();
  }

  void Read() {
    if (sources_.tokenizer_json) {
      if (sources_.tokenizer_config) {
        if (text_["bos"].empty()) text_["bos"] = text_["cls"];
        if (text_["eos"].empty()) text_["eos"] = text_["sep"];
      }
      ReadPostProcessor(sources_.tokenizer_json->post_processor);
    }
    if (sources_.tokenizer_config) ReadTokenizerConfig(sources_.tokenizer_config->Root());
    if (sources_.config) ReadConfig(sources_.config->Root());
  }

 private:
  // Id of the special token that stands at this place of a template; empty: none does.
  static std::string SpecialAt(const std::vector<JsonValue>& places, std::size_t index) {
    if (index >= places.size()) return "";
    const auto token = places[index].Find("SpecialToken");
    return token ? TokenText(token->Find("id")) : "";
  }
  static std::string SequenceAt(const std::vector<JsonValue>& places, std::size_t index) {
    const auto sequence = places[index].Find("Sequence");
    return sequence ? TokenText(sequence->Find("id")) : "";
  }
  static std::vector<JsonValue> PlacesOf(JsonValue processor, std::string_view key) {
    const auto places = processor.Find(key);
    return places ? places->Items() : std::vector<JsonValue>{};
  }

  void ReadPostProcessor(std::optional<JsonValue> value) {
    if (!value || !value->IsObject()) return;
    const auto parts = value->Find("processors");
    for (const JsonValue part : parts ? parts->Items() : std::vector{*value}) {
      const std::string type = TokenText(part.Find("type"));
      if (type == "ByteLevel") {
        AddsUnlessTold(SpecialRole::kBos, false);
        AddsUnlessTold(SpecialRole::kEos, false);
      } else if (type == "TemplateProcessing") {
        ReadTemplate(PlacesOf(part, "single"), PlacesOf(part, "pair"));
      }
    }
  }

  void ReadTemplate(const std::vector<JsonValue>& single, const std::vector<JsonValue>& pair) {
    std::string first, last;
    if (single.size() > 1) {
      first = SpecialAt(single, 0);
      last = SpecialAt(single, single.size() - 1);
    }
    if (!first.empty()) {
      std::string& bos = text_["bos"];
      std::string& cls = text_["cls"];
      if (bos.empty() && first != cls) bos = first;
      if (cls.empty() && first != bos) cls = first;
      tokenizer_.SetAdds(SpecialRole::kBos, first == bos || first == cls);
    }
    if (!last.empty()) {
      std::string& eos = text_["eos"];
      if (sources_.tokenizer_config && last != eos) {
        // What the configuration calls the end is another end than a text's.
        std::string& other = text_["eot"].empty() ? text_["eot"] : text_["eom"];
        if (other.empty()) other = eos;
      }
      eos = last;
      tokenizer_.SetAdds(SpecialRole::kEos, true);
    }
    ReadPair(pair, first, last);
  }

  // Whether a separator stands between the two texts of a pair, A and B.
  void ReadPair(const std::vector<JsonValue>& pair, std::string_view first, std::string_view last) {
    std::size_t begin = 0;
    std::size_t end = pair.size();
    if (end > 0 && !first.empty() && SpecialAt(pair, 0) == first) ++begin;
    if (end > begin && !last.empty() && SpecialAt(pair, end - 1) == last) --end;
    if (end < begin + 3) return;
    if (SequenceAt(pair, begin) != "A" || SequenceAt(pair, end - 1) != "B") return;
    const auto separates = [&](std::size_t index) {
      const std::string token = SpecialAt(pair, index);
      return !token.empty() && (token == text_["sep"] || token == text_["eos"]);
    };
    bool adds = separates(begin + 1) && last.empty();
    if (end == begin + 4 && separates(begin + 2)) adds = true;
    tokenizer_.SetAdds(SpecialRole::kSeparator, adds);
    if (adds && text_["sep"].empty()) text_["sep"] = text_["eos"];
  }

  void ReadTokenizerConfig(JsonValue root) {
    std::map<std::string_view, std::uint32_t> added;
    if (sources_.tokenizer_json) {
      for (const AddedToken& token : sources_.tokenizer_json->added) {
        added.emplace(token.text, token.id);
      }
    }
    for (const NamedRole& row : kRoles) {
      if (!row.role) continue;
      const auto adds = root.Find(fmt::format("add_{}_token", row.name));
      if (adds && adds->AsBool() && CanBeAdded(*row.role)) {
        AddsUnlessTold(*row.role, *adds->AsBool());
      }
      const auto found = added.find(text_[row.name]);
      if (found != added.end()) IdUnlessTold(row, found->second);
    }
  }

  void ReadConfig(JsonValue root) {
    const auto inner = root.Find("text_config");
    for (const NamedRole& row : kRoles) {
      // The ends of turns and messages are asked for only where a template made them known.
      const bool known = row.name != "eot" && row.name != "eom";
      if (!row.role || (!known && text_[row.name].empty())) continue;
      const std::string key = fmt::format("{}_token_id", row.name);
      auto id = root.Find(key);
      if ((!id || id->GetKind() == JsonValue::Kind::kNull) && inner) id = inner->Find(key);
      if (id && id->AsU64()) IdUnlessTold(row, *id->AsU64());
    }
  }

  void AddsUnlessTold(SpecialRole role, bool add) {
    if (std::ranges::find(tokenizer_.adds, role, &std::pair<SpecialRole, bool>::first) ==
        tokenizer_.adds.end()) {
      tokenizer_.SetAdds(role, add);
    }
  }

  void IdUnlessTold(const NamedRole& row, std::uint64_t id) {
    if (id >= tokenizer_.tokens.size()) {
      tokenizer_.notes.push_back(fmt::format("the {} token, {}, is beyond the {} tokens", row.name,
                                             id, tokenizer_.tokens.size()));
    } else if (!tokenizer_.IdOf(*row.role)) {
      tokenizer_.SetId(*row.role, static_cast<std::uint32_t>(id));
    }
  }

  const TokenizerSources& sources_;
  Tokenizer& tokenizer_;
  std::map<std::string_view, std::string> text_;
};

Result<std::string> ReadText(const Folder& folder, std::string_view path) {
  const auto file = HM_TRY(folder.Open(path));
  return ReadWholeFile(*file, kMaxTemplateBytes);
}

// A template, or several as objects with name and template.
void AddTemplates(JsonValue value, std::vector<ChatTemplate>& templates) {
  if (const auto text = value.AsString()) templates.push_back({"", std::string(*text)});
  for (const JsonValue item : value.Items()) {
    const auto text = item.Find("template");
    if (!text || !text->AsString()) continue;
    const std::string name = TokenText(item.Find("name"));
    if (name.empty()) continue;
    templates.push_back({name == "default" ? "" : name, std::string(*text->AsString())});
  }
}

Result<void> ReadChatTemplates(const Folder& folder, JsonValue tokenizer_config,
                               std::vector<ChatTemplate>& templates) {
  if (const auto own = tokenizer_config.Find("chat_template")) {
    AddTemplates(*own, templates);
  } else if (folder.Has("chat_template.jinja")) {
    templates.push_back({"", HM_TRY(ReadText(folder, "chat_template.jinja"))});
    for (const DirectoryEntry& entry : HM_TRY(folder.List()).files) {
      std::string_view name = entry.path;
      if (!name.starts_with(kTemplateFolder) || !name.ends_with(kTemplateSuffix)) continue;
      name.remove_prefix(kTemplateFolder.size());
      name.remove_suffix(kTemplateSuffix.size());
      if (name.empty() || name.find('/') != name.npos) continue;
      templates.push_back({std::string(name), HM_TRY(ReadText(folder, entry.path))});
    }
  } else if (const auto document = HM_TRY(ReadJsonFile(folder, "chat_template.json"))) {
    if (const auto told = document->Root().Find("chat_template")) AddTemplates(*told, templates);
  }
  return {};
}

}  // namespace

Result<std::optional<JsonDocument>> ReadJsonFile(const Folder& folder, std::string_view path) {
  if (!folder.Has(path)) return std::nullopt;
  const auto file = HM_TRY(folder.Open(path));
  const std::string text = HM_TRY(ReadWholeFile(*file, kMaxTemplateBytes));
  return HM_TRY(JsonDocument::Parse(text, file->Name()));
}

Result<void> ReadSettings(const Folder& folder, const TokenizerSources& sources,
                          Tokenizer& tokenizer) {
  Settings(sources, tokenizer).Read();
  if (!sources.tokenizer_config) return {};
  return ReadChatTemplates(folder, sources.tokenizer_config->Root(), tokenizer.chat_templates);
}

}  // namespace hallmark
