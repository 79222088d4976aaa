#include "formats/ggml_legacy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "formats/contents_reader.h"
#include "formats/gguf_types.h"
#include "formats/tensor_layout.h"
#include "src/io/file_cursor.h"

namespace hallmark {
namespace {

constexpr std::string_view kFormatName = "ggml-legacy";
constexpr std::string_view kWidth = "n_embd";
constexpr std::string_view kEmbedding = "tok_embeddings.weight";

// The first four bytes: the magic numbers "ggml", "ggmf" and "ggjt", little-endian.
struct Family {
  std::string_view magic;
  std::string_view name;
  std::uint32_t versions;  // the last one; 0: it has no number, and its tokens no scores
  bool aligned;            // tensor data begins at a multiple of kAlignment
};
constexpr std::array kFamilies = {
    Family{"lmgg", "GGML", 0, false},
    Family{"fmgg", "GGMF", 1, false},
    Family{"tjgg", "GGJT", 3, true},
};

constexpr std::uint64_t kAlignment = 32;
constexpr std::uint32_t kMostDimensions = 2;
constexpr std::uint32_t kMostLayers = 1024;
constexpr std::uint32_t kLongestName = 128;
constexpr std::uint64_t kVocabularyLimit = 256 * 1024 * 1024;
constexpr const char* kTruncatedHint =
    "the file looks truncated; compare its size with the official listing";

// The types whose number outlived a change of their blocks, and those that died young. `ggjt1` are
// the blocks of GGJT 1 and everything before it.
struct ChangedType {
  std::uint32_t id;
  std::optional<Dtype> ggjt1, ggjt2, ggjt3;
};
constexpr std::array kChangedTypes = {
    ChangedType{2, Dtype::kQ4_0Ggjt1, Dtype::kQ4_0Ggjt2, Dtype::kQ4_0},
    ChangedType{3, Dtype::kQ4_1Ggjt1, Dtype::kQ4_1Ggjt2, Dtype::kQ4_1},
    ChangedType{4, Dtype::kQ4_2, std::nullopt, std::nullopt},
    ChangedType{5, Dtype::kQ4_3, std::nullopt, std::nullopt},
    ChangedType{6, Dtype::kQ5_0Ggjt1, Dtype::kQ5_0, Dtype::kQ5_0},
    ChangedType{7, Dtype::kQ5_1Ggjt1, Dtype::kQ5_1, Dtype::kQ5_1},
    ChangedType{8, Dtype::kQ8_0Ggjt2, Dtype::kQ8_0Ggjt2, Dtype::kQ8_0},
};
constexpr std::uint32_t kFirstKQuant = 10, kLastKQuant = 15;  // GGJT 3 only

// `generation`: the version of GGJT, 1 for what came before it.
std::optional<Dtype> DtypeOf(std::uint32_t id, std::uint32_t generation) {
  if (id <= 1) return DtypeOfGgmlType(id);  // f32, f16
  for (const ChangedType& row : kChangedTypes) {
    if (row.id == id) return std::array{row.ggjt1, row.ggjt2, row.ggjt3}[generation - 1];
  }
  if (generation == 3 && id >= kFirstKQuant && id <= kLastKQuant) return DtypeOfGgmlType(id);
  return std::nullopt;
}

// The tensors of LLaMA, by Meta's names.
std::set<std::string, std::less<>> TensorNames(std::uint32_t layers) {
  std::set<std::string, std::less<>> names = {std::string(kEmbedding), "norm.weight",
                                              "output.weight"};
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    for (const std::string_view part :
         {"attention.wq", "attention.wk", "attention.wv", "attention.wo", "attention_norm",
          "feed_forward.w1", "feed_forward.w2", "feed_forward.w3", "ffn_norm"}) {
      names.insert(fmt::format("layers.{}.{}.weight", layer, part));
    }
  }
  return names;
}

const Family* FamilyOf(std::string_view text) {
  for (const Family& family : kFamilies) {
    if (text.starts_with(family.magic)) return &family;
  }
  return nullptr;
}

// Takes one file from magic to checked contents. Lives for one OpenGgmlLegacy.
class GgmlLegacyParser {
 public:
  explicit GgmlLegacyParser(const File& file) : file_(file), cursor_(file) {}

