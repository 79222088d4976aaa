#include "verify/diff/fields/hub_templates.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kTemplateFolder = "additional_chat_templates/";
constexpr std::string_view kTemplateSuffix = ".jinja";

class Templates {
 public:
  void Add(std::string name, std::string text, std::string_view file) {
    if (name == "default") name.clear();
    const auto [known, is_new] = places_.try_emplace(name, all_.size());
    if (!is_new) {
      if (all_[known->second].text == text) return;
      // One file may have many of one name.
      const std::string base = fmt::format("{}{}in {}", name, name.empty() ? "" : " ", file);
      std::uint64_t& count = repeated_[base];
      name = ++count == 1 ? base : fmt::format("{} ({})", base, count);
      places_.emplace(name, all_.size());
    }
    all_.push_back({std::move(name), std::move(text)});
  }

  // A template, or several: objects with name and template, or one object of templates by name.
  // False: it is something else.
  bool AddAll(const JsonValue& value, std::string_view file) {
    if (value.GetKind() == JsonValue::Kind::kNull) return true;
    if (const auto text = value.AsString()) {
      Add("", std::string(*text), file);
      return true;
    }
    if (!value.IsArray() && !value.IsObject()) return false;
    bool is_known = true;
    const auto add = [&](std::optional<std::string_view> name,
                         std::optional<std::string_view> text) {
      is_known = is_known && name && text;
      if (name && text) Add(std::string(*name), std::string(*text), file);
    };
    for (const JsonValue& item : value.Items()) {
      const auto name = item.Find("name");
      const auto text = item.Find("template");
      add(name ? name->AsString() : std::nullopt, text ? text->AsString() : std::nullopt);
    }
    for (const JsonMember& member : value.Members()) add(member.key, member.value.AsString());
    return is_known;
  }

  std::vector<ChatTemplate> Take() { return std::move(all_); }

 private:
  std::vector<ChatTemplate> all_;
  std::map<std::string, std::size_t> places_;
  std::map<std::string, std::uint64_t> repeated_;
};

}  // namespace

std::vector<ChatTemplate> HubChatTemplates(const FieldSide& side) {
  Templates templates;
  if (side.Kind() == SideKind::kNone) return {};
  if (auto text = side.ReadText("chat_template.jinja")) {
    templates.Add("", *std::move(text), "chat_template.jinja");
  }
  for (const std::string& file : side.ListFiles()) {
    std::string_view name = file;
    if (!name.starts_with(kTemplateFolder) || !name.ends_with(kTemplateSuffix)) continue;
    name.remove_prefix(kTemplateFolder.size());
    name.remove_suffix(kTemplateSuffix.size());
    if (name.empty() || name.find('/') != name.npos) continue;
    if (auto text = side.ReadText(file)) templates.Add(std::string(name), *std::move(text), file);
  }
  for (const char* file : {"chat_template.json", "tokenizer_config.json"}) {
    const auto document = side.ReadJson(file);
    const auto value = document ? document->Root().Find("chat_template") : std::nullopt;
    if (!value || templates.AddAll(*value, file) || side.IsSame(file)) continue;
    side.NoteUnreadable(fmt::format("chat_template in {}", file),
                        {Errc::kUnsupported, side.Home()->NameOf(file),
                         "chat_template is neither a text nor texts by name"});
  }
  return templates.Take();
}

}  // namespace hallmark
