#include "formats/llama2c.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/contents_reader.h"

namespace hallmark {
namespace {

constexpr std::string_view kMagic = "24ka";  // 0x616b3432, "ak42", little-endian
constexpr std::uint64_t kVersionOffset = 4;
constexpr std::uint64_t kHeaderBytes = 256;  // since version 1
// No model comes near these, and no product of such numbers near 2^64.
constexpr std::uint64_t kMostLayers = 1024;
constexpr std::uint64_t kLargestDimension = 1 << 22;

// struct Config of run.c, in its order.
constexpr std::array<std::string_view, 7> kConfigKeys = {
    "dim", "hidden_dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size", "seq_len"};
constexpr std::size_t kVocabulary = 5;
constexpr std::uint64_t kConfigBytes = kConfigKeys.size() * sizeof(std::int32_t);

struct Header {
  std::uint32_t version = 0;
  std::array<std::int32_t, kConfigKeys.size()> config = {};
  bool shared_classifier = false;  // the output embedding is the input's
  std::int32_t group_size = 0;     // version 2

  std::uint64_t Dim() const { return Magnitude(0); }
  std::uint64_t HiddenDim() const { return Magnitude(1); }
  std::uint64_t Layers() const { return Magnitude(2); }
  std::uint64_t Heads() const { return Magnitude(3); }
  std::uint64_t KeyHeads() const { return Magnitude(4); }
  std::uint64_t Vocabulary() const { return Magnitude(kVocabulary); }
  std::uint64_t Positions() const { return Magnitude(6); }

 private:
  std::uint64_t Magnitude(std::size_t i) const {
    return static_cast<std::uint64_t>(std::abs(std::int64_t{config[i]}));
  }
};

// Whether a model can have these numbers. In version 0 a negative vocab_size says that the
// classifier is not shared.
bool Plausible(const Header& header) {
  for (std::size_t i = 0; i < header.config.size(); ++i) {
    const bool may_be_negative = header.version == 0 && i == kVocabulary;
    if (header.config[i] == 0 || (header.config[i] < 0 && !may_be_negative)) return false;
  }
  return header.Dim() <= kLargestDimension && header.HiddenDim() <= kLargestDimension &&
         header.Vocabulary() <= kLargestDimension && header.Positions() <= kLargestDimension &&
         header.Layers() <= kMostLayers && header.Dim() % (2 * header.Heads()) == 0 &&
         header.KeyHeads() <= header.Heads() && header.Heads() % header.KeyHeads() == 0;
}

void LoadConfig(const std::byte* bytes, Header& header) {
  for (std::size_t i = 0; i < header.config.size(); ++i) {
    header.config[i] = static_cast<std::int32_t>(LoadLittle<std::uint32_t>(bytes + 4 * i));
  }
}

// Tensors of one kind, in the order of the file.
struct Kind {
  std::string_view name;  // without its suffix
  Shape shape;            // of one tensor
  bool of_layers;         // one for each layer; else one
};

std::vector<Kind> KindsOf(const Header& header) {
  const std::uint64_t dim = header.Dim(), hidden = header.HiddenDim();
  const std::uint64_t head_size = dim / header.Heads(), key_dim = head_size * header.KeyHeads();
  const Kind embedding = {"tok_embeddings", {header.Vocabulary(), dim}, false};
  const Kind attention_norm = {"attention_norm", {dim}, true};
  const Kind ffn_norm = {"ffn_norm", {dim}, true};
  const Kind norm = {"norm", {dim}, false};
  const std::array<Kind, 4> attention = {{{"attention.wq", {dim, dim}, true},
                                          {"attention.wk", {key_dim, dim}, true},
                                          {"attention.wv", {key_dim, dim}, true},
                                          {"attention.wo", {dim, dim}, true}}};
  const std::array<Kind, 3> feed_forward = {{{"feed_forward.w1", {hidden, dim}, true},
                                             {"feed_forward.w2", {dim, hidden}, true},
                                             {"feed_forward.w3", {hidden, dim}, true}}};
  std::vector<Kind> kinds;
  const auto add = [&](const auto& more) { kinds.insert(kinds.end(), more.begin(), more.end()); };
  if (header.version == 0) {
    const Shape table = {header.Positions(), head_size / 2};
    kinds = {embedding, attention_norm};
    add(attention);
    kinds.push_back(ffn_norm);
    add(feed_forward);
    add(std::array<Kind, 3>{{norm, {"freqs_cos", table, false}, {"freqs_sin", table, false}}});
  } else {
    kinds = {attention_norm, ffn_norm, norm, embedding};
    add(attention);
    add(feed_forward);
  }
  if (!header.shared_classifier) {
    kinds.push_back({"output", {header.Vocabulary(), dim}, false});
  }
  return kinds;
}

bool IsQuantised(const Header& header, const Kind& kind) {
  return header.version == 2 && kind.shape.size() == 2;
}

std::uint64_t Count(const Kind& kind) {
  return kind.shape.size() == 1 ? kind.shape[0] : kind.shape[0] * kind.shape[1];
}

std::uint64_t BytesOf(const Header& header, const Kind& kind) {
  if (!IsQuantised(header, kind)) return Count(kind) * sizeof(float);
  return Count(kind) + Count(kind) / static_cast<std::uint64_t>(header.group_size) * sizeof(float);
}

// The size of the file that this header, which is plausible, stands for.
std::uint64_t FileBytes(const Header& header) {
  std::uint64_t size = header.version == 0 ? kConfigBytes : kHeaderBytes;
  for (const Kind& kind : KindsOf(header)) {
    size += BytesOf(header, kind) * (kind.of_layers ? header.Layers() : 1);
  }
  return size;
}

// Version 0, if the head and the size of the file agree on it.
std::optional<Header> FindVersion0(const FileHead& head) {
  if (head.bytes.size() < kConfigBytes) return std::nullopt;
  Header header;
  LoadConfig(head.bytes.data(), header);
  header.shared_classifier = header.config[kVocabulary] > 0;
  if (!Plausible(header) || FileBytes(header) != head.size) return std::nullopt;
  return header;
}

// Takes one file from header to checked contents. Lives for one OpenLlama2c.
class Llama2cParser {
 public:
  Llama2cParser(const File& file, FileHead head) : file_(file), head_(head) {}

