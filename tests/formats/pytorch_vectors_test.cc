// Every tensor of every PyTorch fixture against what torch itself read there (expected.json).
#include <map>
#include <string>

#include "formats/pytorch_legacy.h"
#include "formats/pytorch_zip.h"
#include "tests/support/expected.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

Result<std::unique_ptr<ModelReader>> OpenAny(const File& file) {
  std::vector<std::byte> bytes(std::min<std::uint64_t>(file.Size(), 4096));
  HM_TRY(file.Read(0, bytes));
  const FileHead head{bytes, file.Size()};
  if (SniffPytorchZip(head)) return OpenPytorchZip(file);
  if (SniffPytorchLegacy(head)) return OpenPytorchLegacy(file);
  return Error{Errc::kUnsupported, file.Name(), "neither container"};
}

std::vector<std::string> TorchFixtures() {
  std::vector<std::string> names;
  for (const ExpectedFile& file : ExpectedFiles()) {
    const bool opens = !file.tensors.empty() && file.format != "torch-dcp";
    if (file.format.starts_with("torch") && opens) names.push_back(file.path);
  }
  return names;
}

class PytorchFixture : public testing::TestWithParam<std::string> {};

TEST_P(PytorchFixture, GivesEveryTensorAsTorchReadsIt) {
  const auto file = OpenFile(FixturePath(GetParam()));
  ASSERT_TRUE(Ok(file));
  const auto reader = OpenAny(**file);
  ASSERT_TRUE(Ok(reader));
  for (const Finding& finding : (*reader)->Findings()) {
    EXPECT_EQ(finding.severity, Severity::kNote) << finding.code << ": " << finding.message;
  }
  const auto& expected = ExpectedOf(GetParam()).tensors;
  EXPECT_EQ((*reader)->Tensors().size(), expected.size());

  for (std::size_t i = 0; i < (*reader)->Tensors().size(); ++i) {
    const TensorInfo& info = (*reader)->Tensors()[i];
    SCOPED_TRACE(info.name);
    ASSERT_TRUE(expected.contains(info.name));
    const ExpectedTensor& tensor = expected.at(info.name);
    EXPECT_EQ(DtypeName(info.dtype), tensor.dtype);
    EXPECT_EQ(info.shape, tensor.shape);

    std::vector<std::byte> whole(info.payload_bytes);
    ASSERT_TRUE(Ok((*reader)->ReadTensor(i, 0, whole)));
    EXPECT_EQ(Sha256Hex(whole), tensor.sha256);
    if (info.verbatim) {
      std::vector<std::byte> stored(info.stored.size);
      ASSERT_TRUE(Ok((*file)->Read(info.stored.offset, stored)));
      EXPECT_EQ(stored, whole);
    }
    // In odd steps, so that items are cut at both ends.
    std::vector<std::byte> pieces;
    for (std::uint64_t at = 0; at < whole.size(); at += 7) {
      std::vector<std::byte> piece(std::min<std::uint64_t>(7, whole.size() - at));
      ASSERT_TRUE(Ok((*reader)->ReadTensor(i, at, piece)));
      pieces.insert(pieces.end(), piece.begin(), piece.end());
      if (at > 4000) break;
    }
    EXPECT_TRUE(std::equal(pieces.begin(), pieces.end(), whole.begin()));
  }
}

INSTANTIATE_TEST_SUITE_P(All, PytorchFixture, testing::ValuesIn(TorchFixtures()),
                         [](const auto& param_info) {
                           std::string name = param_info.param;
                           for (char& c : name) {
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           }
                           return name;
                         });

TEST(PytorchFixtures, RefusesAndNamesAnEvaluatingPickle) {
  const auto file = OpenFile(FixturePath("edge/reject-eval.pt"));
  ASSERT_TRUE(Ok(file));
  const auto reader = OpenAny(**file);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::kDangerous);
  EXPECT_THAT(reader.error().message, testing::HasSubstr("builtins.eval"));
  ASSERT_TRUE(reader.error().offset);
  // The REDUCE that would call it.
  EXPECT_EQ(ReadFixture("edge/reject-eval.pt")[*reader.error().offset], 'R');
}

TEST(PytorchFixtures, NamesTensorsOfOtherKinds) {
  for (const auto& [path, name, what] :
       {std::tuple("edge/sparse.pt", "w", "_rebuild_sparse_tensor"),
        std::tuple("edge/qint8.pt", "q", "_rebuild_qtensor")}) {
    SCOPED_TRACE(path);
    const auto file = OpenFile(FixturePath(path));
    ASSERT_TRUE(Ok(file));
    const auto reader = OpenAny(**file);
    ASSERT_TRUE(Ok(reader));
    EXPECT_TRUE((*reader)->Tensors().empty());
    const auto findings = (*reader)->Findings();
    ASSERT_FALSE(findings.empty());
    EXPECT_EQ(findings[0].code, "unsupported-tensor");
    EXPECT_EQ(findings[0].subject, name);
    EXPECT_THAT(findings[0].message, testing::HasSubstr(what));
  }
}

TEST(PytorchFixtures, KeepsValuesBesideTheTensors) {
  const auto file = OpenFile(FixturePath("edge/nested-checkpoint.pt"));
  ASSERT_TRUE(Ok(file));
  const auto reader = OpenAny(**file);
  ASSERT_TRUE(Ok(reader));
  std::map<std::string, MetadataValue> values;
  for (const MetadataEntry& entry : (*reader)->Metadata()) values[entry.key] = entry.value;
  EXPECT_EQ(std::get<std::int64_t>(values.at("epoch")), 3);
  EXPECT_EQ(std::get<double>(values.at("lr")), 1e-3);
  EXPECT_EQ(std::get<std::string>(values.at("name")), "x");
  EXPECT_EQ(std::get<std::string>(values.at("flags.0")), "None");
  EXPECT_EQ(std::get<bool>(values.at("flags.1")), true);
  EXPECT_EQ(std::get<double>(values.at("flags.2.1")), 2.5);
  EXPECT_EQ(std::get<std::int64_t>(values.at("neg")), -5);
  EXPECT_EQ(std::get<double>(values.at("optimizer.param_groups.0.betas.1")), 0.999);
}

// A file cut anywhere is never taken for a whole one.
TEST(PytorchFixtures, RefusesEveryTruncation) {
  for (const char* const path : {"edge/plain.pt", "edge/deflated.pt", "edge/proto4.pt",
                                 "edge/legacy-f8.pt", "edge/edge-legacy.pt", "edge/edge.pt"}) {
    SCOPED_TRACE(path);
    const std::string whole = ReadFixture(path);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto file = TestFile(std::string_view(whole).substr(0, size));
      const bool zip = whole.starts_with("PK");
      const auto reader = zip ? OpenPytorchZip(*file) : OpenPytorchLegacy(*file);
      ASSERT_FALSE(reader) << size;
      ASSERT_TRUE(reader.error().code == Errc::kMalformed) << size << reader.error().message;
    }
  }
}

TEST(PytorchFixtures, RefusesBytesBeforeAndAfter) {
  for (const char* const path : {"edge/plain.pt", "edge/edge-legacy.pt"}) {
    const std::string whole = ReadFixture(path);
    const auto after = TestFile(whole + "x");
    const auto before = TestFile("x" + whole);
    const bool zip = whole.starts_with("PK");
    EXPECT_FALSE(zip ? OpenPytorchZip(*after) : OpenPytorchLegacy(*after)) << path;
    EXPECT_FALSE(zip ? OpenPytorchZip(*before) : OpenPytorchLegacy(*before)) << path;
  }
}

}  // namespace
}  // namespace hallmark
