#include "transform/importance_matrix.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "formats/file_head.h"
#include "formats/gguf.h"
#include "formats/tensor_layout.h"
#include "src/base/text.h"
#include "src/io/file_cursor.h"

namespace hallmark {
namespace {

constexpr std::string_view kSumsSuffix = ".in_sum2";
constexpr std::string_view kCountsSuffix = ".counts";
constexpr const char* kHint = "llama-imatrix writes the file that is needed";

Error NotAMatrix(const File& file, std::string message) {
  return Error{Errc::kMalformed, file.Name(), std::move(message), std::nullopt, kHint};
}

Result<void> CheckFinite(std::span<const float> weights, std::string_view name, const File& file) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!std::isfinite(weights[i])) {
      return NotAMatrix(
          file, fmt::format("the weights of {}: number {} is not finite", QuoteName(name), i));
    }
  }
  return {};
}

// llama-imatrix's GGUF: for each tensor the sums of squared activations, a row an expert, and how
// many tokens each expert saw.
class GgufMatrix {
 public:
  GgufMatrix(const File& file, const ModelReader& reader) : file_(file), reader_(reader) {}

  Result<ImportanceMatrix> Read() const {
    ImportanceMatrix matrix;
    HM_TRY(ReadMetadata(matrix));
    for (const auto& [name, entry] : HM_TRY(Entries())) {
      std::vector<float> weights = HM_TRY(MeanSquares(name, entry));
      HM_TRY(CheckFinite(weights, name, file_));
      matrix.weights.emplace(name, std::move(weights));
    }
    return matrix;
  }

 private:
  // Indices into Tensors().
  struct Entry {
    std::optional<std::size_t> sums, counts;
  };

  Result<void> ReadMetadata(ImportanceMatrix& matrix) const {
    const MetadataValue datasets =
        HM_TRY(Required("imatrix.datasets", MetadataType::kArray, "an array of strings"));
    const auto& list = std::get<std::shared_ptr<const MetadataArray>>(datasets);
    if (list->ElementType() != MetadataType::kString) {
      return NotAMatrix(file_, "imatrix.datasets is not an array of strings");
    }
    for (std::uint64_t i = 0; i < list->Size(); ++i) matrix.datasets.emplace_back(list->TextAt(i));
    const MetadataValue chunks = HM_TRY(Required("imatrix.chunk_count", MetadataType::kU32, "u32"));
    matrix.chunks = static_cast<std::uint32_t>(std::get<std::uint64_t>(chunks));
    HM_TRY(Required("imatrix.chunk_size", MetadataType::kU32, "u32"));
    return {};
  }

  Result<MetadataValue> Required(std::string_view key, MetadataType type,
                                 std::string_view type_name) const {
    for (const MetadataEntry& entry : reader_.Metadata()) {
      if (entry.key != key) continue;
      if (entry.type == type) return entry.value;
      return NotAMatrix(file_, fmt::format("{} is not {}", key, type_name));
    }
    return NotAMatrix(file_, fmt::format("{} is missing: this is no importance matrix", key));
  }

  Result<std::map<std::string, Entry>> Entries() const {
    std::map<std::string, Entry> entries;
    const std::span<const TensorInfo> tensors = reader_.Tensors();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      std::string name = tensors[i].name;
      const bool is_sums = name.ends_with(kSumsSuffix);
      if (!is_sums && !name.ends_with(kCountsSuffix)) continue;
      if (tensors[i].dtype != Dtype::kF32) {
        return NotAMatrix(file_, fmt::format("{} is {}, f32 is needed", QuoteName(name),
                                             DtypeName(tensors[i].dtype)));
      }
      name.resize(name.size() - (is_sums ? kSumsSuffix : kCountsSuffix).size());
      Entry& entry = entries[std::move(name)];
      (is_sums ? entry.sums : entry.counts) = i;
    }
    for (const auto& [name, entry] : entries) {
      if (!entry.sums || !entry.counts) {
        return NotAMatrix(
            file_, fmt::format("{} has {}, but no {}", QuoteName(name),
                               entry.sums ? "sums" : "counts", entry.sums ? "counts" : "sums"));
      }
    }
    return entries;
  }

  Result<std::vector<float>> MeanSquares(std::string_view name, const Entry& entry) const {
    const std::vector<float> counts = HM_TRY(Numbers(*entry.counts));
    std::vector<float> weights = HM_TRY(Numbers(*entry.sums));
    if (weights.empty() || counts.empty() || weights.size() % counts.size() != 0) {
      return NotAMatrix(file_, fmt::format("{} has {} sums for {} counts", QuoteName(name),
                                           weights.size(), counts.size()));
    }
    const std::size_t columns = weights.size() / counts.size();
    for (std::size_t expert = 0; expert < counts.size(); ++expert) {
      const float count = std::round(counts[expert]);
      const bool was_called = count > 0 && std::isfinite(count);
      for (float& weight : std::span(weights).subspan(expert * columns, columns)) {
        weight = was_called ? weight / count : 1.0F;
      }
    }
    return weights;
  }

  Result<std::vector<float>> Numbers(std::size_t tensor) const {
    std::vector<float> numbers(reader_.Tensors()[tensor].payload_bytes / sizeof(float));
    HM_TRY(reader_.ReadTensor(tensor, 0, std::as_writable_bytes(std::span(numbers))));
    return numbers;
  }

  const File& file_;
  const ModelReader& reader_;
};

