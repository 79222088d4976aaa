// Hugging Face listings: the tree API (/api/models/ORG/NAME/tree/REV?recursive=true, an array of
// files) and the model API with ?blobs=true (an object with "siblings").
#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "src/base/text.h"
#include "src/io/directory.h"
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

// The keys of one listed file in either API.
struct Keys {
  std::string_view path, blob, lfs_digest;
};
constexpr Keys kTreeKeys = {"path", "oid", "oid"};
constexpr Keys kModelKeys = {"rfilename", "blobId", "sha256"};

// The tree API answers at most this many entries at once, and the rest on further pages.
constexpr std::size_t kTreePage = 1000;

bool LooksLikeTree(const JsonValue& root) {
  const std::vector<JsonValue> items = root.Items();
  return root.IsArray() && !items.empty() && items[0].Find("path") && items[0].Find("type");
}

bool LooksLikeModel(const JsonValue& root) {
  const auto siblings = root.Find("siblings");
  return siblings && siblings->IsArray();
}

bool Sniff(std::string_view text, std::string_view) {
  const std::size_t start = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (start == std::string_view::npos || (text[start] != '[' && text[start] != '{')) return false;
  if (text.find("\"path\"") == std::string_view::npos &&
      text.find("\"siblings\"") == std::string_view::npos) {
    return false;
  }
  const auto document = JsonDocument::Parse(text, "");
  return document && (LooksLikeTree(document->Root()) || LooksLikeModel(document->Root()));
}

class ListingReader {
 public:
  Result<Source> Read(const JsonValue& root) {
    const bool is_tree = root.IsArray();
    const std::vector<JsonValue> items = is_tree ? root.Items() : root.Find("siblings")->Items();
    for (const JsonValue& item : items) {
      HM_TRY(AddItem(item, is_tree ? kTreeKeys : kModelKeys));
      ++index_;
    }
    source_.files = files_.Take();
    if (source_.files.empty()) return Malformed("the listing names no file");
    CheckFolders();
    Note("no-digest", sizes_only_, "only a size in this listing");
    Note("no-digest", bare_files_, "neither a digest nor a size in this listing");
    if (is_tree && items.size() == kTreePage) {
      source_.complete = false;
      source_.findings.push_back(
          {Severity::kWarning, "one-page", "",
           fmt::format("exactly {} entries: probably one page of a longer listing", kTreePage)});
    }
    return std::move(source_);
  }

 private:
  Error Malformed(std::string_view message) const {
    return {Errc::kMalformed, "", fmt::format("a hub listing: {}", message)};
  }
  Error MalformedItem(std::string_view message) const {
    return Malformed(fmt::format("entry {}: {}", index_ + 1, message));
  }

  Result<void> AddItem(const JsonValue& item, const Keys& keys) {
    const auto path_value = item.Find(keys.path);
    const auto path_text = path_value ? path_value->AsString() : std::nullopt;
    if (!path_text) return MalformedItem(fmt::format("no \"{}\"", keys.path));
    auto checked = CheckRelativePath(*path_text);
    if (!checked) return MalformedItem(checked.error().message);
    std::string path = std::move(*checked);
    if (const auto type = item.Find("type"); type && type->AsString() != "file") {
      if (type->AsString() != "directory") return MalformedItem("of unknown type");
      folders_.push_back(std::move(path));
      return {};
    }
    std::optional<std::uint64_t> size;
    if (const auto value = item.Find("size")) {
      size = value->AsU64();
      if (!size) return MalformedItem("size is not a number of bytes");
    }
    std::optional<Digest> digest;
    const auto lfs = item.Find("lfs");
    if (lfs && lfs->IsObject()) {
      digest = HM_TRY(ReadLfs(*lfs, keys, size));
    } else if (const auto blob = item.Find(keys.blob)) {
      digest = Digest::FromHex(Algorithm::kGitBlob, blob->AsString().value_or(""));
    }
    if (!digest && size) {
      ++sizes_only_;
    } else if (!digest) {
      ++bare_files_;
    }
    if (!paths_.insert(path).second) {
      return MalformedItem(fmt::format("{} is listed twice", EscapeForPeople(path)));
    }
    return files_.Add(std::move(path), size, digest, 0);
  }

  Result<Digest> ReadLfs(const JsonValue& lfs, const Keys& keys,
                         std::optional<std::uint64_t>& size) const {
    const auto value = lfs.Find(keys.lfs_digest);
    std::string_view hex = value ? value->AsString().value_or("") : "";
    if (hex.starts_with("sha256:")) hex.remove_prefix(7);
    const auto digest = Digest::FromHex(Algorithm::kSha256, hex);
    if (!digest) {
      return MalformedItem(fmt::format("lfs.{} is not 64 hex digits", keys.lfs_digest));
    }
    if (const auto lfs_size = lfs.Find("size")) {
      const auto bytes = lfs_size->AsU64();
      if (!bytes) return MalformedItem("lfs.size is not a number of bytes");
      // Some listings give the size of the pointer where that of the file belongs.
      const auto pointer = lfs.Find("pointerSize");
      if (size && pointer && pointer->AsU64() == size) size.reset();
      if (size && *size != *bytes) {
        return MalformedItem(fmt::format("size {} and lfs.size {} differ", *size, *bytes));
      }
      size = bytes;
    }
    return *digest;
  }

  // A folder without any file below it: the listing was made without recursive=true.
  void CheckFolders() {
    for (const std::string& folder : folders_) {
      const auto below = paths_.lower_bound(folder + "/");
      if (below != paths_.end() && below->starts_with(folder + "/")) continue;
      source_.complete = false;
      source_.findings.push_back({Severity::kWarning, "folder-not-listed", folder,
                                  "the listing names this folder but not what is in it"});
    }
  }

  void Note(std::string code, std::uint64_t count, std::string_view what) {
    if (count == 0) return;
    source_.findings.push_back(
        {Severity::kNote, std::move(code), "",
         fmt::format("{} {}", count == 1 ? "1 file has" : fmt::format("{} files have", count),
                     what)});
  }

  std::size_t index_ = 0;
  Source source_;
  FileCollector files_;
  std::set<std::string, std::less<>> paths_;
  std::vector<std::string> folders_;
  std::uint64_t sizes_only_ = 0;
  std::uint64_t bare_files_ = 0;
};

Result<Source> Parse(std::string_view text, std::string_view) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(text, ""));
  if (!LooksLikeTree(document.Root()) && !LooksLikeModel(document.Root())) {
    return Error{Errc::kMalformed, "", "neither a hub's tree listing nor a model listing"};
  }
  return ListingReader().Read(document.Root());
}

}  // namespace

const Dialect kHubTreeDialect = {"hub-tree", "Hugging Face file listing", Sniff, Parse, false};

}  // namespace hallmark