  Result<ContainerContents> Parse() {
    HM_TRY(ReadHeader());
    ListMetadata();
    ListTensors();
    contents_.format_name = "llama2c";
    contents_.format_detail = fmt::format("llama2.c v{}", header_.version);
    if (header_.version == 2) {
      contents_.format_detail += fmt::format(", groups of {}", header_.group_size);
    }
    return std::move(contents_);
  }

 private:
  Error Malformed(std::string message, std::uint64_t offset, std::string hint = {}) const {
    return Error{Errc::kMalformed, file_.Name(), std::move(message), offset, std::move(hint)};
  }

  Result<void> ReadHeader() {
    if (const auto found = FindVersion0(head_)) {
      header_ = *found;
      return {};
    }
    if (!HeadStartsWith(head_, kMagic)) {
      return Malformed("no llama2.c checkpoint of this size begins like this", 0);
    }
    if (head_.bytes.size() < kHeaderBytes) {
      return Malformed(
          fmt::format("the header takes {} bytes, the file has {}", kHeaderBytes, head_.size),
          head_.size, "download it again");
    }
    header_.version = LoadLittle<std::uint32_t>(head_.bytes.data() + kVersionOffset);
    if (header_.version != 1 && header_.version != 2) {
      return Error{
          Errc::kUnsupported, file_.Name(),
          fmt::format("this is llama2.c version {}, versions 0 to 2 are read", header_.version),
          kVersionOffset};
    }
    return ReadVersion1Or2();
  }

