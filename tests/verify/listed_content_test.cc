// Torrents by libtorrent, transmission-create and mktorrent, a metalink and llama-gguf-hash's
// lists, verified against the files they were made of and against damaged ones.
#include "verify/listed_content.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"
#include "verify/verify.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// What tests/vectors/sources/make.py made its torrents of.
std::string Counting(std::size_t size, std::size_t modulus) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % modulus);
  return bytes;
}

class ListedContent : public testing::Test {
 protected:
  void SetUp() override {
    setenv("XDG_DATA_HOME", home_.Path().c_str(), 1);
    folder_.Write("m/a.bin", Counting(40000, 251));
    folder_.Write("m/c.txt", "hello");
    folder_.Write("m/sub/b.bin", Counting(100000, 241));
  }
  void TearDown() override { unsetenv("XDG_DATA_HOME"); }

  static std::string Vector(std::string_view name) {
    return (FixturePath("..") / "sources" / name).string();
  }

  VerifyReport Report(const fs::path& copy, const std::string& against, unsigned threads = 2) {
    std::vector<Source> sources;
    if (!against.empty()) {
      auto source = OpenSource(against, {});
      EXPECT_TRUE(Ok(source));
      if (source) sources.push_back(*std::move(source));
    }
    auto report = Verify(copy, std::move(sources), {}, Task{threads});
    EXPECT_TRUE(Ok(report));
    return report ? *std::move(report) : VerifyReport{};
  }

  static std::map<std::string, FileState> States(const VerifyReport& report) {
    std::map<std::string, FileState> states;
    for (const FileVerdict& file : report.files) {
      states[file.path.empty() ? file.listed_as : file.path] = file.state;
    }
    return states;
  }
  static std::vector<std::string> Codes(const VerifyReport& report) {
    std::vector<std::string> codes;
    for (const Finding& finding : report.findings) codes.push_back(finding.code);
    return codes;
  }

