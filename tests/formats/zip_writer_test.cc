#include "formats/zip_writer.h"

#include "formats/npz_writer.h"
#include "formats/pytorch_writer.h"
#include "formats/zip.h"
#include "tests/support/laid_out.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

TEST(ZipWriter, ChecksumsCoverWhatPrecedesThePayload) {
  const std::vector<ZipEntryToWrite> entries = {{"a", "head"}, {"b/c", "head", 0}, {"d", "", 1}};
  const std::vector<std::uint64_t> sizes = {7, 0};

  const auto layout = LayOutZip(entries, sizes);

  ASSERT_TRUE(Ok(layout));
  const auto file = TestFile(FillLayout(*layout, std::vector<std::string>{"payload", ""}));
  const auto archive = ZipArchive::Open(*file);
  ASSERT_TRUE(Ok(archive));
  ASSERT_EQ(archive->Entries().size(), 3u);
  const std::string_view contents[] = {"head", "headpayload", ""};
  for (std::size_t i = 0; i < 3; ++i) {
    const ZipEntry& entry = archive->Entries()[i];
    EXPECT_EQ(entry.name, entries[i].name);
    EXPECT_EQ(entry.payload.offset % 64, 0u);
    const auto bytes = archive->ReadWhole(entry, 100);  // checks the CRC
    ASSERT_TRUE(Ok(bytes)) << entry.name;
    EXPECT_EQ(AsText(*bytes), contents[i]);
  }
}

TEST(ZipWriter, AnArchiveOfNothingIsItsEndRecord) {
  const auto layout = LayOutZip({}, {});
  ASSERT_TRUE(Ok(layout));
  EXPECT_EQ(FillLayout(*layout, {}), "PK\x05\x06" + std::string(18, '\0'));
}

TEST(ZipWriter, RefusesNamesThatLeadElsewhere) {
  for (const std::string& name :
       {std::string(""), std::string("/a"), std::string("../a"), std::string("a/../b"),
        std::string("a//b"), std::string("./a"), std::string("a/"), std::string("a\\b"),
        std::string("C:a"), std::string("a\0b", 3), std::string("\xff"),
        std::string(65'536, 'n')}) {
    const auto layout = LayOutZip(std::vector<ZipEntryToWrite>{{name, ""}}, {});
    ASSERT_FALSE(layout) << name;
    EXPECT_EQ(layout.error().code, Errc::kMalformed) << name;
    EXPECT_THAT(layout.error().message, HasSubstr("an archive cannot hold ")) << name;
  }
  EXPECT_EQ(LayOutZip(std::vector<ZipEntryToWrite>{{"a", ""}, {"a", ""}}, {}).error().message,
            "the entry name a stands twice");
}

TEST(PytorchWriter, TakesOneFolderAndNamesThatAreText) {
  for (const std::string_view folder : {"", "a/b", "..", "/", "a/"}) {
    EXPECT_EQ(LayOutPytorch({}, folder).error().code, Errc::kMalformed) << folder;
  }
  EXPECT_TRUE(Ok(LayOutPytorch({}, "consolidated.00")));
  const std::vector<TensorToWrite> no_text = {{"\xff", Dtype::kU8, {}}};
  EXPECT_EQ(LayOutPytorch(no_text, "m").error().message,
            "tensor \\xff: its name is not valid UTF-8");
}

TEST(PytorchWriter, RefusesShapesThatTorchCannotHold) {
  const std::vector<TensorToWrite> odd_rows = {{"w", Dtype::kF4E2m1, {2, 3}}};
  EXPECT_EQ(LayOutPytorch(odd_rows, "m").error().code, Errc::kUnsupported);
  const std::uint64_t large = std::uint64_t{1} << 40;
  const std::vector<TensorToWrite> far_strides = {{"w", Dtype::kU8, {0, large, large}}};
  EXPECT_EQ(LayOutPytorch(far_strides, "m").error().message,
            "tensor w: its strides reach 2^63, torch's limit");
}

TEST(NpzWriter, RefusesWhatNumpyWouldMistake) {
  const std::vector<TensorToWrite> mistaken = {{"a.npy", Dtype::kU8, {}}, {"a", Dtype::kU8, {}}};
  EXPECT_EQ(LayOutNpz(mistaken).error().message,
            "tensor a.npy: numpy would give a under this name");
  const std::vector<TensorToWrite> above = {{"../a", Dtype::kU8, {}}};
  EXPECT_EQ(LayOutNpz(above).error().code, Errc::kMalformed);
  const std::vector<TensorToWrite> deep = {{"w", Dtype::kU8, Shape(65, 1)}};
  EXPECT_EQ(LayOutNpz(deep).error().message, "tensor w: 65 dimensions, numpy's limit is 64");
  EXPECT_TRUE(Ok(LayOutNpz(std::vector<TensorToWrite>{{"w", Dtype::kU8, Shape(64, 1)}})));
}

}  // namespace
}  // namespace hallmark
