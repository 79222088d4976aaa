// Packed files by hand: those that are right, and what hostile ones may try.
#include "formats/packed.h"

#include <zstd.h>

#include <random>

#include "formats/archives.h"
#include "formats/packed_folder.h"
#include "tests/formats/packed_bytes.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

std::shared_ptr<const File> Shared(std::string_view bytes) { return TestFile(bytes, "x.hmz"); }

Result<PackedIndex> Index(const HandPacked& packed) {
  return ReadPackedIndex(*TestFile(packed.Bytes(), "x.hmz"));
}
std::string IndexError(const HandPacked& packed) {
  const auto index = Index(packed);
  return index ? "no error" : index.error().message;
}

// What the file `path` of a packed file reads as, or the error.
std::string Content(const HandPacked& packed, std::string_view path) {
  const auto folder = FolderInPacked(Shared(packed.Bytes()), "x.hmz");
  if (!folder) return folder.error().message;
  const auto file = (*folder)->Open(path);
  if (!file) return file.error().message;
  const auto bytes = ReadWholeFile(**file, 1 << 24);
  return bytes ? *bytes : bytes.error().message;
}

std::string Compressed(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1));
  return out;
}

TEST(Packed, ReadsWhatThePageDraws) {
  const HandPacked packed{.members = {{"a.txt", "hello"}, {"b/c.txt", ""}, {"b/d.txt", "world"}}};
  HandPacked fixed = packed;
  fixed.members[1].frame.clear();  // an empty file has no frames
  EXPECT_EQ(Content(fixed, "a.txt"), "hello");
  EXPECT_EQ(Content(fixed, "b/c.txt"), "");
  EXPECT_EQ(Content(fixed, "b/d.txt"), "world");
  EXPECT_EQ(Content(fixed, "b"), "no such file in the archive");
  EXPECT_TRUE(*IsArchive(*TestFile(fixed.Bytes())));
  const auto folder = FolderInArchive(Shared(fixed.Bytes()), "copy/x.hmz");
  ASSERT_TRUE(Ok(folder));
  EXPECT_EQ((*folder)->List()->files.size(), 3);
  EXPECT_EQ((*folder)->NameOf("a.txt"), "x.hmz: a.txt");
  const FileStretch place = (*folder)->Locate("b/d.txt", {1, 2});
  EXPECT_EQ(place.path, "copy/x.hmz");
  EXPECT_EQ(place.range, (ByteRange{16 + 14, 14}));  // header, the frame of a.txt
  const auto file = (*folder)->Open("b/d.txt");
  EXPECT_EQ((*(*file)->OpenBeside("c.txt"))->Size(), 0);
  EXPECT_FALSE((*file)->OpenBeside("../a.txt"));
}

TEST(Packed, JoinsPlanesCompressedOrNot) {
  // Two numbers 0xbf80 (bf16's -1), whose planes are 7f 7f and 01 01.
  const std::string numbers = Le32(4) + "\x01" + Le16(0x8002);
  const std::string low = Le32(2) + "\x01\x01";
  HandMember member{"w", "\x80\xbf\x80\xbf"};
  member.frame = numbers + Le32(2) + "\x7f\x7f" + low;
  EXPECT_EQ(Content({.members = {member}}, "w"), member.bytes);

  // Blocks of a number of 2 bytes and 3 more, many of them.
  std::string blocks, high, quants;
  for (int i = 0; i < 1000; ++i) {
    blocks +=
        "\x80\xbf"
        "abc";
    quants += "abc";
  }
  high = Compressed(std::string(1000, '\x7f'));
  quants = Compressed(quants);
  HandMember many{"w", blocks};
  many.frame = Le32(5000) + "\x02" + Le16(0x8002) + Le16(3) +
               Le32(static_cast<std::uint32_t>(high.size())) + high + Le32(1000) +
               std::string(1000, '\x01') + Le32(static_cast<std::uint32_t>(quants.size())) + quants;
  EXPECT_EQ(Content({.members = {many}}, "w"), blocks);
}

