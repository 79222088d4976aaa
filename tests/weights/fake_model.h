// Models that exist only in memory, with tensors of any name, type and value.
#pragma once

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/test_support.h"
#include "weights/model.h"

namespace hallmark {

struct FakeTensor {
  std::string name;
  Dtype dtype;
  Shape shape;
  std::string bytes;
  bool broken = false;  // reading it fails
};

// A reader of tensors in memory.
class FakeReader final : public ModelReader {
 public:
  explicit FakeReader(std::vector<FakeTensor> tensors, std::string root_key = "")
      : tensors_(std::move(tensors)), root_key_(std::move(root_key)) {
    std::uint64_t offset = 0;
    for (const FakeTensor& tensor : tensors_) {
      infos_.push_back({tensor.name,
                        tensor.dtype,
                        tensor.shape,
                        tensor.bytes.size(),
                        {offset, tensor.bytes.size()},
                        true});
      offset += tensor.bytes.size();
    }
  }
  std::string_view FormatName() const override { return "fake"; }
  std::string FormatDetail() const override { return "fake"; }
  std::span<const TensorInfo> Tensors() const override { return infos_; }
  std::span<const MetadataEntry> Metadata() const override { return {}; }
  std::span<const Finding> Findings() const override { return {}; }
  std::string_view RootKey() const override { return root_key_; }
  Result<void> ReadTensor(std::size_t index, std::uint64_t offset,
                          MutableByteSpan out) const override {
    if (tensors_[index].broken) return Error{Errc::kIo, tensors_[index].name, "broken"};
    const ByteSpan bytes = AsBytes(tensors_[index].bytes);
    if (offset > bytes.size() || out.size() > bytes.size() - offset) {
      return Error{Errc::kIo, tensors_[index].name, "beyond the end"};
    }
    std::ranges::copy(bytes.subspan(offset, out.size()), out.begin());
    return {};
  }

 private:
  std::vector<FakeTensor> tensors_;
  std::vector<TensorInfo> infos_;
  std::string root_key_;
};

// One file for each list of tensors; several are ranks of a model-parallel set.
inline Result<Model> FakeModel(std::vector<std::vector<FakeTensor>> ranks, ModelConfig config = {},
                               std::string root_key = "") {
  ModelSet set;
  set.layout = ranks.size() > 1 ? ModelSet::Layout::kModelParallel : ModelSet::Layout::kSingle;
  set.name = "fake";
  std::vector<WeightFile> files;
  for (auto& tensors : ranks) {
    files.push_back({"rank" + std::to_string(files.size()), nullptr,
                     std::make_unique<FakeReader>(std::move(tensors), root_key)});
  }
  return Model::FromFiles(std::move(set), std::move(files), std::move(config));
}

inline std::string F32(std::initializer_list<float> values) {
  std::string bytes;
  for (const float value : values) bytes += Le32(std::bit_cast<std::uint32_t>(value));
  return bytes;
}
inline std::string Bits16(std::initializer_list<std::uint16_t> values) {
  std::string bytes;
  for (const std::uint16_t value : values) bytes += Le16(value);
  return bytes;
}

// An f32 tensor whose values differ from each other and from those of every other name.
inline FakeTensor Numbers(std::string name, Shape shape) {
  std::uint64_t count = 1;
  for (const std::uint64_t dimension : shape) count *= dimension;
  std::uint32_t state = 1;
  for (const char c : name) state = state * 31 + static_cast<unsigned char>(c);
  std::string bytes;
  for (std::uint64_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    bytes += Le32(std::bit_cast<std::uint32_t>(static_cast<float>(state >> 8) / 65536 - 100));
  }
  return {std::move(name), Dtype::kF32, std::move(shape), std::move(bytes)};
}

// Rows [first, first + count) / columns of a two-dimensional f32 tensor.
inline FakeTensor RowsOf(const FakeTensor& t, std::uint64_t first, std::uint64_t count) {
  const std::uint64_t row = t.bytes.size() / t.shape[0];
  Shape shape = t.shape;
  shape[0] = count;
  return {t.name, t.dtype, shape, t.bytes.substr(first * row, count * row)};
}
inline FakeTensor ColumnsOf(const FakeTensor& t, std::uint64_t first, std::uint64_t count) {
  std::string bytes;
  for (std::uint64_t r = 0; r < t.shape[0]; ++r) {
    bytes += t.bytes.substr((r * t.shape[1] + first) * 4, count * 4);
  }
  return {t.name, t.dtype, {t.shape[0], count}, bytes};
}

}  // namespace hallmark
