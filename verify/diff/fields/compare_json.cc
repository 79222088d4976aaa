#include "verify/diff/fields/compare_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "verify/diff/fields/field_list.h"
#include "verify/diff/fields/field_meaning.h"
#include "verify/diff/fields/field_text.h"

namespace hallmark {
namespace {

using Kind = JsonValue::Kind;
using Value = std::optional<JsonValue>;

constexpr std::size_t kLong = 100;         // entries of what is told by its first differences
constexpr std::size_t kShownOfShort = 40;  // differing entries of a shorter one
constexpr std::size_t kShownOfFile = 200;
constexpr std::size_t kLongestKnownKey = 200;  // no table names a longer one

bool IsNumber(Kind kind) { return kind == Kind::kInteger || kind == Kind::kFloat; }

bool IsSameScalar(const JsonValue& a, const JsonValue& b) {
  if (IsNumber(a.GetKind()) && IsNumber(b.GetKind())) {
    const auto whole_a = a.AsU64();
    const auto whole_b = b.AsU64();
    return whole_a && whole_b ? whole_a == whole_b : a.AsDouble() == b.AsDouble();
  }
  if (a.GetKind() != b.GetKind()) return false;
  return a.AsString() == b.AsString() && a.AsBool() == b.AsBool();
}

// The members of an object, sorted by key, so that those of another are found fast.
class Index {
 public:
  explicit Index(const JsonValue& object) : members_(object.Members()) {
    for (const JsonMember& member : members_) sorted_.push_back(&member);
    std::ranges::sort(sorted_, {}, &JsonMember::key);
  }
  const std::vector<JsonMember>& Members() const { return members_; }
  Value Find(std::string_view key) const {
    const auto found = std::ranges::lower_bound(sorted_, key, {}, &JsonMember::key);
    if (found == sorted_.end() || (*found)->key != key) return std::nullopt;
    return (*found)->value;
  }

 private:
  std::vector<JsonMember> members_;  // in document order
  std::vector<const JsonMember*> sorted_;
};

// "left right" of a merge; nullopt: it is none.
std::optional<std::string> MergeText(const JsonValue& merge) {
  if (const auto text = merge.AsString()) return std::string(*text);
  const std::vector<JsonValue> parts = merge.Items();
  if (parts.size() != 2 || !parts[0].AsString() || !parts[1].AsString()) return std::nullopt;
  return fmt::format("{} {}", *parts[0].AsString(), *parts[1].AsString());
}

// The texts of a vocabulary by id; nullopt: it is none, or two texts have one id.
std::optional<std::map<std::uint64_t, std::string_view>> VocabularyOf(const JsonValue& object) {
  if (!object.IsObject()) return std::nullopt;
  std::map<std::uint64_t, std::string_view> texts;
  for (const JsonMember& member : object.Members()) {
    const auto id = member.value.AsU64();
    if (!id || !texts.emplace(*id, member.key).second) return std::nullopt;
  }
  return texts;
}

class JsonComparison {
 public:
  JsonComparison(const JsonFile& file, FieldComparison& out) : file_(file), out_(out) {}

  void Compare(const JsonValue& a, const JsonValue& b) {
    Walk(a, b, true);
    if (unshown_ == 0) return;
    out_.differing.push_back(
        {file_.area, fmt::format("{}elsewhere: {} more fields differ", file_.prefix, unshown_),
         ShortValue(a), ShortValue(b)});
  }

 private:
  // A key, or the index of an element.
  struct Step {
    std::string_view key;
    std::optional<std::size_t> index;
  };

  std::string Path(bool for_people) const {
    std::string path;
    for (const Step& step : path_) {
      if (step.index) {
        path += fmt::format("[{}]", *step.index);
        continue;
      }
      if (!path.empty()) path += '.';
      path += for_people ? ShortKey(step.key) : std::string(step.key.substr(0, kLongestKnownKey));
    }
    return path.empty() ? "everything" : path;
  }

