// Torrents: version 2 (BEP 52) gives every file the root of its tree, version 1 (BEP 3) SHA-1
// pieces of all files laid end to end, a hybrid both. docs/sources/torrent.md.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/hash/tree.h"
#include "src/io/directory.h"
#include "verify/sources/bencode.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

using Kind = BencodeValue::Kind;

constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kMaxPathBytes = 4096;
constexpr std::uint64_t kMaxPieceBytes = std::uint64_t{1} << 30;

bool Sniff(std::string_view text, std::string_view) {
  return text.size() > 1 && text[0] == 'd' && text[1] >= '0' && text[1] <= '9' &&
         text.find("4:infod") != std::string_view::npos;
}

// One file as either version lists it.
struct TorrentFile {
  std::string path;
  std::uint64_t size = 0;
  bool padding = false;               // BEP 47: zeros that no file holds
  std::optional<Digest> digest = {};  // version 2: the root; version 1: an md5, if it says one
  std::shared_ptr<const TreeLayer> layer = {};  // version 2, of files of several pieces
};

class TorrentReader {
 public:
  explicit TorrentReader(const BencodeValue& root) : root_(root) {}

  Result<Source> Read() {
    const BencodeValue* info = root_.Find("info", Kind::kDictionary);
    if (info == nullptr) return Malformed(root_, "no info dictionary");
    info_ = info;
    HM_TRY(ReadPieceLength());
    const BencodeValue* version = info_->Find("meta version", Kind::kInteger);
    if (version != nullptr && version->integer != 1 && version->integer != 2) {
      return Error{Errc::kUnsupported, "", fmt::format("a torrent of version {}", version->integer),
                   version->offset};
    }
    const bool is_v2 = version != nullptr && version->integer == 2;
    const BencodeValue* pieces = info_->Find("pieces", Kind::kText);
    if (is_v2) HM_TRY(ReadFileTree());
    if (pieces != nullptr) HM_TRY(ReadFileList());
    if (!is_v2 && pieces == nullptr) return Malformed(*info_, "neither pieces nor a file tree");
    if (is_v2 && pieces != nullptr) HM_TRY(CheckOneContent());
    if (!is_v2) HM_TRY(AddPieces(*pieces));
    FileCollector collector;
    std::map<std::string_view, const TorrentFile*> by_path;
    for (const TorrentFile& file : is_v2 ? tree_ : list_) {
      if (file.padding) continue;
      HM_TRY(collector.Add(file.path, file.size, file.digest, 0));
      by_path.emplace(file.path, &file);
    }
    source_.files = collector.Take();
    for (ListedFile& file : source_.files) file.layer = by_path.at(file.path)->layer;
    if (source_.files.empty()) return Malformed(*info_, "names no file");
    return std::move(source_);
  }

 private:
  Error Malformed(const BencodeValue& at, std::string_view message) const {
    return {Errc::kMalformed, "", fmt::format("a torrent: {}", message), at.offset};
  }

  Result<void> ReadPieceLength() {
    const BencodeValue* length = info_->Find("piece length", Kind::kInteger);
    if (length == nullptr || length->integer <= 0) return Malformed(*info_, "no piece length");
    piece_bytes_ = static_cast<std::uint64_t>(length->integer);
    if (piece_bytes_ > kMaxPieceBytes) {
      return Error{Errc::kUnsupported, "",
                   fmt::format("pieces of {} bytes, limit {}", piece_bytes_, kMaxPieceBytes),
                   length->offset};
    }
    return {};
  }

  Result<std::uint64_t> LengthOf(const BencodeValue& file) const {
    const BencodeValue* length = file.Find("length", Kind::kInteger);
    if (length == nullptr || length->integer < 0) return Malformed(file, "a file without a length");
    return static_cast<std::uint64_t>(length->integer);
  }

  static bool HasAttribute(const BencodeValue& file, char attribute) {
    const BencodeValue* attributes = file.Find("attr", Kind::kText);
    return attributes != nullptr && attributes->text.find(attribute) != std::string_view::npos;
  }

  // The first of them; a torrent may list any number.
  void NoteLink(const std::string& path) {
    if (std::exchange(told_of_link_, true)) return;
    source_.findings.push_back({Severity::kNote, "link-in-torrent", path,
                                "symbolic links such as this one are not checked"});
  }

  // A path's next component, which is one name and not a path of its own.
  Result<std::string> Joined(const std::string& folder, const BencodeValue& at,
                             std::string_view name) const {
    if (name.empty() || name.find('/') != std::string_view::npos) {
      return Malformed(at, fmt::format("{} is no file name", EscapeForPeople(name)));
    }
    if (folder.size() + name.size() > kMaxPathBytes) {
      return Malformed(at, fmt::format("a path of more than {} bytes", kMaxPathBytes));
    }
    return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
  }

