// What every writer of a container owes, whatever the tensors: the registry's reader has them
// again.
#include <algorithm>
#include <random>

#include "formats/gguf_writer.h"
#include "formats/npz_writer.h"
#include "formats/pytorch_writer.h"
#include "formats/registry.h"
#include "formats/safetensors_writer.h"
#include "tests/support/laid_out.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;
using Tensors = std::span<const TensorToWrite>;

struct Writer {
  std::string_view format_name;
  Result<FileLayout> (*lay_out)(Tensors);
  std::vector<Dtype> without;  // types it has not, beside ggml's blocks
  bool takes_blocks = false;
};

const std::vector<Writer>& Writers() {
  using enum Dtype;
  static const std::vector<Writer> writers = {
      {"safetensors",
       [](Tensors tensors) { return LayOutSafetensors(tensors, {}); },
       {kC32, kC128}},
      {"pytorch-zip",
       [](Tensors tensors) { return LayOutPytorch(tensors, "model"); },
       {kF6E2m3, kF6E3m2}},
      {"npz",
       LayOutNpz,
       {kC32, kF8E4m3, kF8E5m2, kF8E4m3fnuz, kF8E5m2fnuz, kF8E8m0, kF6E2m3, kF6E3m2, kF4E2m1}},
      {"gguf",
       [](Tensors tensors) { return LayOutGguf(tensors, {}); },
       {kBool, kU8, kU16, kU32, kU64, kC32, kC64, kC128, kF8E4m3, kF8E5m2, kF8E4m3fnuz, kF8E5m2fnuz,
        kF8E8m0, kF6E2m3, kF6E3m2, kF4E2m1},
       true},
  };
  return writers;
}

bool IsOfOldGgml(Dtype dtype) { return dtype >= Dtype::kQ4_0Ggjt1; }

bool Takes(const Writer& writer, Dtype dtype) {
  if (InfoOf(dtype).is_block_quantised) return writer.takes_blocks && !IsOfOldGgml(dtype);
  return std::ranges::find(writer.without, dtype) == writer.without.end();
}

// A shape of whole rows of `dtype`.
Shape RandomShape(Dtype dtype, std::mt19937& random) {
  const std::uint64_t block = InfoOf(dtype).block_values;
  switch (random() % 6) {
    case 0:
      return block == 1 ? Shape{} : Shape{block};
    case 1:
      return {0};
    case 2:
      return {3, 0, block};
    case 3:
      return {1, block};
    case 4:
      return {2, 1, 3 * block};
    default:
      return {random() % 9 + 1, (random() % 5 + 1) * block};
  }
}

constexpr std::string_view kNames[] = {
    "",    "a b", "\"quoted\"", "line\nbreak", "tab\t\x01", "é",   "日本語",    "\U0001F999",
    "a/b", "W",   "w",          "a.npy",       "data.pkl",  "{}",  "%s",        "dtype",
    "0",   "-1",  "\x7f",       "storage",     "version",   "a'b", "__proto__", "shape"};

// Tensors of every type that the writer takes, some more than once; their payloads are random too.
ReadTensors RandomTensors(const Writer& writer, std::mt19937& random) {
  ReadTensors all;
  const std::size_t first_name = random();
  for (const DtypeInfo& info : kDtypes) {
    if (!Takes(writer, info.dtype)) continue;
    const std::size_t count = all.tensors.size();
    std::string name = count < std::size(kNames)
                           ? std::string(kNames[(first_name + count) % std::size(kNames)])
                           : "layers." + std::to_string(count) + ".weight";
    all.tensors.push_back({std::move(name), info.dtype, RandomShape(info.dtype, random)});
    std::string payload(*PayloadBytes(info.dtype, all.tensors.back().shape), '\0');
    std::ranges::generate(payload, [&] { return static_cast<char>(random()); });
    all.payloads.push_back(std::move(payload));
  }
  return all;
}

