// Files that other tools wrote, read and laid out again, come out the same to the byte.
#include <algorithm>
#include <random>

#include "formats/gguf_writer.h"
#include "formats/npz_writer.h"
#include "formats/registry.h"
#include "formats/safetensors_writer.h"
#include "formats/zip.h"
#include "tests/support/expected.h"
#include "tests/support/laid_out.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::vector<std::string> FixturesOf(std::string_view format) {
  std::vector<std::string> paths;
  for (const ExpectedFile& file : ExpectedFiles()) {
    if (file.format == format) paths.push_back(file.path);
  }
  return paths;
}

// In an order of no meaning.
ReadTensors Shuffled(ReadTensors all) {
  std::vector<std::size_t> order(all.tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::shuffle(order, std::mt19937(7));
  ReadTensors shuffled;
  for (const std::size_t i : order) {
    shuffled.tensors.push_back(all.tensors[i]);
    shuffled.payloads.push_back(all.payloads[i]);
  }
  return shuffled;
}

TEST(WritersVectors, LaySafetensorsOutAsTheReferenceDoes) {
  const std::vector<std::string> paths = FixturesOf("safetensors");
  EXPECT_GE(paths.size(), 6u);
  for (const std::string& path : paths) {
    const std::string original = ReadFixture(path);
    const auto file = TestFile(original);
    const auto reader = OpenContainer(*file);
    ASSERT_TRUE(Ok(reader)) << path;
    std::map<std::string, std::string> metadata;
    for (const MetadataEntry& entry : (*reader)->Metadata()) {
      metadata[entry.key] = std::get<std::string>(entry.value);
    }
    const ReadTensors all = Shuffled(ReadAll(**reader));

    const auto layout = LayOutSafetensors(all.tensors, metadata);

    ASSERT_TRUE(Ok(layout)) << path;
    EXPECT_TRUE(FillLayout(*layout, all.payloads) == original) << path;
  }
}

TEST(WritersVectors, LayGgufOutAsLlamaCppDoes) {
  std::size_t compared = 0;
  for (const std::string& path : FixturesOf("gguf")) {
    const std::string original = ReadFixture(path);
    if (!original.starts_with("GGUF" + Le32(3))) continue;  // version 1, 2, or big-endian
    const auto file = TestFile(original);
    const auto reader = OpenContainer(*file);
    ASSERT_TRUE(Ok(reader)) << path;
    const ReadTensors all = ReadAll(**reader);

    const auto layout = LayOutGguf(all.tensors, (*reader)->Metadata());

    ASSERT_TRUE(Ok(layout)) << path;
    EXPECT_TRUE(FillLayout(*layout, all.payloads) == original) << path;
    ++compared;
  }
  EXPECT_GE(compared, 20u);
}

// numpy writes its archives as a stream, so only what the entries hold is the same.
TEST(WritersVectors, LayArraysOutAsNumpyDoes) {
  const std::string original = ReadFixture("npz/model-f32.npz");
  const auto file = TestFile(original);
  const auto reader = OpenContainer(*file);
  ASSERT_TRUE(Ok(reader));
  const ReadTensors all = ReadAll(**reader);
  const auto theirs = ZipArchive::Open(*file);
  ASSERT_TRUE(Ok(theirs));

  const auto layout = LayOutNpz(all.tensors);

  ASSERT_TRUE(Ok(layout));
  const auto written = TestFile(FillLayout(*layout, all.payloads));
  const auto ours = ZipArchive::Open(*written);
  ASSERT_TRUE(Ok(ours));
  ASSERT_EQ(ours->Entries().size(), theirs->Entries().size());
  for (std::size_t i = 0; i < ours->Entries().size(); ++i) {
    EXPECT_EQ(ours->Entries()[i].name, theirs->Entries()[i].name);
    EXPECT_EQ(ours->Entries()[i].crc32, theirs->Entries()[i].crc32);
    const auto our_bytes = ours->ReadWhole(ours->Entries()[i], 1 << 30);
    ASSERT_TRUE(Ok(our_bytes));
    EXPECT_EQ(*our_bytes, *theirs->ReadWhole(theirs->Entries()[i], 1 << 30));
  }
}

}  // namespace
}  // namespace hallmark
