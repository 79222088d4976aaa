#include <cstdlib>

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"
#include "verify/catalogue.h"
#include "verify/sources/source.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Keeps the catalogue of whoever runs the tests out of them.
class SourcesOnDisk : public testing::Test {
 protected:
  void SetUp() override { setenv("XDG_DATA_HOME", home_.Path().c_str(), 1); }
  void TearDown() override { unsetenv("XDG_DATA_HOME"); }

  std::string Path(std::string_view name) const { return (folder_.Path() / name).string(); }
  std::vector<std::string> PathsIn(const Source& source) const {
    std::vector<std::string> paths;
    for (const ListedFile& file : source.files) paths.push_back(file.path);
    return paths;
  }
  static std::string Md5(std::string_view text) {
    return HashBytes(Algorithm::kMd5, AsBytes(text)).Hex();
  }

  const TemporaryFolder home_;
  const TemporaryFolder folder_;
};

TEST_F(SourcesOnDisk, OpensAList) {
  folder_.Write("checklist.chk", Md5("x") + "  consolidated.00.pth\n");

  const auto source = OpenSource(Path("checklist.chk"), {});

  ASSERT_TRUE(Ok(source));
  EXPECT_EQ(source->dialect, "checklist");
  EXPECT_EQ(source->name, Path("checklist.chk"));
  EXPECT_EQ(source->file, Path("checklist.chk"));
}

TEST_F(SourcesOnDisk, OpensACatalogueEntry) {
  const auto source = OpenSource("catalogue:llama-1/7B", {});
  const auto missing = OpenSource("catalogue:llama-1/8B", {});
  const auto without_scheme = OpenSource("llama-1/7B", {});

  ASSERT_TRUE(Ok(source));
  EXPECT_EQ(source->dialect, "catalogue");
  EXPECT_EQ(missing.error().code, Errc::kNotFound);
  EXPECT_EQ(without_scheme.error().hint, "did you mean catalogue:llama-1/7B");
}

TEST_F(SourcesOnDisk, HashesAnotherCopy) {
  folder_.Write("copy/a.bin", "hello");
  folder_.Write("copy/sub/b.bin", "below");
  folder_.Write("copy/.DS_Store", "finder");
  folder_.Write("copy/c.bin.part", "half");

  const auto source = OpenSource(Path("copy"), {});

  ASSERT_TRUE(Ok(source));
  EXPECT_EQ(source->dialect, "copy");
  EXPECT_EQ(source->model, Path("copy"));
  ASSERT_THAT(PathsIn(*source), ElementsAre("a.bin", "sub/b.bin"));
  EXPECT_EQ(source->files[0].size, 5u);
  ASSERT_EQ(source->files[0].digests.size(), 1u);
  EXPECT_EQ(source->files[0].digests[0].digest, HashBytes(Algorithm::kSha256, AsBytes("hello")));
  ASSERT_EQ(source->findings.size(), 1u);
  EXPECT_EQ(source->findings[0].code, "left-out");
}

TEST_F(SourcesOnDisk, OneWeightsFileIsAnotherCopyToo) {
  const std::string weights = FixturePath("hf-safetensors-f32/model.safetensors").string();

  const auto source = OpenSource(weights, {});

  ASSERT_TRUE(Ok(source));
  EXPECT_EQ(source->dialect, "copy");
  EXPECT_THAT(PathsIn(*source), ElementsAre("model.safetensors"));
}

