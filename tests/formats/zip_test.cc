#include "formats/zip.h"

#include <thread>

#include "tests/formats/zip_bytes.h"

namespace hallmark {
namespace {

using testing::HasSubstr;

Errc OpenCode(const std::string& bytes) {
  const auto file = TestFile(bytes);
  const auto archive = ZipArchive::Open(*file);
  EXPECT_FALSE(archive) << "was accepted";
  return archive ? Errc::kUsage : archive.error().code;
}

std::string Noise(std::size_t size) {
  std::string text;
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525 + 1013904223;
    text += static_cast<char>(state >> 28);  // four bits: deflates, but not to nothing
  }
  return text;
}

TEST(Zip, ReadsStoredStreamedAndDeflatedEntries) {
  const std::string data = Noise(300'000);
  const auto file = TestFile(
      MakeZip({Stored("a/stored", data), Streamed("a/streamed", data), Deflated("a/deflated", data),
               Stored("a/empty", ""), Stored("a/folder/", "")}));
  const auto archive = ZipArchive::Open(*file);
  ASSERT_TRUE(Ok(archive));
  ASSERT_EQ(archive->Entries().size(), 5u);
  for (const char* const name : {"a/stored", "a/streamed", "a/deflated"}) {
    const ZipEntry* const entry = archive->Find(name);
    ASSERT_NE(entry, nullptr);
    const auto bytes = archive->ReadWhole(*entry, 1 << 20);
    ASSERT_TRUE(Ok(bytes));
    EXPECT_EQ(AsText(*bytes), data);
  }
  EXPECT_EQ(archive->Find("A/STORED"), nullptr);
}

TEST(Zip, TellsNamesApartByCaseWhereAsked) {
  const auto file = TestFile(MakeZip({Stored("W", "a"), Stored("w", "b")}));
  EXPECT_FALSE(ZipArchive::Open(*file));

  const auto archive = ZipArchive::Open(*file, ZipNames::kExact);

  ASSERT_TRUE(Ok(archive));
  EXPECT_EQ(archive->Find("W"), &archive->Entries()[0]);
  EXPECT_EQ(archive->Find("w"), &archive->Entries()[1]);
  const auto twice = TestFile(MakeZip({Stored("w", "a"), Stored("w/", "")}));
  EXPECT_FALSE(ZipArchive::Open(*twice, ZipNames::kExact));
}

// What numpy writes: zip64 sizes in the local header although the directory needs none.
TEST(Zip, TakesZip64SizesInLocalHeadersOnly) {
  ZipMember member = Stored("x.npy", "0123456789");
  member.local.extra = Le16(1) + Le16(16) + Le64(10) + Le64(10);
  member.local.size = member.local.compressed = 0xffffffff;
  const auto file = TestFile(MakeZip({member}));
  EXPECT_TRUE(Ok(ZipArchive::Open(*file)));

  // Older Pythons: beside 32-bit sizes that hold.
  ZipMember both = Stored("x.npy", "0123456789");
  both.local.extra = Le16(1) + Le16(16) + Le64(10) + Le64(10);
  const auto old = TestFile(MakeZip({both}));
  EXPECT_TRUE(Ok(ZipArchive::Open(*old)));
  both.local.extra = Le16(1) + Le16(16) + Le64(10) + Le64(11);
  EXPECT_EQ(OpenCode(MakeZip({both})), Errc::kMalformed);

  member.local.extra = Le16(1) + Le16(16) + Le64(11) + Le64(10);
  EXPECT_EQ(OpenCode(MakeZip({member})), Errc::kMalformed);
  member.local.extra = "";
  EXPECT_EQ(OpenCode(MakeZip({member})), Errc::kMalformed);
}

// torch beyond 4 GiB: zip64 with the offset only, descriptor of 64-bit sizes.
TEST(Zip, TakesWideDescriptorsOfZip64Entries) {
  ZipMember member = Streamed("a/data/0", "0123456789");
  member.local.extra = Le16(1) + Le16(8) + Le64(0);
  member.after = Le32(0x08074b50) + Le32(member.central.crc) + Le64(10) + Le64(10);
  const auto file = TestFile(MakeZip({member}));
  EXPECT_TRUE(Ok(ZipArchive::Open(*file)));
  member.local.extra = "";
  EXPECT_EQ(OpenCode(MakeZip({member})), Errc::kMalformed);
}

TEST(Zip, TakesAZip64EndThatAgrees) {
  const std::vector<ZipMember> members = {Stored("a", "1"), Stored("b", "2")};
  const auto with = [&](const std::function<void(ZipEnd&)>& change) {
    return MakeZip(members, [&](ZipEnd& end) {
      end.zip64 = true;
      change(end);
    });
  };
  for (const std::string& bytes : {with([](ZipEnd&) {}), with([](ZipEnd& end) {
                                     end.count = 0xffff;
                                     end.directory_size = end.directory_offset = 0xffffffff;
                                   })}) {
    const auto file = TestFile(bytes);
    EXPECT_TRUE(Ok(ZipArchive::Open(*file)));
  }
  EXPECT_EQ(OpenCode(with([](ZipEnd& end) { end.count64 = 1; })), Errc::kMalformed);
  EXPECT_EQ(OpenCode(with([](ZipEnd& end) { end.directory_offset64 += 1; })), Errc::kMalformed);
  EXPECT_EQ(OpenCode(with([](ZipEnd& end) { end.directory_size64 -= 1; })), Errc::kMalformed);
  EXPECT_EQ(OpenCode(with([](ZipEnd& end) { end.record_at -= 1; })), Errc::kMalformed);
  EXPECT_EQ(OpenCode(with([](ZipEnd& end) {
              end.directory_offset = 0xffffffff;
              end.directory_offset64 = ~std::uint64_t{0};
            })),
            Errc::kMalformed);
}

// Python gives an entry the name of its Unicode path field, from 3.12 on, and takes names that are
// not marked as UTF-8 from an old code page; other readers do neither.
TEST(Zip, RefusesNamesThatReadersTakeDifferently) {
  ZipMember renamed = Stored("a", "1");
  renamed.central.extra = Le16(0x7075) + Le16(6) + "\x01" + Le32(Crc32("a")) + "b";
  EXPECT_EQ(OpenCode(MakeZip({renamed})), Errc::kMalformed);
  renamed.central.extra.swap(renamed.local.extra);
  EXPECT_EQ(OpenCode(MakeZip({renamed})), Errc::kMalformed);

  ZipMember unmarked = Stored("\u00e9", "1");
  EXPECT_TRUE(Ok(ZipArchive::Open(*TestFile(MakeZip({unmarked})))));
  unmarked.local.flags = unmarked.central.flags = 0;
  EXPECT_EQ(OpenCode(MakeZip({unmarked})), Errc::kMalformed);
}

struct Lie {
  const char* what;
  std::function<void(ZipMember&)> change;
};

class LyingEntry : public testing::TestWithParam<Lie> {};

TEST_P(LyingEntry, IsRefused) {
  ZipMember member = Stored("a/b", "0123456789");
  GetParam().change(member);
  EXPECT_EQ(OpenCode(MakeZip({Stored("a/a", "x"), member, Stored("a/c", "y")})), Errc::kMalformed);
}

INSTANTIATE_TEST_SUITE_P(
    Zip, LyingEntry,
    testing::Values(
        Lie{"local_name", [](ZipMember& m) { m.local.name = "a/x"; }},
        Lie{"local_name_length", [](ZipMember& m) { m.local.name = "a/bb"; }},
        Lie{"flags", [](ZipMember& m) { m.local.flags = 0; }},
        Lie{"method", [](ZipMember& m) { m.local.method = 8; }},
        Lie{"size", [](ZipMember& m) { m.local.size = 9; }},
        Lie{"compressed", [](ZipMember& m) { m.local.compressed = 9; }},
        Lie{"crc", [](ZipMember& m) { m.local.crc ^= 1; }},
        Lie{"zero_without_descriptor", [](ZipMember& m) { m.local.size = 0; }},
        Lie{"stored_sizes_differ", [](ZipMember& m) { m.local.size = m.central.size = 9; }},
        Lie{"longer_than_its_place",
            [](ZipMember& m) {
              m.local.size = m.local.compressed = m.central.size = m.central.compressed = 11;
            }},
        Lie{"longer_than_the_file",
            [](ZipMember& m) {
              m.local.size = m.local.compressed = m.central.size = m.central.compressed =
                  0xfffffffe;
            }},
        Lie{"bytes_between", [](ZipMember& m) { m.after = "hidden"; }},
        Lie{"bytes_like_a_descriptor", [](ZipMember& m) { m.after = std::string(16, 'x'); }},
        Lie{"descriptor_missing", [](ZipMember& m) { m.local.flags = m.central.flags = 0x0808; }},
        Lie{"descriptor_wrong",
            [](ZipMember& m) {
              m = Streamed("a/b", "0123456789");
              m.after[6] ^= 1;
            }},
        Lie{"offset", [](ZipMember& m) { m.central.offset += 1; }},
        Lie{"offset_of_another", [](ZipMember& m) { m.central.offset = 0u - 34u; }},
        Lie{"extra_overruns", [](ZipMember& m) { m.local.extra = Le16(9) + Le16(50); }},
        Lie{"two_zip64",
            [](ZipMember& m) { m.local.extra = Le16(1) + Le16(0) + Le16(1) + Le16(0); }},
        Lie{"zip64_announced", [](ZipMember& m) { m.central.size = 0xffffffff; }},
        Lie{"zip64_too_long", [](ZipMember& m) { m.central.extra = Le16(1) + Le16(8) + Le64(10); }},
        Lie{"folder_with_bytes", [](ZipMember& m) { m.local.name = m.central.name = "a/b/"; }}),
    [](const auto& param_info) { return std::string(param_info.param.what); });

TEST(Zip, RefusesUnsafeAndRepeatedNames) {
  for (const std::string& name :
       {std::string(), std::string("/a"), std::string("../a"), std::string("a/../b"),
        std::string("a\\b"), std::string("a\0b", 3), std::string("C:/a"), std::string("a//b"),
        std::string("./a"), std::string("a/./b"), std::string("\xff")}) {
    SCOPED_TRACE(testing::PrintToString(name));
    EXPECT_EQ(OpenCode(MakeZip({Stored(name, "x")})), Errc::kMalformed);
  }
  EXPECT_EQ(OpenCode(MakeZip({Stored("a", "x"), Stored("a", "y")})), Errc::kMalformed);
  EXPECT_EQ(OpenCode(MakeZip({Stored("a/Data", "x"), Stored("a/data", "y")})), Errc::kMalformed);
  EXPECT_EQ(OpenCode(MakeZip({Stored("a", "x"), Stored("a/", "")})), Errc::kMalformed);
}

TEST(Zip, RefusesWhatItDoesNotRead) {
  for (const std::uint16_t flags : {0x0001, 0x0020, 0x0040, 0x2000}) {
    ZipMember member = Stored("a", "x");
    member.local.flags = member.central.flags = flags;
    EXPECT_EQ(OpenCode(MakeZip({member})), Errc::kUnsupported) << flags;
  }
  ZipMember bzip = Stored("a", "x");
  bzip.local.method = bzip.central.method = 12;
  EXPECT_EQ(OpenCode(MakeZip({bzip})), Errc::kUnsupported);
  EXPECT_EQ(OpenCode(MakeZip({Stored("a", "x")}, [](ZipEnd& end) { end.disk = 1; })),
            Errc::kUnsupported);
}

TEST(Zip, RefusesUndeclaredBytes) {
  const std::string whole = MakeZip({Stored("a", "x")});
  EXPECT_EQ(OpenCode("#!/bin/sh\n" + whole), Errc::kMalformed);
  EXPECT_EQ(OpenCode(whole + whole), Errc::kMalformed);
  EXPECT_EQ(OpenCode(whole + std::string(1, '\0')), Errc::kMalformed);
  const auto comment = [](ZipEnd& end) { end.comment = "hello"; };
  EXPECT_EQ(OpenCode(MakeZip({Stored("a", "x")}, comment)), Errc::kMalformed);
  const auto hidden = [](ZipEnd& end) {
    end.count -= 1;
    end.count64 -= 1;
  };
  EXPECT_EQ(OpenCode(MakeZip({Stored("a", "x"), Stored("b", "y")}, hidden)), Errc::kMalformed);
  const auto lies = [](ZipEnd& end) { end.count = 0xfffe; };
  EXPECT_EQ(OpenCode(MakeZip({Stored("a", "x")}, lies)), Errc::kMalformed);
}

TEST(Zip, RefusesEveryTruncation) {
  const std::string whole =
      MakeZip({Streamed("a/data.pkl", "abc"), Deflated("a/data/0", Noise(500))},
              [](ZipEnd& end) { end.zip64 = true; });
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto file = TestFile(std::string_view(whole).substr(0, size));
    const auto archive = ZipArchive::Open(*file);
    ASSERT_FALSE(archive) << size;
    EXPECT_EQ(archive.error().code, Errc::kMalformed);
  }
}

TEST(Zip, ChecksWhatItReadsWhole) {
  ZipMember stored = Stored("a", "0123456789");
  stored.payload[3] ^= 1;
  ZipMember deflated = Deflated("b", Noise(1000));
  deflated.local.crc = deflated.central.crc ^= 1;
  ZipMember longer = Deflated("c", Noise(1000));
  longer.local.size = longer.central.size = 999;
  ZipMember shorter = Deflated("d", Noise(1000));
  shorter.local.size = shorter.central.size = 1001;
  ZipMember padded = Deflated("e", Noise(1000));
  padded.payload += "hidden";
  padded.local.compressed = padded.central.compressed += 6;
  ZipMember broken = Deflated("f", Noise(1000));
  broken.payload = std::string(broken.payload.size(), '\xff');
  const auto file = TestFile(MakeZip({stored, deflated, longer, shorter, padded, broken}));
  const auto archive = ZipArchive::Open(*file);
  ASSERT_TRUE(Ok(archive));
  for (const ZipEntry& entry : archive->Entries()) {
    SCOPED_TRACE(entry.name);
    const auto whole = archive->ReadWhole(entry, 1 << 20);
    ASSERT_FALSE(whole);
    EXPECT_EQ(whole.error().code, Errc::kMalformed);
    if (entry.method == ZipMethod::kStored) continue;
    std::vector<std::byte> out(entry.size);
    EXPECT_FALSE(archive->Read(entry, 0, out));
  }
}

TEST(Zip, RefusesBombs) {
  const std::string zeros(8 << 20, '\0');
  const auto file = TestFile(MakeZip({Deflated("a", zeros)}));
  const auto archive = ZipArchive::Open(*file);
  ASSERT_TRUE(Ok(archive));
  const auto whole = archive->ReadWhole(archive->Entries()[0], 1 << 30);
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code, Errc::kUnsupported);
  EXPECT_FALSE(archive->ReadWhole(archive->Entries()[0], 1 << 20, 5000));
  EXPECT_TRUE(Ok(archive->ReadWhole(archive->Entries()[0], 1 << 30, 5000)));
}