// The format before GGUF, all little-endian and nothing padded: i32 entries, then of each i32
// length, name, i32 calls, i32 values, f32[values] (a mean times the calls); then, if anything, i32
// chunks, i32 length, dataset.
class LegacyMatrix {
 public:
  explicit LegacyMatrix(const File& file) : file_(file), cursor_(file) {}

  Result<ImportanceMatrix> Read() {
    ImportanceMatrix matrix;
    const std::uint32_t count = HM_TRY(Positive("entries"));
    HM_TRY(cursor_.CheckCount(count, kSmallestEntry, "entries"));
    for (std::uint32_t i = 0; i < count; ++i) HM_TRY(ReadEntry(matrix));
    if (cursor_.AtEnd()) return matrix;
    const auto chunks = static_cast<std::int32_t>(HM_TRY(cursor_.U32()));
    if (chunks > 0) matrix.chunks = static_cast<std::uint32_t>(chunks);
    const std::uint32_t length = HM_TRY(cursor_.U32());
    if (length != 0) matrix.datasets.emplace_back(HM_TRY(cursor_.TakeText(length)));
    if (!cursor_.AtEnd()) {
      return cursor_.Malformed(
          fmt::format("{} bytes after the dataset belong to nothing", cursor_.Remaining()));
    }
    return matrix;
  }

 private:
  static constexpr std::uint64_t kSmallestEntry = 4 + 1 + 4 + 4 + sizeof(float);

  // A number that is written as an i32.
  Result<std::uint32_t> Positive(std::string_view what) {
    const std::uint64_t offset = cursor_.Offset();
    const auto number = static_cast<std::int32_t>(HM_TRY(cursor_.U32()));
    if (number > 0) return static_cast<std::uint32_t>(number);
    Error error = cursor_.MalformedAt(offset, fmt::format("the number of {} is {}", what, number));
    error.hint = kHint;
    return error;
  }

  Result<void> ReadEntry(ImportanceMatrix& matrix) {
    const std::uint64_t begin = cursor_.Offset();
    std::string name(HM_TRY(cursor_.TakeText(HM_TRY(Positive("bytes in a name")))));
    const auto calls = static_cast<std::int32_t>(HM_TRY(cursor_.U32()));
    std::vector<float> weights = HM_TRY(Numbers(HM_TRY(Positive("values"))));
    if (calls > 0) {
      for (float& weight : weights) weight /= static_cast<float>(calls);
    }
    HM_TRY(CheckFinite(weights, name, file_));
    const auto [place, is_new] = matrix.weights.try_emplace(std::move(name), std::move(weights));
    if (!is_new) {
      return cursor_.MalformedAt(begin, fmt::format("a second entry {}", QuoteName(place->first)));
    }
    return {};
  }

  Result<std::vector<float>> Numbers(std::uint64_t count) {
    const ByteSpan bytes = HM_TRY(cursor_.Take(count * sizeof(float)));
    std::vector<float> numbers(count);
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  }

  const File& file_;
  FileCursor cursor_;
};

Result<ImportanceMatrix> ReadEitherFormat(const File& file) {
  const std::vector<std::byte> head = HM_TRY(ReadHead(file));
  // As a number of entries, GGUF's magic would need a file of 20 GB.
  if (!SniffGguf({head, file.Size()})) return LegacyMatrix(file).Read();
  const std::unique_ptr<ModelReader> reader = HM_TRY(OpenGguf(file));
  return GgufMatrix(file, *reader).Read();
}

}  // namespace

Result<ImportanceMatrix> ReadImportanceMatrix(const File& file) {
  ImportanceMatrix matrix = HM_TRY(ReadEitherFormat(file));
  if (matrix.weights.empty()) return NotAMatrix(file, "it has no entries");
  matrix.path = file.Name();
  return matrix;
}

}  // namespace hallmark