// As a reader of the format gives it: ggml has no ones at the front, and no scalars.
Shape ExpectedShape(const Writer& writer, Shape shape) {
  if (writer.format_name != "gguf") return shape;
  while (shape.size() > 1 && shape.front() == 1) shape.erase(shape.begin());
  return shape.empty() ? Shape{1} : shape;
}

class WriterContract : public testing::TestWithParam<Writer> {
 protected:
  Result<FileLayout> LayOut(Tensors tensors) const { return GetParam().lay_out(tensors); }
  Error ErrorOf(Tensors tensors) const {
    const auto layout = LayOut(tensors);
    if (layout) {
      ADD_FAILURE() << "laid out";
      return {};
    }
    EXPECT_EQ(layout.error().subject, "");
    EXPECT_NE(layout.error().message, "");
    return layout.error();
  }
};

TEST_P(WriterContract, WhatItWritesIsReadAgain) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    const ReadTensors all = RandomTensors(GetParam(), random);

    const auto layout = LayOut(all.tensors);

    ASSERT_TRUE(Ok(layout));
    const auto file = TestFile(FillLayout(*layout, all.payloads));
    const auto reader = OpenContainer(*file);
    ASSERT_TRUE(Ok(reader));
    EXPECT_EQ((*reader)->FormatName(), GetParam().format_name);
    const ReadTensors read = ReadAll(**reader);
    ASSERT_EQ(read.tensors.size(), all.tensors.size());
    for (std::size_t i = 0; i < all.tensors.size(); ++i) {
      const TensorToWrite& tensor = all.tensors[i];
      const auto found = std::ranges::find(read.tensors, tensor.name, &TensorToWrite::name);
      ASSERT_NE(found, read.tensors.end()) << tensor.name;
      EXPECT_EQ(DtypeName(found->dtype), DtypeName(tensor.dtype)) << tensor.name;
      EXPECT_EQ(found->shape, ExpectedShape(GetParam(), tensor.shape)) << tensor.name;
      EXPECT_TRUE(read.payloads[static_cast<std::size_t>(found - read.tensors.begin())] ==
                  all.payloads[i])
          << tensor.name;
    }
    for (const Finding& finding : (*reader)->Findings()) {
      EXPECT_EQ(finding.severity, Severity::kNote) << finding.code << ": " << finding.message;
    }
  }
}

TEST_P(WriterContract, TensorsAreWhereTheirReadersCanMapThem) {
  std::mt19937 random(2);
  const ReadTensors all = RandomTensors(GetParam(), random);
  const auto layout = LayOut(all.tensors);
  ASSERT_TRUE(Ok(layout));
  for (const FileLayout::Payload& payload : layout->payloads) {
    const std::uint32_t unit = InfoOf(all.tensors[payload.tensor].dtype).component_bytes;
    EXPECT_EQ(payload.offset % std::max(unit, 1u), 0u) << all.tensors[payload.tensor].name;
  }
}

TEST_P(WriterContract, TheSameInputGivesTheSameFile) {
  std::mt19937 random(3);
  const ReadTensors all = RandomTensors(GetParam(), random);
  const auto first = LayOut(all.tensors);
  const auto second = LayOut(all.tensors);
  ASSERT_TRUE(Ok(first));
  ASSERT_TRUE(Ok(second));
  EXPECT_EQ(FillLayout(*first, all.payloads), FillLayout(*second, all.payloads));
}

TEST_P(WriterContract, NamesTheTensorWhoseTypeItHasNot) {
  for (const DtypeInfo& info : kDtypes) {
    const std::vector<TensorToWrite> tensors = {{"fine", Dtype::kF32, {1}},
                                                {"odd one", info.dtype, {info.block_values}}};
    if (Takes(GetParam(), info.dtype)) {
      EXPECT_TRUE(Ok(LayOut(tensors))) << info.name;
      continue;
    }
    const Error error = ErrorOf(tensors);
    EXPECT_EQ(error.code, Errc::kUnsupported) << info.name;
    EXPECT_THAT(error.message, HasSubstr("tensor odd one: ")) << info.name;
    EXPECT_THAT(error.message, HasSubstr(info.name)) << info.name;
    const bool has_f32_values = info.is_block_quantised || info.name.starts_with("f");
    EXPECT_EQ(error.hint.empty(), !has_f32_values) << info.name;
  }
}