  Result<ContainerContents> Parse() {
    HM_TRY(ReadVersion());
    HM_TRY(ReadHyperparameters());
    HM_TRY(ReadVocabulary());
    HM_TRY(ReadTensors());
    contents_.format_name = kFormatName;
    contents_.format_detail = family_->versions == 0
                                  ? fmt::format("{}, unversioned", family_->name)
                                  : fmt::format("{} v{}", family_->name, version_);
    return std::move(contents_);
  }

 private:
  Error Unsupported(std::string message, std::uint64_t offset, std::string hint = {}) const {
    return Error{Errc::kUnsupported, file_.Name(), std::move(message), offset, std::move(hint)};
  }

  Result<void> ReadVersion() {
    family_ = FamilyOf(HM_TRY(cursor_.TakeText(4)));
    if (family_ == nullptr) {
      return cursor_.MalformedAt(0, "the file does not begin with ggml, ggmf or ggjt");
    }
    if (family_->versions == 0) return {};
    const std::uint64_t offset = cursor_.Offset();
    version_ = HM_TRY(cursor_.U32());
    if (version_ >= 1 && version_ <= family_->versions) return {};
    return Unsupported(
        fmt::format("this is {} version {}, limit {}", family_->name, version_, family_->versions),
        offset);
  }

  // Written as i32; none of them can be negative.
  Result<std::uint32_t> Number(std::string_view what) {
    const std::uint64_t offset = cursor_.Offset();
    const std::uint32_t value = HM_TRY(cursor_.U32());
    if (value <= INT32_MAX) return value;
    return cursor_.MalformedAt(offset,
                               fmt::format("{} is {}", what, static_cast<std::int32_t>(value)));
  }

  Result<std::uint32_t> Hyperparameter(std::string_view key) {
    const std::uint32_t value = HM_TRY(Number(key));
    contents_.metadata.push_back({std::string(key), std::uint64_t{value}, MetadataType::kU32});
    return value;
  }

  // struct llama_hparams. Other models begin with the same magic and another list, so what LLaMA's
  // must fulfil tells them apart.
  Result<void> ReadHyperparameters() {
    const std::uint64_t offset = cursor_.Offset();
    tokens_ = HM_TRY(Hyperparameter("n_vocab"));
    const std::uint64_t width = HM_TRY(Hyperparameter(kWidth));
    HM_TRY(Hyperparameter("n_mult"));
    const std::uint64_t heads = HM_TRY(Hyperparameter("n_head"));
    layers_ = HM_TRY(Hyperparameter("n_layer"));
    const std::uint64_t rotated = HM_TRY(Hyperparameter("n_rot"));
    HM_TRY(Hyperparameter("ftype"));
    if (width != 0 && heads * rotated == width && layers_ != 0 && layers_ <= kMostLayers) return {};
    return Unsupported(
        fmt::format("these hyperparameters are not LLaMA's: {} layers of {} heads, {} values of "
                    "each rotated, in a model {} wide",
                    layers_, heads, rotated, width),
        offset,
        "Whisper, GPT-2 and other models have files with the same magic; convert them with the "
        "tool that made them");
  }

  Result<void> ReadVocabulary() {
    const bool scored = family_->versions != 0;
    auto tokens = std::make_shared<MetadataArray>(MetadataType::kString);
    auto scores = std::make_shared<MetadataArray>(MetadataType::kF32);
    HM_TRY(cursor_.CheckCount(tokens_, scored ? 8 : 4, "tokens"));
    for (std::uint32_t i = 0; i < tokens_; ++i) {
      const std::uint64_t offset = cursor_.Offset();
      const std::uint32_t length = HM_TRY(cursor_.U32());
      if (length <= cursor_.Remaining() && cursor_.Offset() + length > kVocabularyLimit) {
        return Unsupported(
            fmt::format("token {} of {} bytes reaches beyond byte {}", i, length, kVocabularyLimit),
            offset);
      }
      tokens->AppendText(HM_TRY(cursor_.TakeText(length)));
      if (scored) scores->AppendBytes(HM_TRY(cursor_.Take(sizeof(float))));
    }
    contents_.metadata.push_back({"tokens", std::move(tokens), MetadataType::kArray});
    if (scored) contents_.metadata.push_back({"scores", std::move(scores), MetadataType::kArray});
    return {};
  }