  Result<void> ReadVersion1Or2() {
    static constexpr std::uint64_t kConfigOffset = 8;
    std::uint64_t at = kConfigOffset;
    LoadConfig(head_.bytes.data() + at, header_);
    at += kConfigBytes;
    const auto shared = std::to_integer<unsigned>(head_.bytes[at]);
    if (shared > 1) return Malformed(fmt::format("shared_classifier is {}, limit 1", shared), at);
    header_.shared_classifier = shared == 1;
    ++at;
    if (!Plausible(header_)) return Malformed("no model has these hyperparameters", kConfigOffset);
    if (header_.version == 2) {
      header_.group_size =
          static_cast<std::int32_t>(LoadLittle<std::uint32_t>(head_.bytes.data() + at));
      HM_TRY(CheckGroups(at));
      at += sizeof(std::int32_t);
    }
    for (; at < kHeaderBytes; ++at) {
      if (head_.bytes[at] != std::byte{0}) {
        return Malformed("the unused rest of the header holds something other than zeros", at);
      }
    }
    const std::uint64_t size = FileBytes(header_);
    if (size == head_.size) return {};
    return Malformed(
        fmt::format("the header stands for {} bytes, the file has {}", size, head_.size),
        std::min(head_.size, size), "compare its size with the official listing");
  }

  Result<void> CheckGroups(std::uint64_t offset) const {
    for (const Kind& kind : KindsOf(header_)) {
      if (kind.shape.size() == 1) continue;
      if (header_.group_size > 0 &&
          Count(kind) % static_cast<std::uint64_t>(header_.group_size) == 0) {
        continue;
      }
      return Malformed(fmt::format("the {} values of {} are not whole groups of {}", Count(kind),
                                   kind.name, header_.group_size),
                       offset);
    }
    return {};
  }

  void ListMetadata() {
    const auto add = [&](std::string_view key, MetadataValue value, MetadataType type) {
      contents_.metadata.push_back({std::string(key), std::move(value), type});
    };
    for (std::size_t i = 0; i < kConfigKeys.size(); ++i) {
      add(kConfigKeys[i], std::int64_t{header_.config[i]}, MetadataType::kI32);
    }
    if (header_.version == 0) return;
    add("shared_classifier", header_.shared_classifier, MetadataType::kBool);
    if (header_.version == 2) {
      add("group_size", std::int64_t{header_.group_size}, MetadataType::kI32);
    }
  }

  void ListTensors() {
    end_ = header_.version == 0 ? kConfigBytes : kHeaderBytes;
    for (const Kind& kind : KindsOf(header_)) {
      for (std::uint64_t layer = 0; layer < (kind.of_layers ? header_.Layers() : 1); ++layer) {
        const std::string name =
            kind.of_layers ? fmt::format("layers.{}.{}", layer, kind.name) : std::string(kind.name);
        const bool is_table = kind.name.starts_with("freqs_");
        const std::string weight = is_table ? name : name + ".weight";
        if (!IsQuantised(header_, kind)) {
          Append(weight, Dtype::kF32, kind.shape, Count(kind) * sizeof(float));
          continue;
        }
        const std::uint64_t groups = Count(kind) / static_cast<std::uint64_t>(header_.group_size);
        Append(weight, Dtype::kI8, kind.shape, Count(kind));
        Append(name + ".scales", Dtype::kF32, {groups}, groups * sizeof(float));
      }
    }
  }

  void Append(std::string name, Dtype dtype, Shape shape, std::uint64_t bytes) {
    contents_.tensors.push_back({.name = std::move(name),
                                 .dtype = dtype,
                                 .shape = std::move(shape),
                                 .payload_bytes = bytes,
                                 .stored = {end_, bytes}});
    end_ += bytes;
  }

  const File& file_;
  const FileHead head_;
  Header header_;
  std::uint64_t end_ = 0;  // of the tensors so far
  ContainerContents contents_;
};

}  // namespace

bool SniffLlama2c(const FileHead& head) {
  return HeadStartsWith(head, kMagic) || FindVersion0(head).has_value();
}

Result<std::unique_ptr<ModelReader>> OpenLlama2c(const File& file) {
  const std::vector<std::byte> bytes = HM_TRY(ReadHead(file));
  return MakeContentsReader(file, HM_TRY(Llama2cParser(file, {bytes, file.Size()}).Parse()));
}

}  // namespace hallmark
