#include "transform/write_files.h"

#include <zlib.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "src/hash/hasher.h"
#include "src/hash/tree.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

std::string Random(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string Get(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Counts what is read of it, and can fail.
class CountedBytes : public BlockSource {
 public:
  CountedBytes(std::string bytes, std::atomic<std::uint64_t>* read, std::uint64_t fail_at)
      : bytes_(std::move(bytes)), read_(read), fail_at_(fail_at) {}
  std::uint64_t Size() const override { return bytes_.size(); }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset + out.size() > fail_at_) return Error{Errc::kIo, "source", "it fails here"};
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    *read_ += out.size();
    return {};
  }

 private:
  std::string bytes_;
  std::atomic<std::uint64_t>* read_;
  std::uint64_t fail_at_;
};

struct Sample {
  std::vector<OutputFile> files;
  std::vector<std::string> expected;
  std::atomic<std::uint64_t> read = 0;
};

// Files of a header, some payloads and what stands between; the last with checksums that lie across
// the border of two stretches.
void Fill(Sample* sample, std::uint64_t fail_at = UINT64_MAX) {
  const std::size_t sizes[] = {10'000'000, 1, 0, 3'000'000};
  for (unsigned f = 0; f < 3; ++f) {
    OutputFile file{.path = "sub/file" + std::to_string(f)};
    std::string whole;
    const auto literal = [&](std::string text) {
      file.layout.literals.push_back({whole.size(), BytesOf(text)});
      whole += text;
    };
    literal(Random(77 + f, f));
    for (std::size_t i = 0; i < std::size(sizes); ++i) {
      const std::string payload = Random(sizes[i] / (f + 1), f * 10 + static_cast<unsigned>(i));
      file.layout.payloads.push_back({whole.size(), i});
      whole += payload;
      file.payloads.push_back(std::make_unique<CountedBytes>(payload, &sample->read, fail_at));
      if (i % 2 == 1) literal("between");
    }
    if (f == 2) {
      // Zeros up to 2 bytes before a border of 4 MiB, and a checksum across it.
      const std::size_t border = (whole.size() / kSubRootSpan + 1) * kSubRootSpan;
      literal(std::string(border - 2 - whole.size(), '\0'));
      const std::size_t place = whole.size();
      literal(std::string(4, '\0'));
      file.layout.checksums.push_back({.offset = place, .tensor = 0});
      uLong crc = 0;
      const std::string first = whole.substr(file.layout.payloads[0].offset, sizes[0] / 3);
      crc = crc32_z(crc, reinterpret_cast<const Bytef*>(first.data()), first.size());
      const std::string bytes = Le32(static_cast<std::uint32_t>(crc));
      whole.replace(place, 4, bytes);
    }
    file.layout.size = whole.size();
    sample->files.push_back(std::move(file));
    sample->expected.push_back(std::move(whole));
  }
  sample->files.push_back(LiteralFile("small", BytesOf("text")));
  sample->expected.emplace_back("text");
  sample->files.push_back(LiteralFile("empty", {}));
  sample->expected.emplace_back();
}

void ExpectWritten(const Sample& sample, const fs::path& folder,
                   const std::vector<WrittenFile>& written) {
  ASSERT_EQ(written.size(), sample.files.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    EXPECT_TRUE(Get(folder / written[i].path) == sample.expected[i]) << written[i].path;
    EXPECT_EQ(written[i].tree, HashBytes(Algorithm::kTree, AsBytes(sample.expected[i])));
  }
}

TEST(WriteFiles, WritesEveryByteOnceAndHashesIt) {
  for (const unsigned threads : {1u, 3u}) {
    const TemporaryFolder folder;
    const fs::path target = folder.Path() / "out";
    Sample sample;
    Fill(&sample);
    auto output = PartialOutput::Begin({.target = target, .kind = PartialOutput::Target::kFolder});
    ASSERT_TRUE(Ok(output));
    const auto written = WriteFiles(sample.files, *output, {.threads = threads});
    ASSERT_TRUE(Ok(written));
    std::uint64_t payload = 0;
    for (const OutputFile& file : sample.files) {
      for (const Bytes& bytes : file.payloads) payload += bytes->Size();
    }
    EXPECT_EQ(sample.read, payload);
    ASSERT_TRUE(Ok(FlushFiles(*written, *output)));
    ASSERT_TRUE(Ok(output->Commit()));
    ExpectWritten(sample, target, *written);
  }
}

TEST(WriteFiles, GoesOnWhereItWasInterrupted) {
  const TemporaryFolder folder;
  const PartialOutput::Request request{.target = folder.Path() / "out",
                                       .kind = PartialOutput::Target::kFolder,
                                       .fingerprint = "the same"};
  {
    Sample failing;
    Fill(&failing, 9'000'000);
    auto output = PartialOutput::Begin(request);
    ASSERT_TRUE(Ok(output));
    const auto written = WriteFiles(failing.files, *output, {.threads = 2});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().message, "it fails here");
    output->Keep();
  }
  // What was written is there, but for a byte that the disk lost.
  Sample sample;
  Fill(&sample);
  auto output = PartialOutput::Begin(request);
  ASSERT_TRUE(Ok(output));
  ASSERT_TRUE(output->WasInterrupted());
  {
    std::fstream file(output->Files() / "sub/file0",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file.put(static_cast<char>(sample.expected[0][100] + 1));
  }
  const auto written = WriteFiles(sample.files, *output, {.threads = 2});
  ASSERT_TRUE(Ok(written));
  std::uint64_t payload = 0;
  for (const OutputFile& file : sample.files) {
    for (const Bytes& bytes : file.payloads) payload += bytes->Size();
  }
  EXPECT_LT(sample.read, payload);
  ASSERT_TRUE(Ok(output->Commit()));
  ExpectWritten(sample, folder.Path() / "out", *written);
}

TEST(WriteFiles, StopsWhenAsked) {
  const TemporaryFolder folder;
  Sample sample;
  Fill(&sample);
  const std::atomic<bool> stopped = true;
  {
    auto output = PartialOutput::Begin(
        {.target = folder.Path() / "out", .kind = PartialOutput::Target::kFolder});
    ASSERT_TRUE(Ok(output));
    const auto written = WriteFiles(sample.files, *output, {.threads = 2, .stopped = &stopped});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Errc::kInterrupted);
  }
  EXPECT_TRUE(fs::is_empty(folder.Path()));
}

}  // namespace
}  // namespace hallmark