  Result<std::string> CheckedPath(const BencodeValue& at, const std::string& path) const {
    auto checked = CheckRelativePath(path);
    if (!checked) return Malformed(at, checked.error().message);
    return checked;
  }

  Result<void> ReadFileTree() {
    const BencodeValue* tree = info_->Find("file tree", Kind::kDictionary);
    if (tree == nullptr) return Malformed(*info_, "version 2 without a file tree");
    if (piece_bytes_ < kTreeBlock || (piece_bytes_ & (piece_bytes_ - 1)) != 0) {
      return Malformed(*info_, "a piece length that is no power of two from 16 KiB on");
    }
    layers_ = root_.Find("piece layers", Kind::kDictionary);
    return ReadFolder(*tree, "");
  }

  Result<void> ReadFolder(const BencodeValue& folder, const std::string& path) {  // NOLINT: bounded
    for (const BencodeValue& entry : folder.items) {
      const std::string own_path = HM_TRY(Joined(path, entry, entry.key));
      if (entry.kind != Kind::kDictionary) return Malformed(entry, "a file tree of other values");
      const BencodeValue* leaf = entry.Find("", Kind::kDictionary);
      if (leaf == nullptr) {
        HM_TRY(ReadFolder(entry, own_path));
        continue;
      }
      if (entry.items.size() != 1) return Malformed(entry, "a file that is a folder too");
      TorrentFile file;
      file.path = HM_TRY(CheckedPath(entry, own_path));
      if (HasAttribute(*leaf, 'l')) {
        NoteLink(file.path);
        continue;
      }
      file.size = HM_TRY(LengthOf(*leaf));
      file.padding = HasAttribute(*leaf, 'p');
      if (!file.padding) HM_TRY(ReadRoot(*leaf, &file));
      tree_.push_back(std::move(file));
    }
    return {};
  }

  Result<void> ReadRoot(const BencodeValue& leaf, TorrentFile* file) {
    TreeNode root{};  // of no bytes
    if (file->size > 0) {
      const BencodeValue* bytes = leaf.Find("pieces root", Kind::kText);
      if (bytes == nullptr || bytes->text.size() != root.size()) {
        return Malformed(leaf, "a file without a pieces root of 32 bytes");
      }
      std::ranges::copy(AsBytes(bytes->text), root.begin());
      if (file->size > piece_bytes_) file->layer = HM_TRY(ReadLayer(*bytes, root, file->size));
    }
    file->digest = Digest(Algorithm::kTree, root);
    return {};
  }

  // One that does not lead to its root shows that the torrent is damaged. Files of the same content
  // have one in common.
  Result<std::shared_ptr<const TreeLayer>> ReadLayer(const BencodeValue& at, const TreeNode& root,
                                                     std::uint64_t size) {
    if (layers_ == nullptr) return nullptr;  // metadata alone, as a magnet link fetches it
    const BencodeValue* text = layers_->Find(at.text, Kind::kText);
    const std::uint64_t count = (size - 1) / piece_bytes_ + 1;
    if (text == nullptr || text->text.size() / root.size() != count ||
        text->text.size() % root.size() != 0) {
      return Malformed(at, "no piece layer of the right length for this root");
    }
    std::shared_ptr<const TreeLayer>& known = read_layers_[root];
    if (known != nullptr) return known;
    auto layer = std::make_shared<TreeLayer>();
    layer->piece_bytes = piece_bytes_;
    layer->nodes.resize(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < layer->nodes.size(); ++i) {
      std::ranges::copy(AsBytes(text->text).subspan(i * root.size(), root.size()),
                        layer->nodes[i].begin());
    }
    const auto height = static_cast<unsigned>(std::countr_zero(piece_bytes_ / kTreeBlock));
    if (TreeRoot(layer->nodes, height) != root) {
      return Malformed(*text, "a piece layer of another root");
    }
    known = std::move(layer);
    return known;
  }