  // They follow one another up to the end of the file, which therefore looks whole wherever it was
  // cut between two: every tensor of the model has to be there.
  Result<void> ReadTensors() {
    std::set<std::string, std::less<>> missing = TensorNames(layers_);
    while (!cursor_.AtEnd()) {
      const std::uint64_t begin = cursor_.Offset();
      TensorInfo tensor = HM_TRY(ReadTensor());
      if (missing.erase(tensor.name) == 0) {
        return cursor_.MalformedAt(
            begin, fmt::format("the tensor {} stands twice or is none of LLaMA's {} layers",
                               QuoteName(tensor.name), layers_));
      }
      contents_.tensors.push_back(std::move(tensor));
    }
    if (missing.empty()) return {};
    Error error =
        cursor_.Malformed(fmt::format("{} of the tensors of {} layers are missing, first {}",
                                      missing.size(), layers_, *missing.begin()));
    error.hint = kTruncatedHint;
    return error;
  }

  Result<TensorInfo> ReadTensor() {
    const std::uint64_t begin = cursor_.Offset();
    const std::uint32_t dimensions = HM_TRY(cursor_.U32());
    const std::uint32_t name_length = HM_TRY(cursor_.U32());
    const std::uint32_t type = HM_TRY(cursor_.U32());
    if (dimensions == 0 || dimensions > kMostDimensions || name_length > kLongestName) {
      return cursor_.MalformedAt(
          begin, fmt::format("a tensor of {} dimensions and a name of {} bytes, limits {} and {}",
                             dimensions, name_length, kMostDimensions, kLongestName));
    }
    Shape shape(dimensions);
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      shape[dimensions - 1 - i] = HM_TRY(Number("a dimension"));
    }
    std::string name(HM_TRY(cursor_.TakeText(name_length)));
    const auto in_tensor = [&](std::string_view message) {
      return cursor_.MalformedAt(begin, fmt::format("tensor {}: {}", QuoteName(name), message));
    };
    const std::optional<Dtype> dtype = DtypeOf(type, family_->aligned ? version_ : 1);
    if (!dtype) {
      Error error = in_tensor(fmt::format("its type {} is not known in this version", type));
      error.code = Errc::kUnsupported;
      return error;
    }
    const Result<std::uint64_t> payload = PayloadBytes(*dtype, shape);
    if (!payload) return in_tensor(payload.error().message);
    if (family_->aligned) HM_TRY(SkipPadding());
    const std::uint64_t offset = cursor_.Offset();
    if (*payload > cursor_.Remaining()) {
      Error error = in_tensor(fmt::format("its {} bytes exceed the {} bytes that follow", *payload,
                                          cursor_.Remaining()));
      error.hint = kTruncatedHint;
      return error;
    }
    HM_TRY(cursor_.Skip(*payload));
    return TensorInfo{.name = std::move(name),
                      .dtype = *dtype,
                      .shape = std::move(shape),
                      .payload_bytes = *payload,
                      .stored = {offset, *payload}};
  }

  // What lies before the data was skipped when it was written, which makes it zero.
  Result<void> SkipPadding() {
    const std::uint64_t offset = cursor_.Offset();
    const ByteSpan padding = HM_TRY(cursor_.Take(-offset & (kAlignment - 1)));
    const auto odd = std::ranges::find_if(padding, [](std::byte b) { return b != std::byte{0}; });
    if (odd == padding.end()) return {};
    return cursor_.MalformedAt(offset + static_cast<std::uint64_t>(odd - padding.begin()),
                               "the padding holds something other than zeros");
  }

  const File& file_;
  FileCursor cursor_;
  const Family* family_ = nullptr;
  std::uint32_t version_ = 0;
  std::uint32_t tokens_ = 0, layers_ = 0;
  ContainerContents contents_;
};

}  // namespace

bool SniffGgmlLegacy(const FileHead& head) { return FamilyOf(AsText(head.bytes)) != nullptr; }

Result<std::unique_ptr<ModelReader>> OpenGgmlLegacy(const File& file) {
  return MakeContentsReader(file, HM_TRY(GgmlLegacyParser(file).Parse()));
}

std::uint64_t GgmlLegacyParts(const ModelReader& reader) {
  if (reader.FormatName() != kFormatName) return 1;
  const auto entry = std::ranges::find(reader.Metadata(), kWidth, &MetadataEntry::key);
  const auto tensor = std::ranges::find(reader.Tensors(), kEmbedding, &TensorInfo::name);
  HM_CHECK(entry != reader.Metadata().end() && tensor != reader.Tensors().end());
  const std::uint64_t width = std::get<std::uint64_t>(entry->value);
  const std::uint64_t columns = tensor->shape.back();
  return columns != 0 && width % columns == 0 ? width / columns : 1;
}

}  // namespace hallmark
