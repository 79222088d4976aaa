// Stores as Hugging Face's client, Ollama and OCI tools lay them out; digests are hashlib's and
// git's (git hash-object of "hello").
#include "verify/sources/store.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/support/test_support.h"
#include "verify/verify.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::string_view kSha256 =  // of "weights"
    "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c";
constexpr std::string_view kGitBlob = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0";  // of "hello"

class Stores : public testing::Test {
 protected:
  void SetUp() override { setenv("XDG_DATA_HOME", home_.Path().c_str(), 1); }
  void TearDown() override { unsetenv("XDG_DATA_HOME"); }

  static std::string Join(std::string_view a, std::string_view b) {
    return std::string(a) + std::string(b);
  }
  VerifyReport Report(std::string_view copy) {
    auto report = Verify(folder_.Path() / copy, {}, {}, Task{2});
    EXPECT_TRUE(Ok(report));
    return report ? *std::move(report) : VerifyReport{};
  }
  // models--org--name with one large and one small file.
  void MakeHubCache() {
    const std::string root = "models--org--name/";
    folder_.Write(root + "refs/main", std::string(40, 'a'));
    folder_.Write(root + "blobs/" + std::string(kSha256), "weights");
    folder_.Write(root + "blobs/" + std::string(kGitBlob), "hello");
    const fs::path snapshot = folder_.Path() / root / "snapshots" / std::string(40, 'a');
    fs::create_directories(snapshot / "sub");
    fs::create_symlink("../../blobs/" + std::string(kSha256), snapshot / "tiny.safetensors");
    fs::create_symlink("../../../blobs/" + std::string(kGitBlob), snapshot / "sub/tiny.json");
  }
  // models/ of Ollama; the blob of the template is left out where `whole` is false.
  void MakeOllama(bool whole) {
    folder_.Write(Join("models/blobs/sha256-", kSha256), "weights");
    if (whole) folder_.Write(Join("models/blobs/sha256-", kHello), "hello");
    folder_.Write("models/manifests/registry.ollama.ai/library/tiny/latest",
                  Join(Join(R"({"schemaVersion":2,"config":{"digest":"sha256:)", kHello),
                       Join(Join(R"(","size":5},"layers":[{"digest":"sha256:)", kSha256),
                            R"(","size":7}]})")));
  }

  static constexpr std::string_view kHello =
      "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  const TemporaryFolder home_;
  const TemporaryFolder folder_;
};

TEST_F(Stores, AHubsCacheIsCheckedByItsOwnNames) {
  MakeHubCache();
  const std::string snapshot = "models--org--name/snapshots/" + std::string(40, 'a');
  for (const std::string& copy : {std::string("models--org--name"), snapshot}) {
    const VerifyReport report = Report(copy);
    EXPECT_EQ(report.verdict, Verdict::kMatches) << report.summary;
    EXPECT_THAT(report.summary, HasSubstr("came with the copy"));
    EXPECT_EQ(report.sources[0].dialect, "store");
    EXPECT_EQ(report.bytes_hashed, 12u) << "each blob once, whatever links lead to it";
  }
}

TEST_F(Stores, ADamagedBlobIsNamedUnderAllItsNames) {
  MakeHubCache();
  folder_.Write(Join("models--org--name/blobs/", kSha256), "Weights");
  const VerifyReport report = Report("models--org--name");
  EXPECT_EQ(report.verdict, Verdict::kMismatch);
  EXPECT_EQ(std::ranges::count(report.files, FileState::kMismatch, &FileVerdict::state), 2);
}

TEST_F(Stores, TheNotesBesideADownloadCount) {
  const std::string note = ".cache/huggingface/download/";
  folder_.Write("d/model.safetensors", "weights");
  folder_.Write("d/sub/config.json", "hello");
  folder_.Write("d/" + note + "model.safetensors.metadata",
                Join(std::string(40, 'a') + "\n", kSha256) + "\n1700000000.5\n");
  folder_.Write("d/" + note + "sub/config.json.metadata",
                Join(std::string(40, 'a') + "\n", kGitBlob) + "\n1700000000.5\n");
  folder_.Write("d/" + note + "gone.bin.metadata",
                Join(std::string(40, 'a') + "\n", kSha256) + "\n1700000000.5\n");
  EXPECT_EQ(Report("d").verdict, Verdict::kMatches);
  folder_.Write("d/sub/config.json", "hellO");
  EXPECT_EQ(Report("d").verdict, Verdict::kMismatch);
}

TEST_F(Stores, OllamasStoreIsCheckedByNamesAndManifests) {
  MakeOllama(true);
  EXPECT_EQ(Report("models").verdict, Verdict::kMatches);
  EXPECT_EQ(Report("models/blobs").verdict, Verdict::kMatches);
}

TEST_F(Stores, ABlobThatAManifestNamesIsMissed) {
  MakeOllama(false);
  const VerifyReport report = Report("models");
  EXPECT_EQ(report.verdict, Verdict::kPartial);
  EXPECT_EQ(std::ranges::count(report.files, FileState::kMissing, &FileVerdict::state), 1);
}

TEST_F(Stores, AManifestStandsForItsModel) {
  MakeOllama(true);
  folder_.Write("models/blobs/sha256-" + std::string(64, '0'), "of another model");
  const std::string manifest = "models/manifests/registry.ollama.ai/library/tiny/latest";
  const VerifyReport report = Report(manifest);
  EXPECT_EQ(report.verdict, Verdict::kMatches) << report.summary;
  EXPECT_EQ(report.files.size(), 2u);
  folder_.Write(Join("models/blobs/sha256-", kSha256), "Weights");
  EXPECT_EQ(Report(manifest).verdict, Verdict::kMismatch);
}

TEST_F(Stores, AManifestElsewhereIsAFile) {
  const fs::path manifest = folder_.Write("latest", R"({"schemaVersion":2,"layers":[]})");
  const auto stored = OpenStoredModel(manifest);
  ASSERT_TRUE(Ok(stored));
  EXPECT_FALSE(stored->has_value());
}

TEST_F(Stores, AnOciLayoutIsCheckedByItsNames) {
  folder_.Write("oci/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  folder_.Write(Join("oci/blobs/sha256/", kSha256), "weights");
  EXPECT_EQ(Report("oci").verdict, Verdict::kMatches);
  folder_.Write(Join("oci/blobs/sha256/", kSha256), "Weights");
  EXPECT_EQ(Report("oci").verdict, Verdict::kMismatch);
}

TEST_F(Stores, NamesThatAreNoDigestsSayNothing) {
  folder_.Write("x/blobs/model.bin", "weights");
  folder_.Write("x/" + std::string(kSha256), "weights");
  EXPECT_FALSE(SourceFromStore(folder_.Path() / "x", *ListFiles(folder_.Path() / "x")).has_value());
}

}  // namespace
}  // namespace hallmark