  Result<void> ReadFileList() {
    const BencodeValue* files = info_->Find("files", Kind::kList);
    const BencodeValue* name = info_->Find("name.utf-8", Kind::kText);
    if (name == nullptr) name = info_->Find("name", Kind::kText);
    if (files == nullptr) {
      if (name == nullptr) return Malformed(*info_, "a single file without a name");
      const std::string path = HM_TRY(Joined("", *name, name->text));
      return AddListed(*info_, path);
    }
    for (const BencodeValue& file : files->items) {
      const BencodeValue* path = file.Find("path.utf-8", Kind::kList);
      if (path == nullptr) path = file.Find("path", Kind::kList);
      if (path == nullptr || path->items.empty()) return Malformed(file, "a file without a path");
      std::string joined;
      for (const BencodeValue& part : path->items) {
        if (part.kind != Kind::kText) return Malformed(part, "a path of other values than names");
        joined = HM_TRY(Joined(joined, part, part.text));
      }
      HM_TRY(AddListed(file, joined));
    }
    return {};
  }

  Result<void> AddListed(const BencodeValue& at, const std::string& path) {
    TorrentFile file;
    file.size = HM_TRY(LengthOf(at));
    file.path = HM_TRY(CheckedPath(at, path));
    // The second is what was used before BEP 47.
    file.padding = HasAttribute(at, 'p') || file.path.starts_with("_____padding_file_");
    if (HasAttribute(at, 'l')) {
      NoteLink(file.path);
      return {};
    }
    if (const BencodeValue* md5 = at.Find("md5sum", Kind::kText)) {
      file.digest = Digest::FromHex(Algorithm::kMd5, md5->text);
    }
    const auto end = CheckedAdd(list_bytes_, file.size);
    if (!end) return Malformed(at, "sizes beyond all bounds");
    list_bytes_ = *end;
    list_.push_back(std::move(file));
    return {};
  }

  // A hybrid whose halves name different files would be one thing to some programs and another to
  // others.
  Result<void> CheckOneContent() const {
    std::size_t listed = 0;
    const auto next = [&]() -> const TorrentFile* {
      while (listed < list_.size() && list_[listed].padding) ++listed;
      return listed < list_.size() ? &list_[listed++] : nullptr;
    };
    for (const TorrentFile& file : tree_) {
      if (file.padding) continue;
      const TorrentFile* other = next();
      if (other == nullptr || other->path != file.path || other->size != file.size) {
        return Malformed(*info_,
                         fmt::format("versions 1 and 2 differ in {}", EscapeForPeople(file.path)));
      }
    }
    if (next() != nullptr) return Malformed(*info_, "version 1 lists more files than version 2");
    return {};
  }

  Result<void> AddPieces(const BencodeValue& pieces) {
    PieceList list{Algorithm::kSha1, piece_bytes_, {}, {}};
    const std::uint64_t count =
        list_bytes_ / piece_bytes_ + (list_bytes_ % piece_bytes_ != 0 ? 1 : 0);
    if (pieces.text.size() % kSha1Bytes != 0 || pieces.text.size() / kSha1Bytes != count) {
      return Malformed(pieces, fmt::format("{} bytes of piece hashes, {} pieces have {}",
                                           pieces.text.size(), count, count * kSha1Bytes));
    }
    const ByteSpan bytes = AsBytes(pieces.text);
    list.digests.assign(bytes.begin(), bytes.end());
    std::size_t index = 0;
    std::set<std::string_view> paths;
    for (const TorrentFile& file : list_) {
      if (file.padding) {
        list.spans.push_back({PieceSpan::Holder::kZeros, 0, file.size});
        continue;
      }
      if (!paths.insert(file.path).second) {
        return Malformed(*info_, fmt::format("{} is listed twice", EscapeForPeople(file.path)));
      }
      list.spans.push_back({PieceSpan::Holder::kFile, index++, file.size});
    }
    source_.pieces.push_back(std::move(list));
    return {};
  }

  const BencodeValue& root_;
  const BencodeValue* info_ = nullptr;
  const BencodeValue* layers_ = nullptr;
  std::map<TreeNode, std::shared_ptr<const TreeLayer>> read_layers_;  // by root
  std::uint64_t piece_bytes_ = 0;
  std::vector<TorrentFile> tree_;  // version 2
  std::vector<TorrentFile> list_;  // version 1
  std::uint64_t list_bytes_ = 0;
  bool told_of_link_ = false;
  Source source_;
};

Result<Source> Parse(std::string_view text, std::string_view) {
  const BencodeValue root = HM_TRY(ParseBencode(text));
  if (root.kind != Kind::kDictionary)
    return Error{Errc::kMalformed, "", "a torrent: no dictionary"};
  Source source = HM_TRY(TorrentReader(root).Read());
  const BencodeValue* name = root.Find("info", Kind::kDictionary)->Find("name", Kind::kText);
  if (name != nullptr) source.folder = CheckRelativePath(name->text).value_or("");
  return source;
}

}  // namespace

const Dialect kTorrentDialect = {"torrent", "torrent", Sniff, Parse, false};

}  // namespace hallmark
