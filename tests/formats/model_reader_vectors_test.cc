// What every reader of a container owes, checked on every fixture of every format against what the
// tools that wrote them say (expected.json). A new format adds its fixtures to ContractFiles.
#include <algorithm>

#include "formats/registry.h"
#include "tests/support/expected.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

struct ContractFile {
  std::string path;
  std::string_view format_name;  // as the reader names it
  std::string listed_as = path;  // where expected.json has its tensors
};

std::vector<ContractFile> ContractFiles() {
  std::vector<ContractFile> files;
  for (const ExpectedFile& file : ExpectedFiles()) {
    for (const std::string_view format : {"safetensors", "gguf", "ggml-legacy", "onnx"}) {
      if (file.format == format) files.push_back({file.path, format});
    }
    if (file.format == "numpy") {
      files.push_back({file.path, file.path.ends_with(".npz") ? "npz" : "npy"});
    }
    if (file.format == "llama2.c") files.push_back({file.path, "llama2c"});
    if (file.format == "torch-dcp" && !file.tensors.empty()) {
      const std::string folder = file.path.substr(0, file.path.rfind('/'));
      files.push_back({folder + "/.metadata", "pytorch-dcp", file.path});
    }
    // expected.json names torch's two containers alike.
    const bool is_torch = file.format == "torch" || file.format == "torch-legacy";
    if (!is_torch || file.tensors.empty()) continue;
    const bool is_zip = ReadFixture(file.path).starts_with("PK");
    files.push_back({file.path, is_zip ? "pytorch-zip" : "pytorch-legacy"});
  }
  return files;
}

class ModelReaderContract : public testing::TestWithParam<ContractFile> {
 protected:
  void SetUp() override {
    auto file = OpenFile(FixturePath(GetParam().path));
    ASSERT_TRUE(Ok(file));
    file_ = *std::move(file);
    auto reader = OpenContainer(*file_);
    ASSERT_TRUE(Ok(reader));
    reader_ = *std::move(reader);
  }

  // All of a tensor, read in pieces of these sizes in turn.
  std::vector<std::byte> Read(std::size_t index, std::initializer_list<std::uint64_t> pieces) {
    std::vector<std::byte> bytes(reader_->Tensors()[index].payload_bytes);
    auto piece = pieces.begin();
    for (std::uint64_t at = 0; at < bytes.size();) {
      const std::uint64_t size = std::min<std::uint64_t>(*piece, bytes.size() - at);
      EXPECT_TRUE(Ok(reader_->ReadTensor(index, at, MutableByteSpan(bytes).subspan(at, size))));
      at += size;
      if (++piece == pieces.end()) piece = pieces.begin();
    }
    return bytes;
  }

  const ExpectedFile& Expected() const { return ExpectedOf(GetParam().listed_as); }

  const File& FileOf(std::size_t number) const {
    return number == 0 ? *file_ : *reader_->Companions()[number - 1].file;
  }

  std::unique_ptr<File> file_;
  std::unique_ptr<ModelReader> reader_;
};

TEST_P(ModelReaderContract, IsToldByContent) {
  const auto format = SniffFormat(*file_);

  ASSERT_TRUE(Ok(format));
  ASSERT_NE(*format, nullptr);
  EXPECT_EQ((*format)->name, GetParam().format_name);
  EXPECT_EQ(reader_->FormatName(), GetParam().format_name);
  EXPECT_FALSE(reader_->FormatDetail().empty());
}

TEST_P(ModelReaderContract, ListsEveryTensorOnceWithItsTypeAndShape) {
  std::map<std::string, ExpectedTensor> left = Expected().tensors;

  for (const TensorInfo& tensor : reader_->Tensors()) {
    const auto found = left.find(tensor.name);
    ASSERT_NE(found, left.end()) << tensor.name;
    EXPECT_EQ(DtypeName(tensor.dtype), found->second.dtype) << tensor.name;
    EXPECT_EQ(tensor.shape, found->second.shape) << tensor.name;
    left.erase(found);
  }
  EXPECT_THAT(left, testing::IsEmpty());
}

TEST_P(ModelReaderContract, StatesTrueSizesAndPlaces) {
  std::pair<std::size_t, std::uint64_t> before;
  for (std::size_t i = 0; i < reader_->Tensors().size(); ++i) {
    const TensorInfo& tensor = reader_->Tensors()[i];
    EXPECT_EQ(tensor.payload_bytes, *PayloadBytes(tensor.dtype, tensor.shape)) << tensor.name;
    for (const StoredPlace& place : reader_->PlacesOf(i)) {
      const std::uint64_t size = FileOf(place.file).Size();
      EXPECT_LE(place.range.offset, size) << tensor.name;
      EXPECT_LE(place.range.size, size - place.range.offset) << tensor.name;
    }
    const std::pair<std::size_t, std::uint64_t> place(tensor.file, tensor.stored.offset);
    EXPECT_GE(place, before) << tensor.name << " is out of file order";
    before = place;
    if (tensor.verbatim) {
      EXPECT_EQ(tensor.stored.size, tensor.payload_bytes) << tensor.name;
    }
  }
}

TEST_P(ModelReaderContract, ReadsTheExpectedBytesWholeAndInOddPieces) {
  for (std::size_t i = 0; i < reader_->Tensors().size(); ++i) {
    const TensorInfo& tensor = reader_->Tensors()[i];
    const std::string& expected = Expected().tensors.at(tensor.name).sha256;
    EXPECT_EQ(Sha256Hex(Read(i, {~std::uint64_t{0}})), expected) << tensor.name;
    EXPECT_EQ(Sha256Hex(Read(i, {1, 7, 4093, 65536})), expected) << tensor.name;
  }
}

TEST_P(ModelReaderContract, VerbatimBytesLieWhereItSays) {
  for (std::size_t i = 0; i < reader_->Tensors().size(); ++i) {
    const TensorInfo& tensor = reader_->Tensors()[i];
    if (!tensor.verbatim) continue;
    std::vector<std::byte> bytes(tensor.stored.size);
    ASSERT_TRUE(Ok(FileOf(tensor.file).Read(tensor.stored.offset, bytes)));
    EXPECT_EQ(Sha256Hex(bytes), Expected().tensors.at(tensor.name).sha256) << tensor.name;
  }
}

TEST_P(ModelReaderContract, FindsNothingOddInHonestFiles) {
  for (const Finding& finding : reader_->Findings()) {
    EXPECT_EQ(finding.severity, Severity::kNote) << finding.code << ": " << finding.message;
  }
}

TEST_P(ModelReaderContract, RefusesEveryTruncationOfIt) {
  const std::string whole = ReadFixture(GetParam().path);
  // Every length of a small file; of a larger one every length near both ends and some between.
  const std::size_t step = whole.size() <= 4096 ? 1 : whole.size() / 512;
  for (std::size_t size = 0; size < whole.size();) {
    const auto cut = TestFile(std::string_view(whole).substr(0, size), "cut.bin");
    const auto reader = OpenContainer(*cut);
    ASSERT_FALSE(reader) << "opened with " << size << " of " << whole.size() << " bytes";
    EXPECT_EQ(reader.error().subject, "cut.bin");
    EXPECT_FALSE(reader.error().message.empty());
    const bool near_an_end = size < 128 || size + 128 > whole.size();
    size += near_an_end ? 1 : std::min(step, whole.size() - 128 - size + 1);
  }
}

std::string TestName(const testing::TestParamInfo<ContractFile>& info) {
  std::string name = info.param.path;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ModelReaderContract, testing::ValuesIn(ContractFiles()),
                         TestName);

}  // namespace
}  // namespace hallmark