  bool HasMeaning(const Value& a, const Value& b) const {
    const std::string path = Path(false);
    if (OnlyDescribes(file_.name, path)) {
      return IsDtypeField(file_.name, path) && !(IsDtype(a) && IsDtype(b));
    }
    if (path == "tokenizer_class" && a && b && a->AsString() && b->AsString() &&
        IsSameTokenizerClass(*a->AsString(), *b->AsString())) {
      return false;
    }
    return file_.is_spelling == nullptr || !file_.is_spelling(path, a, b);
  }

  static bool IsDtype(const Value& value) {
    if (!value || value->GetKind() == Kind::kNull) return true;
    const auto name = value->AsString();
    return name && IsFloatType(*name);
  }

  // Notes a field that differs.
  void Differs(const Value& a, const Value& b, bool show) {
    if (!show) return;
    if (shown_ >= kShownOfFile) {
      ++unshown_;
      return;
    }
    ++shown_;
    ShownTexts shown;
    if (a && b && a->AsString() && b->AsString()) {
      shown = ShowTexts(*a->AsString(), *b->AsString());
    } else {
      shown = {a ? ShortValue(*a) : "", b ? ShortValue(*b) : ""};
    }
    out_.differing.push_back({file_.area, file_.prefix + Path(true), std::move(shown.a),
                              std::move(shown.b), HasMeaning(a, b)});
  }

  // Returns whether the two differ. Differences are noted if `show` is set.
  bool Walk(const Value& a, const Value& b, bool show) {
    if (a && b) {
      if (a->IsObject() && b->IsObject()) return WalkObjects(*a, *b, show);
      if (a->IsArray() && b->IsArray()) return WalkArrays(*a, *b, show);
    }
    ++out_.compared;
    if (a && b && IsSameScalar(*a, *b)) return false;
    Differs(a, b, show);
    return true;
  }

  bool IsInModel(std::string_view key) const {
    return file_.name == "tokenizer.json" && path_.size() == 2 && path_[0].key == "model" &&
           path_[1].key == key;
  }
  bool IsVocabulary() const {
    return IsInModel("vocab") || (file_.name == "vocab.json" && path_.empty());
  }

  bool WalkObjects(const JsonValue& a, const JsonValue& b, bool show) {
    if (IsVocabulary()) {
      const auto texts_a = VocabularyOf(a);
      const auto texts_b = VocabularyOf(b);
      if (texts_a && texts_b) return CompareVocabularies(*texts_a, *texts_b);
    }
    const Index in_a(a);
    const Index in_b(b);
    Children children(*this, std::max(in_a.Members().size(), in_b.Members().size()), show);
    const auto is_left_out = [&](std::string_view key) {
      return path_.empty() && !file_.left_out.empty() && key == file_.left_out;
    };
    for (const JsonMember& member : in_a.Members()) {
      if (is_left_out(member.key)) continue;
      children.Walk({member.key, std::nullopt}, member.value, in_b.Find(member.key));
    }
    for (const JsonMember& member : in_b.Members()) {
      if (is_left_out(member.key) || in_a.Find(member.key)) continue;
      children.Walk({member.key, std::nullopt}, std::nullopt, member.value);
    }
    if (in_a.Members().empty() && in_b.Members().empty()) ++out_.compared;
    return children.Finish(in_a.Members().size(), in_b.Members().size());
  }

  bool WalkArrays(const JsonValue& a, const JsonValue& b, bool show) {
    const std::vector<JsonValue> in_a = a.Items();
    const std::vector<JsonValue> in_b = b.Items();
    if (IsInModel("merges")) return CompareMerges(in_a, in_b);
    Children children(*this, std::max(in_a.size(), in_b.size()), show);
    for (std::size_t i = 0; i < std::max(in_a.size(), in_b.size()); ++i) {
      children.Walk({{}, i}, i < in_a.size() ? Value(in_a[i]) : std::nullopt,
                    i < in_b.size() ? Value(in_b[i]) : std::nullopt);
    }
    if (in_a.empty() && in_b.empty()) ++out_.compared;
    return children.Finish(in_a.size(), in_b.size());
  }