TEST(Packed, RefusesAnIndexThatLies) {
  const HandMember good{"a", "hello"};
  const auto with = [&](auto change) {
    HandPacked packed{.members = {good}};
    change(packed);
    return IndexError(packed);
  };
  EXPECT_EQ(with([](HandPacked&) {}), "no error");
  EXPECT_THAT(with([](HandPacked& p) { p.header[1] = 'X'; }), HasSubstr("no packed file"));
  EXPECT_THAT(with([](HandPacked& p) { p.header[8] = 2; }), HasSubstr("version 2"));
  EXPECT_THAT(with([](HandPacked& p) { p.header[12] = 1; }), HasSubstr("must be zero"));
  EXPECT_THAT(with([](HandPacked& p) { p.index_off_by = 1; }), HasSubstr("does not end where"));
  EXPECT_THAT(with([](HandPacked& p) { p.behind_index = "x"; }), HasSubstr("belong to no file"));
  EXPECT_THAT(with([](HandPacked& p) { p.header += "gap"; }), HasSubstr("the frames end here"));
  EXPECT_THAT(with([](HandPacked& p) { p.bases = Le32(0xffffffff); }), HasSubstr("base files"));
  // More bytes than there are frames for: nothing is allocated for them.
  EXPECT_THAT(with([](HandPacked& p) { p.members[0].size = ~0ull; }), HasSubstr("frames"));
  EXPECT_THAT(with([](HandPacked& p) { p.members[0].size = kPackedFrameBytes + 1; }),
              HasSubstr("frames"));
  EXPECT_THAT(with([](HandPacked& p) { p.members.push_back(p.members[0]); }), HasSubstr("twice"));
  EXPECT_THAT(with([](HandPacked& p) {
                p.members.push_back({"a/b", "x"});
              }),
              HasSubstr("name of its folder"));
  EXPECT_THAT(with([](HandPacked& p) {
                p.members.insert(p.members.begin(), {"b", "x"});
              }),
              HasSubstr("not in order"));
  for (const std::string path : {"", "/etc/passwd", "../a", "a/../b", "a\\b", "./a", "a//b"}) {
    EXPECT_THAT(with([&](HandPacked& p) { p.members[0].path = path; }), HasSubstr("path")) << path;
  }
}

TEST(Packed, RefusesEveryCutAndEveryChangedByteOfTheIndex) {
  const std::string whole = HandPacked{.members = {{"a", "hello"}, {"b", "world"}}}.Bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto index = ReadPackedIndex(*TestFile(whole.substr(0, size)));
    ASSERT_FALSE(index) << size;
    ASSERT_EQ(index.error().code, Errc::kMalformed);
  }
  const std::size_t frames_end = 16 + 2 * 14;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (i >= 16 && i < frames_end) continue;
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    EXPECT_FALSE(ReadPackedIndex(*TestFile(changed))) << i;
  }
}

TEST(Packed, RefusesAFrameThatWasChanged) {
  std::string bytes = HandPacked{.members = {{"a", "hello"}}}.Bytes();
  bytes[16 + 9] = 'j';
  const auto folder = FolderInPacked(Shared(bytes), "x.hmz");
  ASSERT_TRUE(Ok(folder));
  const auto read = ReadWholeFile(**(*folder)->Open("a"), 100);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::kMalformed);
  EXPECT_EQ(read.error().offset, 16);
  EXPECT_EQ(read.error().message,
            "a: the frame of bytes 0x0 to 0x4 is damaged: its check does not fit");
}