TEST_F(SourcesOnDisk, AnIndexStandsForItsShards) {
  const auto source =
      OpenSource(FixturePath("hf-safetensors-sharded/model.safetensors.index.json").string(), {});

  ASSERT_TRUE(Ok(source));
  EXPECT_THAT(PathsIn(*source),
              ElementsAre("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                          "model.safetensors.index.json"));
}

TEST_F(SourcesOnDisk, NamesWhatIsNoSource) {
  std::filesystem::create_directory(Path("empty"));
  folder_.Write("page.md5", "<html><body>Please log in</body></html>");
  folder_.Write("noise.bin", std::string(5000, '\x01'));

  EXPECT_EQ(OpenSource("", {}).error().code, Errc::kUsage);
  EXPECT_EQ(OpenSource(Path("nothing"), {}).error().code, Errc::kNotFound);
  EXPECT_EQ(OpenSource(Path("empty"), {}).error().code, Errc::kNotFound);
  EXPECT_THAT(OpenSource(Path("page.md5"), {}).error().message, HasSubstr("HTML page"));
  EXPECT_EQ(OpenSource(Path("noise.bin"), {}).error().code, Errc::kMalformed);
  for (const char* spec : {"https://example.org/SHA256SUMS", "hf:org/name@main"}) {
    const auto remote = OpenSource(spec, {});
    EXPECT_EQ(remote.error().code, Errc::kUnsupported);
    EXPECT_EQ(remote.error().hint, "download the list and name the file");
  }
}

TEST_F(SourcesOnDisk, StopsWhenAsked) {
  folder_.Write("copy/a.bin", "hello");
  const std::atomic<bool> stopped = true;
  Task task;
  task.stopped = &stopped;

  const auto source = OpenSource(Path("copy"), task);

  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, Errc::kInterrupted);
}

TEST_F(SourcesOnDisk, ListsAroundADirectoryAreRebased) {
  // Meta's own layout, and lists that people made beside it.
  folder_.Write("llama/tokenizer.model", "t");
  folder_.Write("llama/tokenizer_checklist.chk", Md5("t") + "  tokenizer.model\n");
  folder_.Write("llama/7B/params.json", "p");
  folder_.Write("llama/7B/checklist.chk", Md5("p") + "  params.json\n");
  folder_.Write("llama/MD5SUMS.md5",
                Md5("p") + "  7B/params.json\n" + Md5("t") + "  tokenizer.model\n");
  folder_.Write("llama/notes.md5", "nothing of the kind\n");

  const auto of_all = FindSourcesAround(Path("llama"), {});
  const auto of_7b = FindSourcesAround(Path("llama/7B/"), {});

  ASSERT_TRUE(Ok(of_all));
  ASSERT_EQ(of_all->sources.size(), 3u);
  EXPECT_THAT(PathsIn(of_all->sources[0]), ElementsAre("7B/params.json"));  // 7B/checklist.chk
  EXPECT_THAT(PathsIn(of_all->sources[1]), ElementsAre("7B/params.json", "tokenizer.model"));
  EXPECT_THAT(PathsIn(of_all->sources[2]), ElementsAre("tokenizer.model"));
  for (const Source& source : of_all->sources) EXPECT_TRUE(source.inside_copy);
  ASSERT_EQ(of_all->findings.size(), 1u);
  EXPECT_EQ(of_all->findings[0].code, "unusable-list");

  ASSERT_TRUE(Ok(of_7b));
  ASSERT_EQ(of_7b->sources.size(), 2u);
  EXPECT_THAT(PathsIn(of_7b->sources[0]), ElementsAre("params.json"));
  EXPECT_TRUE(of_7b->sources[0].inside_copy);
  EXPECT_THAT(PathsIn(of_7b->sources[1]), ElementsAre("params.json"));
  EXPECT_FALSE(of_7b->sources[1].inside_copy);  // llama/MD5SUMS.md5
}

TEST_F(SourcesOnDisk, ListsBesideOneFileSpeakOfItAlone) {
  folder_.Write("x.bin", "x");
  folder_.Write("x.bin.md5", Md5("x") + "\n");
  folder_.Write("y.bin.md5", Md5("y") + "\n");
  folder_.Write("all.md5", Md5("x") + "  x.bin\n" + Md5("y") + "  y.bin\n");

  const auto around = FindSourcesAround(Path("x.bin"), {});

  ASSERT_TRUE(Ok(around));
  ASSERT_EQ(around->sources.size(), 2u);
  for (const Source& source : around->sources) {
    EXPECT_THAT(PathsIn(source), ElementsAre("x.bin"));
    EXPECT_TRUE(source.inside_copy);
    EXPECT_TRUE(source.complete);
  }
}

}  // namespace
}  // namespace hallmark