  // The entries of one object or list.
  class Children {
   public:
    Children(JsonComparison& whole, std::size_t count, bool show)
        : whole_(whole), limit_(count > kLong ? FieldList::kShown : kShownOfShort), show_(show) {}

    void Walk(Step step, const Value& a, const Value& b) {
      whole_.path_.push_back(step);
      if (whole_.Walk(a, b, show_ && differing_ < limit_)) ++differing_;
      whole_.path_.pop_back();
    }
    bool Finish(std::size_t size_a, std::size_t size_b) {
      if (show_ && differing_ > limit_ && whole_.shown_ < kShownOfFile) {
        whole_.out_.differing.push_back(
            {whole_.file_.area,
             fmt::format("{}{}: {} entries differ, the first {} of them shown", whole_.file_.prefix,
                         whole_.Path(true), differing_, limit_),
             std::to_string(size_a), std::to_string(size_b)});
      }
      return differing_ > 0;
    }

   private:
    JsonComparison& whole_;
    std::size_t limit_;
    bool show_;
    std::size_t differing_ = 0;
  };

  bool CompareVocabularies(const std::map<std::uint64_t, std::string_view>& a,
                           const std::map<std::uint64_t, std::string_view>& b) {
    FieldList list(out_, file_.area, "vocab");
    auto x = a.begin();
    auto y = b.begin();
    while (x != a.end() || y != b.end()) {
      const bool in_a = x != a.end() && (y == b.end() || x->first <= y->first);
      const bool in_b = y != b.end() && (x == a.end() || y->first <= x->first);
      list.Compared();
      if (!in_a || !in_b || x->second != y->second) {
        const std::uint64_t id = in_a ? x->first : y->first;
        if (!list.Shows()) {
          list.AddUnshown();
        } else {
          const ShownTexts shown = in_a && in_b ? ShowTexts(x->second, y->second)
                                                : ShownTexts{in_a ? ShortText(x->second) : "",
                                                             in_b ? ShortText(y->second) : ""};
          list.Add(std::to_string(id), shown.a, shown.b);
        }
      }
      if (in_a) ++x;
      if (in_b) ++y;
    }
    list.Finish(a.size(), b.size());
    return list.Differing() > 0;
  }

  // tokenizers writes "left right" or, since 0.20, ["left", "right"].
  bool CompareMerges(const std::vector<JsonValue>& a, const std::vector<JsonValue>& b) {
    FieldList list(out_, file_.area, "merge");
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      list.Compared();
      const Value in_a = i < a.size() ? Value(a[i]) : std::nullopt;
      const Value in_b = i < b.size() ? Value(b[i]) : std::nullopt;
      if (in_a && in_b && IsSameMerge(*in_a, *in_b)) continue;
      if (!list.Shows()) {
        list.AddUnshown();
        continue;
      }
      list.Add(std::to_string(i), in_a ? ShortValue(*in_a) : "", in_b ? ShortValue(*in_b) : "");
    }
    list.Finish(a.size(), b.size());
    return list.Differing() > 0;
  }

  static bool IsSameMerge(const JsonValue& a, const JsonValue& b) {
    const auto text_a = MergeText(a);
    const auto text_b = MergeText(b);
    if (!text_a || text_a != text_b) return false;
    // A part with a space in it: only the lists tell where it ends.
    return !a.IsArray() || !b.IsArray() || a.Items()[0].AsString() == b.Items()[0].AsString();
  }

  const JsonFile& file_;
  FieldComparison& out_;
  std::vector<Step> path_;
  std::size_t shown_ = 0;
  std::size_t unshown_ = 0;
};

}  // namespace

void CompareJson(const JsonFile& file, const JsonValue& a, const JsonValue& b,
                 FieldComparison& out) {
  JsonComparison(file, out).Compare(a, b);
}

}  // namespace hallmark
