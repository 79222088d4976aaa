// Whatever is packed comes back bit for bit, and nothing else is ever written.
#include "transform/pack.h"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <random>

#include "formats/packed_folder.h"
#include "src/hash/hasher.h"
#include "tests/support/test_support.h"
#include "transform/unpack.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string Content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Path -> content of all regular files below.
std::map<std::string, std::string> Files(const fs::path& root) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) {
      files[entry.path().lexically_relative(root).string()] = Content(entry.path());
    }
  }
  return files;
}

// A safetensors file of one bf16 tensor "w" (and whatever `extra` metadata), more than a frame
// large.
std::string Safetensors(unsigned seed, unsigned noise_seed = 0, std::size_t values = 1'500'001) {
  std::string header = fmt::format(
      R"({{"w":{{"dtype":"BF16","shape":[{}],"data_offsets":[0,{}]}}}})", values, 2 * values);
  std::string bytes = Le64(header.size()) + header;
  std::mt19937 random(seed), noise(noise_seed);
  for (std::size_t i = 0; i < values; ++i) {
    // Signs and mantissas at random, exponents of eight values.
    std::uint32_t bits = 0x3c00 | (random() & 0x80ff) | ((random() & 3) << 8);
    if (noise_seed != 0 && noise() % 4 == 0) bits ^= noise() & 7;
    bytes += Le16(static_cast<std::uint16_t>(bits));
  }
  return bytes;
}

class Packing : public testing::Test {
 protected:
  fs::path Path(std::string_view name) const { return folder_.Path() / name; }
  static Task Threads(unsigned threads) { return {.threads = threads}; }

  void ExpectRoundTrip(const fs::path& source, const PackOptions& options = {}) {
    const auto packed = Pack(source, Path("x.hmz"), options, Threads(2));
    ASSERT_TRUE(Ok(packed)) << source;
    const auto unpacked =
        Unpack(Path("x.hmz"), Path("out"), {.base = options.base, .force = false}, Threads(2));
    ASSERT_TRUE(Ok(unpacked)) << source;
    if (fs::is_directory(source)) {
      EXPECT_EQ(Files(source), Files(Path("out"))) << source;
    } else {
      EXPECT_EQ(Content(source), Content(Path("out") / source.filename())) << source;
    }
    for (const OriginalFile& file : unpacked->files) {
      const std::string content = Content(Path("out") / file.path);
      EXPECT_EQ(HashBytes(Algorithm::kTree, AsBytes(content)), Digest(Algorithm::kTree, file.root));
    }
    EXPECT_EQ(unpacked->size, packed->size);
    EXPECT_EQ(packed->packed_size, fs::file_size(Path("x.hmz")));
    fs::remove_all(Path("out"));
    fs::remove(Path("x.hmz"));
  }

  TemporaryFolder folder_;
};

TEST_F(Packing, GivesBackEveryFixture) {
  for (const auto& entry : fs::directory_iterator(FixturePath(""))) ExpectRoundTrip(entry.path());
}

TEST_F(Packing, GivesBackOddFilesAndFolders) {
  folder_.Write("m/empty", "");
  folder_.Write("m/deep/er/one", "x");
  folder_.Write("m/.hidden", "y");
  folder_.Write("m/frame", std::string(kPackedFrameBytes, 'f'));
  folder_.Write("m/frames", std::string(2 * kPackedFrameBytes, 'g'));
  folder_.Write("m/more", std::string(kPackedFrameBytes + 1, 'h'));
  folder_.Write("m/model.safetensors", Safetensors(1));
  folder_.Write("m/broken.safetensors", Safetensors(1).substr(0, 3'000'000));
  ExpectRoundTrip(Path("m"));
}

TEST_F(Packing, IsTheSameForAnyNumberOfThreads) {
  folder_.Write("m/a.safetensors", Safetensors(1, 0, 9'000'000));
  folder_.Write("m/b.json", "{}");
  ASSERT_TRUE(Ok(Pack(Path("m"), Path("1"), {}, Threads(1))));
  ASSERT_TRUE(Ok(Pack(Path("m"), Path("3"), {}, Threads(3))));
  EXPECT_EQ(Content(Path("1")), Content(Path("3")));
}

// Of 16 bits, those of exponent that are the same in all weights cost nothing.
TEST_F(Packing, ReachesTheEntropyOfMadeUpWeights) {
  folder_.Write("m.safetensors", Safetensors(1, 0, 4'000'000));
  const auto packed = Pack(Path("m.safetensors"), Path("x.hmz"), {}, Threads(2));
  ASSERT_TRUE(Ok(packed));
  // Random are the sign, 8 bits of mantissa and exponent, and two more of the exponent: 11 bits.
  EXPECT_LT(static_cast<double>(packed->packed_size), 11.0 / 16 * 1.001 * 8'000'000);
}

