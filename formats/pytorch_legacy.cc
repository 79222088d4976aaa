#include "formats/pytorch_legacy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "formats/pytorch.h"
#include "formats/strided_reader.h"
#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/io/file_cursor.h"
#include "src/io/tar.h"

namespace hallmark {
namespace {

// 0x1950a86a20f9469cfc6c, little-endian, as LONG1 writes it.
constexpr std::string_view kMagicLong("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
constexpr std::int64_t kProtocolVersion = 1001;

Error WrongStream(const File& file, std::uint64_t offset, std::string_view what) {
  return Error{Errc::kMalformed, file.Name(), fmt::format("no {} of a PyTorch file here", what),
               offset};
}

// The magic number, however many zero bytes it was padded with.
bool IsMagic(const PickleReading& pickle) {
  if (pickle.graph.Kind(pickle.root) != PickleKind::kBigInteger) return false;
  std::string_view number = pickle.graph.AsText(pickle.root);
  const std::string_view magic = kMagicLong.substr(2);
  return number.starts_with(magic) &&
         number.find_first_not_of('\0', magic.size()) == std::string_view::npos;
}

// The magic number, the protocol version and what the writing machine was like.
struct Preamble {
  unsigned pickle_protocol = 0;
  bool is_little_endian = true;
  std::vector<Finding> findings;
};

Result<Preamble> ReadPreamble(FileCursor& cursor, const File& file) {
  Preamble preamble;
  const auto keep = [&](PickleReading& pickle) {
    preamble.findings.insert(preamble.findings.end(), pickle.findings.begin(),
                             pickle.findings.end());
  };
  std::uint64_t at = cursor.Offset();
  PickleReading magic = HM_TRY(ReadPickle(cursor));
  keep(magic);
  if (!IsMagic(magic)) {
    return Error{Errc::kUnsupported, file.Name(), "a pickle that is no PyTorch checkpoint", at};
  }
  at = cursor.Offset();
  PickleReading version = HM_TRY(ReadPickle(cursor));
  keep(version);
  const auto number = version.graph.IntegerOf(version.root);
  if (!number) return WrongStream(file, at, "protocol version");
  if (*number != kProtocolVersion) {
    return Error{
        Errc::kUnsupported, file.Name(),
        fmt::format("PyTorch's protocol version {}, only {} is known", *number, kProtocolVersion),
        at};
  }
  at = cursor.Offset();
  PickleReading info = HM_TRY(ReadPickle(cursor));
  keep(info);
  if (info.graph.Kind(info.root) != PickleKind::kDict) {
    return WrongStream(file, at, "system description");
  }
  for (const auto& [key, value] : info.graph.Pairs(info.root)) {
    if (!info.graph.IsText(key, "little_endian")) continue;
    if (info.graph.Kind(value) != PickleKind::kBool) {
      return WrongStream(file, at, "system description");
    }
    preamble.is_little_endian = info.graph.AsBool(value);
  }
  return preamble;
}

// The list of keys, in whose order the storages follow.
Result<std::vector<std::string>> ReadKeys(FileCursor& cursor, const File& file,
                                          std::vector<Finding>& findings) {
  const std::uint64_t at = cursor.Offset();
  const PickleReading pickle = HM_TRY(ReadPickle(cursor));
  findings.insert(findings.end(), pickle.findings.begin(), pickle.findings.end());
  if (pickle.graph.Kind(pickle.root) != PickleKind::kList) {
    return WrongStream(file, at, "list of storage keys");
  }
  std::vector<std::string> keys;
  for (const PickleRef ref : pickle.graph.Items(pickle.root)) {
    if (pickle.graph.Kind(ref) != PickleKind::kText) return WrongStream(file, at, "storage key");
    keys.emplace_back(pickle.graph.AsText(ref));
  }
  return keys;
}

Result<std::vector<StorageBytes>> LocateStorages(FileCursor& cursor, const File& file,
                                                 std::span<const std::string> keys,
                                                 std::span<const PytorchStorage> storages) {
  std::unordered_map<std::string_view, std::size_t> by_key;
  for (std::size_t i = 0; i < storages.size(); ++i) by_key.emplace(storages[i].key, i);
  std::vector<StorageBytes> located(storages.size());
  for (const std::string& key : keys) {
    const std::uint64_t at = cursor.Offset();
    const auto found = by_key.find(key);
    if (found == by_key.end() || located[found->second].source != nullptr) {
      return Error{
          Errc::kMalformed, file.Name(),
          fmt::format("storage {} is {}", EscapeForPeople(key),
                      found == by_key.end() ? "listed, but nothing refers to it" : "listed twice"),
          at};
    }
    const PytorchStorage& storage = storages[found->second];
    const std::uint64_t count = HM_TRY(cursor.U64());
    if (count != storage.count) {
      return Error{Errc::kMalformed, file.Name(),
                   fmt::format("storage {} is said to hold {} items here, {} in the pickle",
                               EscapeForPeople(key), count, storage.count),
                   at};
    }
    const ByteRange range{cursor.Offset(), storage.Bytes()};
    HM_TRY(cursor.Skip(range.size));
    located[found->second] = StorageInFile(file, range);
  }
  for (std::size_t i = 0; i < storages.size(); ++i) {
    if (located[i].source != nullptr) continue;
    return Error{
        Errc::kMalformed, file.Name(),
        fmt::format("storage {} is referred to, but not listed", EscapeForPeople(storages[i].key)),
        cursor.Offset()};
  }
  if (!cursor.AtEnd()) {
    return cursor.Malformed(fmt::format("{} bytes follow the last storage", cursor.Remaining()));
  }
  return located;
}

}  // namespace

bool SniffPytorchLegacy(const FileHead& head) {
  // Any pickle: what torch reads need not begin as torch writes it, and what is no checkpoint may
  // do harm all the same. PROTO, then what a pickle can begin with; or the lines of a GLOBAL.
  const std::string_view text = AsText(head.bytes);
  if (text.size() < 4) return false;
  if (text[0] == '\x80') {
    constexpr std::string_view kBeginnings = "\x8a\x8b\x95}](\x8cX)cCBU\x8fNKMJG\x88\x89";
    return text[1] >= 2 && text[1] <= 5 && kBeginnings.find(text[2]) != std::string_view::npos;
  }
  std::string_view line = text.substr(text[0] == '(' ? 1 : 0);
  if (!line.starts_with('c')) return false;
  line = line.substr(1, line.find('\n') - 1);
  const auto in_a_name = [](char c) {
    return c == '.' || c == '_' || (c >= '0' && c <= '9') ||
           (AsciiLower({&c, 1})[0] >= 'a' && AsciiLower({&c, 1})[0] <= 'z');
  };
  return !line.empty() && line.size() < 100 && std::ranges::all_of(line, in_a_name) &&
         text.find('\n') != std::string_view::npos;
}

Result<std::unique_ptr<ModelReader>> OpenPytorchLegacy(const File& file) {
  if (HM_TRY(IsTar(file))) {  // which torch tries first
    return Error{Errc::kMalformed, file.Name(),
                 "it can be read as a pickle and as a tar archive, and may hold two models", 0,
                 "do not use it: what a program sees in it depends on the program"};
  }
  FileCursor cursor(file);
  Preamble preamble = HM_TRY(ReadPreamble(cursor, file));
  PytorchCheckpoint checkpoint;
  {
    const PickleReading pickle = HM_TRY(ReadPickle(cursor));
    checkpoint = HM_TRY(RebuildCheckpoint(pickle, PytorchLayout::kLegacy, file.Name()));
    checkpoint.findings.insert(checkpoint.findings.begin(), pickle.findings.begin(),
                               pickle.findings.end());
    preamble.pickle_protocol = pickle.protocol;
  }
  std::vector<Finding>& findings = checkpoint.findings;
  findings.insert(findings.begin(), preamble.findings.begin(), preamble.findings.end());
  const std::vector<std::string> keys = HM_TRY(ReadKeys(cursor, file, findings));
  std::vector<StorageBytes> storages =
      HM_TRY(LocateStorages(cursor, file, keys, checkpoint.storages));
  if (!preamble.is_little_endian) {
    // torch converts storages to little-endian on every machine and ignores this flag on loading.
    findings.push_back({Severity::kWarning, "big-endian-writer", file.Name(),
                        "written on a big-endian machine; values are read as little-endian, as "
                        "torch writes them there too"});
  }
  StridedContents out = JoinStorages(std::move(checkpoint), std::move(storages), false);
  out.format_name = "pytorch-legacy";
  out.format_detail =
      fmt::format("PyTorch legacy pickles, pickle protocol {}", preamble.pickle_protocol);
  return MakeStridedReader(std::move(out));
}

bool SniffPytorchTar(const FileHead& head) {
  const std::string_view text = AsText(head.bytes);
  if (text.size() < 512) return false;
  const std::string_view name = text.substr(0, text.substr(0, 100).find('\0'));
  const bool is_member = name == "storages" || name == "tensors" || name == "pickle" ||
                         name == "sys_info" || name == "./storages" || name == "./pickle";
  return is_member &&
         (text.substr(257, 5) == "ustar" || text.substr(257, 5) == std::string(5, '\0'));
}

Result<std::unique_ptr<ModelReader>> OpenPytorchTar(const File& file) {
  return Error{Errc::kUnsupported, file.Name(), "a tar file of PyTorch 0.1", std::nullopt,
               "load and save it with a later PyTorch, then try again"};
}

}  // namespace hallmark