TEST_P(WriterContract, RefusesTensorsOfOneName) {
  const std::vector<TensorToWrite> tensors = {
      {"w", Dtype::kF32, {1}}, {"v", Dtype::kF32, {1}}, {"w", Dtype::kF32, {2}}};
  const Error error = ErrorOf(tensors);
  EXPECT_EQ(error.code, Errc::kMalformed);
  EXPECT_EQ(error.message, "the tensor name w stands twice");
}

TEST_P(WriterContract, RefusesSizesBeyondAnyFile) {
  const std::uint64_t large = std::uint64_t{1} << 30;
  const std::vector<TensorToWrite> too_large = {{"w", Dtype::kF32, {large, large, large}}};
  EXPECT_EQ(ErrorOf(too_large).code, Errc::kMalformed);
  EXPECT_THAT(ErrorOf(too_large).message, HasSubstr("tensor w: "));
  const std::vector<TensorToWrite> too_large_together = {{"v", Dtype::kF32, {large, large}},
                                                         {"w", Dtype::kF32, {large, large}}};
  EXPECT_EQ(ErrorOf(too_large_together).message,
            "tensor w: with it there are more than 2^62 bytes");
}

// Numbers of 32 bits do not reach this far.
TEST_P(WriterContract, TensorsBeyondFourGibibytesAreFoundAgain) {
  const std::uint64_t large = (std::uint64_t{1} << 32) + 4;
  // Files whose sizes and offsets are just below 2^32, just at it, and far beyond.
  for (const std::uint64_t size : {large / 2, (std::uint64_t{1} << 32) - 4, large, 3 * large}) {
    const std::vector<TensorToWrite> tensors = {{"a", Dtype::kI8, {8}},
                                                {"b", Dtype::kI8, {size}},
                                                {"c", Dtype::kI8, {size}},
                                                {"d", Dtype::kF32, {5}}};
    const auto layout = LayOut(tensors);
    ASSERT_TRUE(Ok(layout));
    EXPECT_GT(layout->size, 2 * size);
    if (GetParam().format_name == "npz" || GetParam().format_name == "pytorch-zip") {
      EXPECT_EQ(layout->checksums.size(), 2 * tensors.size());
    } else {
      EXPECT_TRUE(layout->checksums.empty());
    }
    const auto file = FileOfZeros(*layout);
    const auto reader = OpenContainer(*file);
    ASSERT_TRUE(Ok(reader));
    ASSERT_EQ((*reader)->Tensors().size(), tensors.size());
    for (const FileLayout::Payload& payload : layout->payloads) {
      const auto found =
          std::ranges::find((*reader)->Tensors(), tensors[payload.tensor].name, &TensorInfo::name);
      ASSERT_NE(found, (*reader)->Tensors().end());
      EXPECT_EQ(found->shape, tensors[payload.tensor].shape);
      EXPECT_EQ(found->stored.offset, payload.offset);
    }
  }
}

TEST_P(WriterContract, WritesMoreTensorsThanSixteenBitsCount) {
  ReadTensors all;
  for (std::size_t i = 0; i < 65'600; ++i) {
    all.tensors.push_back({std::to_string(i), Dtype::kI8, {1}});
    all.payloads.emplace_back(1, static_cast<char>(i));
  }
  const auto layout = LayOut(all.tensors);
  ASSERT_TRUE(Ok(layout));
  const auto file = TestFile(FillLayout(*layout, all.payloads));
  const auto reader = OpenContainer(*file);
  ASSERT_TRUE(Ok(reader));
  EXPECT_EQ((*reader)->Tensors().size(), all.tensors.size());
}

std::string TestName(const testing::TestParamInfo<Writer>& writer) {
  std::string name(writer.param.format_name);
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, WriterContract, testing::ValuesIn(Writers()), TestName);

}  // namespace
}  // namespace hallmark