// Long enough for several remembered states; forwards, backwards and from several threads.
TEST(Zip, ReadsDeflatedEntriesAtAnyOffset) {
  const std::string data = Noise(10 << 20);
  const auto file = TestFile(MakeZip({Deflated("a", data)}));
  const auto archive = ZipArchive::Open(*file);
  ASSERT_TRUE(Ok(archive));
  const ZipEntry& entry = archive->Entries()[0];
  const auto check = [&](std::uint64_t offset, std::size_t size) {
    std::vector<std::byte> out(size);
    ASSERT_TRUE(Ok(archive->Read(entry, offset, out)));
    EXPECT_EQ(AsText(out), std::string_view(data).substr(offset, size)) << offset;
  };
  for (const std::uint64_t offset : {0u, 5u << 20, 1u << 20, 9u << 20, 6u << 20, 6u << 20, 3u}) {
    check(offset, 100'000);
  }
  check(data.size() - 10, 10);
  check(data.size(), 0);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 5; ++i) check((t * 2 + (i * 3) % 4) << 20, 4096);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::byte> out(2);
  EXPECT_FALSE(archive->Read(entry, data.size() - 1, out));
}

TEST(Zip, OpensNumpysArchives) {
  for (const char* const path : {"npz/model-f32.npz", "npz/model-f16-deflate.npz"}) {
    const auto file = OpenFile(FixturePath(path));
    ASSERT_TRUE(Ok(file));
    const auto archive = ZipArchive::Open(**file);
    ASSERT_TRUE(Ok(archive));
    EXPECT_EQ(archive->Entries().size(), 21u);
    for (const ZipEntry& entry : archive->Entries()) {
      EXPECT_TRUE(Ok(archive->ReadWhole(entry, 1 << 20)));
    }
  }
}

}  // namespace
}  // namespace hallmark
