// What must hold for any tokenizer, whatever bytes it was read from.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/io/folder.h"
#include "transform/tokenizer_gguf.h"

namespace hallmark {

// A folder of texts in memory.
class TextFolder : public Folder {
 public:
  explicit TextFolder(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {}
  std::string NameOf(std::string_view path) const override { return std::string(path); }
  Result<DirectoryListing> List() const override { return DirectoryListing{}; }
  bool Has(std::string_view path) const override { return texts_.contains(std::string(path)); }
  Result<std::unique_ptr<File>> Open(std::string_view path) const override {
    const auto found = texts_.find(std::string(path));
    if (found == texts_.end()) return Error{Errc::kNotFound, std::string(path), "not there"};
    const auto* first = reinterpret_cast<const std::byte*>(found->second.data());
    return MakeMemoryFile({first, first + found->second.size()}, std::string(path));
  }
  FileStretch Locate(std::string_view path, ByteRange range) const override {
    return {std::string(path), range};
  }

 private:
  std::map<std::string, std::string> texts_;
};

inline bool SameTokens(const Tokenizer& a, const Tokenizer& b) {
  const std::size_t count = a.CountWithoutPadding();
  if (a.kind != b.kind || count != b.CountWithoutPadding()) return false;
  for (std::size_t id = 0; id < count; ++id) {
    if (a.tokens[id].text != b.tokens[id].text) return false;
  }
  return a.merges == b.merges;
}

// Read; as GGUF and back all of it is the same; and as files, if they can hold it, its tokens are.
inline void CheckTokenizer(const std::map<std::string, std::string>& files) {
  const auto read = ReadTokenizer(TextFolder(files));
  if (!read) HM_CHECK(!read.error().message.empty());
  if (!read || !read->has_value()) return;
  const Tokenizer& tokenizer = **read;
  for (const auto& [role, id] : tokenizer.special_ids) HM_CHECK(id < tokenizer.tokens.size());

  const auto keys = GgufTokenizer(tokenizer, {.allow_default_pre_tokenizer = true});
  HM_CHECK(keys.has_value());
  const auto again = ReadGgufTokenizer(*keys, "fuzz");
  HM_CHECK(again.has_value() && again->has_value());
  HM_CHECK(SameTokens(tokenizer, **again) && tokenizer.tokens.size() == (*again)->tokens.size());

  for (const TokenizerFiles kind : {TokenizerFiles::kHuggingFace, TokenizerFiles::kMeta}) {
    const auto written = WriteTokenizerFiles(tokenizer, kind);
    if (!written) continue;
    std::map<std::string, std::string> texts;
    for (const TokenizerFile& file : *written) {
      texts[file.name].assign(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
    }
    const auto back = ReadTokenizer(TextFolder(texts));
    HM_CHECK(back.has_value() && back->has_value());
    // Meta's files hold no added tokens.
    if (kind == TokenizerFiles::kHuggingFace) HM_CHECK(SameTokens(tokenizer, **back));
  }
}

}  // namespace hallmark