TEST_F(Packing, KeepsTheDifferenceToABase) {
  folder_.Write("base/model.safetensors", Safetensors(1));
  folder_.Write("same/other-name.safetensors", Safetensors(1));
  folder_.Write("tuned/model.safetensors", Safetensors(1, 5));
  folder_.Write("tuned/config.json", "{}");
  ExpectRoundTrip(Path("tuned"), {.base = Path("base")});
  ExpectRoundTrip(Path("tuned"), {.base = Path("base/model.safetensors")});
  const auto alone = Pack(Path("tuned"), Path("0.hmz"), {}, Threads(2));
  const auto tuned = Pack(Path("tuned"), Path("1.hmz"), {.base = Path("base")}, Threads(2));
  const auto same = Pack(Path("same"), Path("2.hmz"), {.base = Path("base")}, Threads(2));
  EXPECT_LT(tuned->packed_size, alone->packed_size / 2);
  EXPECT_LT(same->packed_size, 1000);
  EXPECT_EQ(same->base_files, std::vector<std::string>{"model.safetensors"});

  // The base may be packed itself.
  ASSERT_TRUE(Ok(Pack(Path("base"), Path("base.hmz"), {}, Threads(2))));
  ExpectRoundTrip(Path("tuned"), {.base = Path("base.hmz")});

  EXPECT_EQ(Unpack(Path("1.hmz"), Path("out"), {}, Threads(1)).error().code, Errc::kUsage);
  for (const char* other : {"tuned", "0.hmz"}) {
    const auto refused = Unpack(Path("1.hmz"), Path("out"), {.base = Path(other)}, Threads(1));
    EXPECT_EQ(refused.error().code, Errc::kUntrusted);
    EXPECT_THAT(refused.error().message, HasSubstr("another base"));
  }
  EXPECT_EQ(Unpack(Path("1.hmz"), Path("out"), {.base = Path("same")}, Threads(1)).error().code,
            Errc::kNotFound);
  EXPECT_FALSE(fs::exists(Path("out")));
}

// Whichever byte is hit: the original files, or an error and nothing written.
TEST_F(Packing, NeverUnpacksWhatWasNotPacked) {
  folder_.Write("m/a.txt", std::string(10'000, 'a') + "b");
  folder_.Write("m/b.npy", ReadFixture("npz/bf16.npy"));
  ASSERT_TRUE(Ok(Pack(Path("m"), Path("x.hmz"), {}, Threads(1))));
  const std::string whole = Content(Path("x.hmz"));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    folder_.Write("y.hmz", changed);
    ASSERT_FALSE(Unpack(Path("y.hmz"), Path("out"), {}, Threads(1))) << i;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.Path()), {}), 3);
}

TEST_F(Packing, LeavesWhatExists) {
  folder_.Write("m/a", "new");
  folder_.Write("x.hmz", "old");
  EXPECT_EQ(Pack(Path("m"), Path("x.hmz"), {}, Threads(1)).error().code, Errc::kUsage);
  EXPECT_EQ(Content(Path("x.hmz")), "old");
  ASSERT_TRUE(Ok(Pack(Path("m"), Path("x.hmz"), {.force = true}, Threads(1))));
  EXPECT_EQ(Pack(Path("x.hmz"), Path("y.hmz"), {}, Threads(1)).error().message,
            "it is packed already");
  folder_.Write("out/a", "old");
  folder_.Write("out/b", "other");
  EXPECT_EQ(Unpack(Path("x.hmz"), Path("out"), {}, Threads(1)).error().code, Errc::kUsage);
  EXPECT_EQ(Content(Path("out/a")), "old");
  ASSERT_TRUE(Ok(Unpack(Path("x.hmz"), Path("out"), {.force = true}, Threads(1))));
  EXPECT_EQ(Content(Path("out/a")), "new");
  EXPECT_EQ(Content(Path("out/b")), "other");
}

TEST_F(Packing, LeavesItsOwnOutputOut) {
  folder_.Write("m/a", "a");
  folder_.Write("m/x.hmz", "old");
  const auto packed = Pack(Path("m"), Path("m/x.hmz"), {.force = true}, Threads(1));
  ASSERT_TRUE(Ok(packed));
  EXPECT_EQ(packed->files.size(), 1);
}

TEST_F(Packing, LeavesNothingWhenItIsStopped) {
  folder_.Write("m/a", std::string(20'000'000, 'a'));
  ASSERT_TRUE(Ok(Pack(Path("m"), Path("x.hmz"), {}, Threads(1))));
  const std::atomic<bool> stopped = true;
  const Task task{.threads = 2, .stopped = &stopped};
  EXPECT_EQ(Pack(Path("m"), Path("y.hmz"), {}, task).error().code, Errc::kInterrupted);
  EXPECT_EQ(Unpack(Path("x.hmz"), Path("out"), {}, task).error().code, Errc::kInterrupted);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.Path()), {}), 2);
}

// A file that claims to be what no disk holds.
TEST_F(Packing, ChecksForSpaceBeforeItWrites) {
  PackedIndex index;
  PackedMember& member = index.members.emplace_back();
  member.file = {"a", 8'000'000 * kPackedFrameBytes};
  member.frames.assign(8'000'000, {{0, 1}, 0});
  const std::vector<std::byte> header = PackedHeader();
  const std::vector<std::byte> end = PackedEnd(index, header.size() + member.frames.size());
  folder_.Write("x.hmz", std::string(AsText(header)) + std::string(member.frames.size(), 'x') +
                             std::string(AsText(end)));
  const auto unpacked = Unpack(Path("x.hmz"), Path("out"), {}, Threads(1));
  EXPECT_THAT(unpacked.error().message, HasSubstr("bytes are needed"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.Path()), {}), 1);
}

}  // namespace
}  // namespace hallmark