  void Damage(std::string_view name, std::streamoff offset) const {
    std::fstream file(folder_.Path() / name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file.put('\xff');
  }

  const TemporaryFolder home_;
  const TemporaryFolder folder_;
  const fs::path m_ = folder_.Path() / "m";
};

TEST_F(ListedContent, WholeCopiesMatchTheirTorrents) {
  for (const std::string name :
       {"transmission.torrent", "mktorrent.torrent", "libtorrent-v1.torrent",
        "libtorrent-padded.torrent", "libtorrent-v2.torrent", "libtorrent-hybrid.torrent"}) {
    for (const unsigned threads : {1u, 3u}) {
      const VerifyReport report = Report(m_, Vector(name), threads);
      EXPECT_EQ(report.verdict, Verdict::kMatches) << name << ": " << report.summary;
      EXPECT_EQ(report.files.size(), 3u);
      EXPECT_EQ(report.files_hashed, 3u);
      EXPECT_EQ(report.bytes_hashed, 140005u);
    }
  }
}

TEST_F(ListedContent, ATorrentsOwnFolderMayBePartOfTheCopy) {
  folder_.Write("n/a.bin", "another of that name");
  const VerifyReport report = Report(folder_.Path(), Vector("libtorrent-v1.torrent"));
  EXPECT_EQ(States(report)["m/a.bin"], FileState::kOk);
  EXPECT_EQ(States(report)["m/sub/b.bin"], FileState::kOk);
}

TEST_F(ListedContent, ABadPieceNamesTheFilesInIt) {
  Damage("m/a.bin", 100);  // within the first piece, which is all of a.bin
  const VerifyReport report = Report(m_, Vector("transmission.torrent"));
  EXPECT_EQ(report.verdict, Verdict::kMismatch);
  EXPECT_EQ(States(report)["a.bin"], FileState::kMismatch);
  EXPECT_EQ(States(report)["c.txt"], FileState::kOk);
  EXPECT_EQ(States(report)["sub/b.bin"], FileState::kOk);
  EXPECT_THAT(Codes(report), Contains("bad-pieces"));
  EXPECT_THAT(Codes(report), Not(Contains("shared-piece")));
}

TEST_F(ListedContent, ABadPieceOfSeveralFilesNamesThemAll) {
  folder_.Write("m/c.txt", "hellO");  // its only piece has the end of a.bin and the start of b.bin
  const VerifyReport report = Report(m_, Vector("mktorrent.torrent"));
  EXPECT_EQ(States(report)["a.bin"], FileState::kMismatch);
  EXPECT_EQ(States(report)["c.txt"], FileState::kMismatch);
  EXPECT_EQ(States(report)["sub/b.bin"], FileState::kMismatch);
  EXPECT_THAT(Codes(report), Contains("shared-piece"));
}

TEST_F(ListedContent, PaddingKeepsFilesApart) {
  folder_.Write("m/c.txt", "hellO");
  const VerifyReport report = Report(m_, Vector("libtorrent-padded.torrent"));
  EXPECT_EQ(States(report)["a.bin"], FileState::kOk);
  EXPECT_EQ(States(report)["c.txt"], FileState::kMismatch);
  EXPECT_EQ(States(report)["sub/b.bin"], FileState::kOk);
  EXPECT_THAT(Codes(report), Not(Contains("shared-piece")));
}

// Which tensors lie in a bad piece is told by the copy's own header.
TEST_F(ListedContent, ABadPieceNamesTheTensorsInIt) {
  const std::string weights = ReadFixture("hf-safetensors-f32/model.safetensors");
  const fs::path copy = folder_.Write("model.safetensors", weights);
  const std::size_t piece = 4096;
  std::string pieces;
  for (std::size_t at = 0; at < weights.size(); at += piece) {
    const Digest digest = HashBytes(Algorithm::kSha1, AsBytes(weights.substr(at, piece)));
    pieces += "<hash>" + digest.Hex() + "</hash>";
  }
  const fs::path list = folder_.Write("model.meta4",
                                      "<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">"
                                      "<file name=\"model.safetensors\"><size>" +
                                          std::to_string(weights.size()) +
                                          "</size><pieces type=\"sha-1\" length=\"4096\">" +
                                          pieces + "</pieces></file></metalink>");
  EXPECT_EQ(Report(copy, list.string()).verdict, Verdict::kMatches);

  Damage("model.safetensors", static_cast<std::streamoff>(weights.size()) - 1);
  const VerifyReport report = Report(copy, list.string());
  ASSERT_EQ(report.files.size(), 1u);
  ASSERT_EQ(report.files[0].damage.size(), 1u);
  const DamagedRange& damage = report.files[0].damage[0];
  EXPECT_EQ(damage.range.offset % piece, 0u);
  EXPECT_EQ(damage.range.End(), weights.size());
  EXPECT_FALSE(damage.tensors.empty());
}

TEST_F(ListedContent, AMissingFileLeavesOnlyItsPiecesUnchecked) {
  fs::remove(m_ / "c.txt");
  const VerifyReport report = Report(m_, Vector("transmission.torrent"));
  EXPECT_EQ(report.verdict, Verdict::kInconclusive) << report.summary;
  EXPECT_EQ(States(report)["a.bin"], FileState::kNotComparable);
  EXPECT_EQ(States(report)["c.txt"], FileState::kMissing);
  EXPECT_THAT(Codes(report), Contains("pieces-not-checked"));

  Damage("m/sub/b.bin", 99999);
  EXPECT_EQ(States(Report(m_, Vector("transmission.torrent")))["sub/b.bin"], FileState::kMismatch);
}

TEST_F(ListedContent, AWrongSizeIsSaidAndItsPiecesAreNotChecked) {
  folder_.Write("m/c.txt", "hello!");
  const VerifyReport report = Report(m_, Vector("libtorrent-v1.torrent"));
  EXPECT_EQ(States(report)["c.txt"], FileState::kWrongSize);
  EXPECT_EQ(States(report)["a.bin"], FileState::kOk);
  EXPECT_EQ(report.verdict, Verdict::kMismatch);
}

TEST_F(ListedContent, Version2TellsFilesApart) {
  folder_.Write("m/c.txt", "hellO");
  for (const std::string name : {"libtorrent-v2.torrent", "libtorrent-hybrid.torrent"}) {
    const VerifyReport report = Report(m_, Vector(name));
    EXPECT_EQ(States(report)["a.bin"], FileState::kOk);
    EXPECT_EQ(States(report)["c.txt"], FileState::kMismatch);
    EXPECT_EQ(States(report)["sub/b.bin"], FileState::kOk);
  }
}

TEST_F(ListedContent, ATorrentBesideTheCopyIsFound) {
  fs::copy_file(Vector("libtorrent-v1.torrent"), folder_.Path() / "m.torrent");
  const VerifyReport report = Report(m_, "");
  EXPECT_EQ(report.verdict, Verdict::kMatches) << report.summary;
  EXPECT_THAT(report.summary, HasSubstr("guard against accidents"));
}

TEST_F(ListedContent, OneFileOfATorrentIsCheckedAsFarAsItsPiecesGo) {
  fs::copy_file(Vector("libtorrent-v1.torrent"), m_ / "m.torrent");
  const VerifyReport report = Report(m_ / "a.bin", "");
  EXPECT_EQ(States(report)["a.bin"], FileState::kNotComparable);
  EXPECT_EQ(report.verdict, Verdict::kInconclusive);
  EXPECT_THAT(report.summary, HasSubstr("without a digest that can be checked"));
}

TEST_F(ListedContent, MetalinksPiecesSayWhere) {
  EXPECT_EQ(Report(m_ / "a.bin", Vector("a.meta4")).verdict, Verdict::kMatches);
  Damage("m/a.bin", 20000);
  const VerifyReport report = Report(m_ / "a.bin", Vector("a.meta4"));
  EXPECT_EQ(report.verdict, Verdict::kMismatch);
  EXPECT_THAT(Codes(report), Contains("bad-pieces"));
}

TEST_F(ListedContent, ShardsOfAModelSignatureAreChecked) {
  folder_.Write("s/xx:y.bin", "backslash");
  EXPECT_EQ(Report(folder_.Path() / "s", Vector("oms-shards.sig")).verdict, Verdict::kMatches);
  folder_.Write("s/xx:y.bin", "backslosh");
  EXPECT_EQ(Report(folder_.Path() / "s", Vector("oms-shards.sig")).verdict, Verdict::kMismatch);
}

TEST_F(ListedContent, TensorsMatchLlamaGgufHash) {
  for (const std::string name : {"tiny-f16", "tiny-Q4_K_M", "k256-Q6_K"}) {
    const VerifyReport report = Report(FixturePath("gguf/" + name + ".gguf"),
                                       FixturePath("hash/" + name + ".gguf.manifest").string());
    EXPECT_EQ(report.verdict, Verdict::kMatches) << name << ": " << report.summary;
    EXPECT_EQ(States(report)[name + ".gguf"], FileState::kOk);
  }
}

TEST_F(ListedContent, ADamagedTensorIsNamed) {
  const fs::path copy = folder_.Path() / "tiny-f16.gguf";
  fs::copy_file(FixturePath("gguf/tiny-f16.gguf"), copy);
  Damage("tiny-f16.gguf", static_cast<std::streamoff>(fs::file_size(copy)) - 1);
  const VerifyReport report = Report(copy, FixturePath("hash/tiny-f16.gguf.manifest").string());
  EXPECT_EQ(report.verdict, Verdict::kMismatch);
  ASSERT_EQ(report.files.size(), 1u);
  ASSERT_EQ(report.files[0].damage.size(), 1u);
  EXPECT_EQ(report.files[0].damage[0].tensors, std::vector<std::string>{"output_norm.weight"});
  EXPECT_THAT(Codes(report), Contains("tensor-data-differs"));
}

TEST_F(ListedContent, AListOfOtherTensorsDoesNotMatch) {
  const VerifyReport report = Report(FixturePath("gguf/tiny-f16.gguf"),
                                     FixturePath("hash/tiny-Q4_K_M.gguf.manifest").string());
  EXPECT_NE(report.verdict, Verdict::kMatches);
}

}  // namespace
}  // namespace hallmark