// With checks that fit, so that only the frame itself is wrong.
TEST(Packed, RefusesFramesThatLie) {
  const auto read = [](std::string frame) {
    HandMember member{"a", "hello"};
    member.frame = std::move(frame);
    return Content({.members = {member}}, "a");
  };
  const std::string plain(1, '\0');
  EXPECT_EQ(read(StoredFrame("hello")), "hello");
  EXPECT_THAT(read(StoredFrame("hello") + "x"), HasSubstr("belong to no piece"));
  EXPECT_THAT(read(StoredFrame("hello!")), HasSubstr("a piece of 6 bytes where 5 are left"));
  EXPECT_THAT(read(StoredFrame("hell")), HasSubstr("are needed"));
  EXPECT_THAT(read(Le32(0) + plain + Le32(0)), HasSubstr("a piece of 0 bytes"));
  EXPECT_THAT(read(Le32(5) + plain + Le32(6) + "hello!"), HasSubstr("is stored in 6"));
  EXPECT_THAT(read(Le32(5) + plain + Le32(4) + "hell"), HasSubstr("zstd frame is broken"));
  EXPECT_THAT(read(Le32(5) + "\x01" + Le16(0x8002)), HasSubstr("5 bytes with elements of 2"));
  EXPECT_THAT(read(Le32(5) + "\x01" + Le16(0x8003)), HasSubstr("impossible width"));
  EXPECT_THAT(read(Le32(5) + "\x01" + Le16(0)), HasSubstr("impossible width"));
  EXPECT_THAT(read(Le32(5) + "\x80" + Le32(0) + Le64(0) + Le32(5) + "hello"),
              HasSubstr("what the base does not hold"));
  // A bomb: a hundred mebibytes where five bytes belong; and one byte less than there should be.
  const std::string zeros = Compressed(std::string(100 << 20, '\0'));
  HandMember large{"a", std::string(100'000, '\0')};
  large.frame = Le32(100'000) + plain + Le32(static_cast<std::uint32_t>(zeros.size())) + zeros;
  EXPECT_THAT(Content({.members = {large}}, "a"), HasSubstr("zstd frame is broken"));
  const std::string fewer = Compressed(std::string(99'999, '\0'));
  large.frame = Le32(100'000) + plain + Le32(static_cast<std::uint32_t>(fewer.size())) + fewer;
  EXPECT_THAT(Content({.members = {large}}, "a"), HasSubstr("decompresses to 99999"));
}

TEST(Packed, NeedsItsBase) {
  HandPacked packed{.members = {{"a", "hello"}}};
  packed.bases = Le32(1) + HandPacked::File("base.bin", 5, std::string(32, '\1'));
  const auto folder = FolderInPacked(Shared(packed.Bytes()), "x.hmz");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, Errc::kUnsupported);
  packed.members[0].frame =
      Le32(5) + "\x80" + Le32(0) + Le64(1) + Le32(5) + std::string("\x01\0\0\0\x20", 5);
  const auto open = [&](std::string_view base) {
    const auto with_base = FolderInPacked(Shared(packed.Bytes()), "x.hmz", {Shared(base)});
    const auto bytes = ReadWholeFile(**(*with_base)->Open("a"), 100);
    return bytes ? *bytes : bytes.error().message;
  };
  packed.bases = Le32(1) + HandPacked::File("base.bin", 6, std::string(32, '\1'));
  EXPECT_EQ(open("xabcde"), "`bcdE");
  packed.bases = Le32(1) + HandPacked::File("base.bin", 5, std::string(32, '\1'));
  EXPECT_EQ(open("xabcd"), "a: a difference to what the base does not hold");
}

// What EncodeFrame makes is what DecodeFrame takes, for any pieces.
TEST(PackedFrame, GivesBackWhatWasPacked) {
  std::mt19937 random(3);
  const std::vector<PlaneLayout> layouts = {
      {},          {{true, 2}},  {{true, 4}},
      {{true, 8}}, {{false, 1}}, {{true, 2}, {true, 2}, {false, 12}, {false, 128}},
  };
  for (int round = 0; round < 60; ++round) {
    std::vector<FramePiece> pieces;
    std::uint64_t size = 0;
    while (pieces.size() < 1 + random() % 5) {
      const PlaneLayout& layout = layouts[random() % layouts.size()];
      const auto bytes = static_cast<std::uint32_t>(ElementBytes(layout) * (1 + random() % 3000));
      pieces.push_back({bytes, layout, std::nullopt});
      if (random() % 3 == 0) pieces.back().base = BasePlace{0, size};
      size += bytes;
    }
    const unsigned spread = 1 + random() % 256;  // from constant to incompressible
    std::vector<std::byte> bytes(size), base(size), out(size), stored;
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % spread);
    for (std::byte& byte : base) byte = static_cast<std::byte>(random() % spread);
    const ReadBase read_base = [&](const BasePlace& place, MutableByteSpan to) -> Result<void> {
      std::copy_n(base.begin() + static_cast<std::ptrdiff_t>(place.offset), to.size(), to.begin());
      return {};
    };
    ASSERT_TRUE(Ok(EncodeFrame(pieces, bytes, read_base, &stored)));
    ASSERT_TRUE(Ok(DecodeFrame(stored, "x", 0, read_base, out)));
    ASSERT_EQ(out, bytes) << round;
  }
}

}  // namespace
}  // namespace hallmark
