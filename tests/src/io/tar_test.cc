// Archives written by GNU tar and by Python in every format they know, and broken ones by hand.
#include "src/io/tar.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "src/json/json_reader.h"
#include "tests/support/expected.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A header block with a checksum.
struct Block {
  std::string name;
  char type = '0';
  std::string size = "00000000000";
  std::string magic = std::string("ustar\0", 6) + "00";
  std::string prefix = {};

  std::string Bytes() const {
    std::string block(512, '\0');
    block.replace(0, name.size(), name);
    block.replace(124, size.size(), size);
    block.replace(148, 8, "        ");
    block[156] = type;
    block.replace(257, magic.size(), magic);
    block.replace(345, prefix.size(), prefix);
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    const std::string text = fmt::format("{:06o}", sum) + std::string("\0 ", 2);
    block.replace(148, 8, text);
    return block;
  }
};

std::string Padded(std::string bytes) {
  bytes.resize((bytes.size() + 511) / 512 * 512);
  return bytes;
}
std::string Member(const std::string& name, const std::string& payload, char type = '0') {
  return Block{.name = name, .type = type, .size = fmt::format("{:011o}", payload.size())}.Bytes() +
         Padded(payload);
}
const std::string kEnd(1024, '\0');

std::string Pax(const std::string& key, const std::string& value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (fmt::format("{}", length).size() + rest != length) ++length;
  return fmt::format("{} {}={}\n", length, key, value);
}

Result<TarContents> Read(const std::string& bytes) { return ReadTar(*TestFile(bytes, "x.tar")); }
Error ErrorOf(const std::string& bytes) {
  const auto contents = Read(bytes);
  return contents ? Error{Errc::kUsage, "", "it was read"} : contents.error();
}
std::vector<std::string> Paths(const TarContents& contents) {
  std::vector<std::string> paths;
  for (const TarMember& member : contents.members) paths.push_back(member.path);
  return paths;
}
std::vector<std::string> Codes(const TarContents& contents) {
  std::vector<std::string> codes;
  for (const Finding& finding : contents.findings) codes.push_back(finding.code);
  return codes;
}

TEST(Tar, ReadsWhatOtherToolsPacked) {
  const std::string text = ReadFixture("../tar/expected.json");
  const auto document = JsonDocument::Parse(text, "expected.json");
  ASSERT_TRUE(Ok(document));
  std::size_t count = 0;
  for (const JsonMember& tar : document->Root().Find("tars")->Members()) {
    SCOPED_TRACE(tar.key);
    auto file = OpenFile(FixturePath("../tar/" + std::string(tar.key)));
    ASSERT_TRUE(Ok(file));
    EXPECT_TRUE(*IsTar(**file));
    const auto folder = FolderInTar(*std::move(file), std::string(tar.key));
    ASSERT_TRUE(Ok(folder));
    std::vector<std::string> expected;
    for (const JsonMember& member : tar.value.Members()) {
      expected.emplace_back(member.key);
      const auto opened = (*folder)->Open(member.key);
      ASSERT_TRUE(Ok(opened));
      EXPECT_EQ((*opened)->Size(), member.value.Find("size")->AsU64());
      const auto bytes = ReadWholeFile(**opened, 1 << 20);
      ASSERT_TRUE(Ok(bytes));
      EXPECT_EQ(Sha256Hex(AsBytes(*bytes)), member.value.Find("sha256")->AsString());
    }
    std::vector<std::string> listed;
    const auto listing = (*folder)->List();
    ASSERT_TRUE(Ok(listing));
    for (const DirectoryEntry& entry : listing->files) listed.push_back(entry.path);
    EXPECT_THAT(listed, testing::UnorderedElementsAreArray(expected));
    // GNU tar's archives hold one symbolic link.
    EXPECT_EQ(listing->findings.size(), tar.key.starts_with("gnutar-") ? 1u : 0u);
    ++count;
  }
  EXPECT_EQ(count, 8u);
}

TEST(Tar, RefusesEveryTruncationUpToItsEndMark) {
  const std::string whole = ReadFixture("../tar/gnutar-posix.tar");
  for (std::size_t size = 0; size < whole.size(); size += 64) {
    const Error error = ErrorOf(whole.substr(0, size));
    EXPECT_EQ(error.code, Errc::kMalformed) << size << ": " << error.message;
    EXPECT_THAT(error.hint, HasSubstr("truncated")) << size;
  }
}

TEST(Tar, AMemberIsAFileWithOthersBesideIt) {
  const std::shared_ptr<const File> tar =
      TestFile(Member("a/one", "first") + Member("a/b/two", "second") + kEnd, "x.tar");
  const auto folder = FolderInTar(tar, "copy/x.tar");
  ASSERT_TRUE(Ok(folder));
  EXPECT_TRUE((*folder)->Has("a/one"));
  EXPECT_FALSE((*folder)->Has("a"));
  EXPECT_EQ((*folder)->Open("one").error().code, Errc::kNotFound);
  const auto one = (*folder)->Open("a/one");
  ASSERT_TRUE(Ok(one));
  EXPECT_EQ((*one)->Name(), "x.tar: a/one");
  const auto two = (*one)->OpenBeside("b/two");
  ASSERT_TRUE(Ok(two));
  EXPECT_EQ(*ReadWholeFile(**two, 100), "second");
  EXPECT_EQ((*one)->OpenBeside("../a/one").error().code, Errc::kMalformed);
  std::byte beyond[2];
  EXPECT_EQ((*one)->Read(4, beyond).error().code, Errc::kIo);
  const FileStretch place = (*folder)->Locate("a/b/two", {2, 3});
  EXPECT_EQ(place.path, "copy/x.tar");
  EXPECT_EQ(place.range, (ByteRange{3 * 512 + 2, 3}));
}

TEST(Tar, TakesSizesInBase256AndFromPaxHeaders) {
  const std::string base256 = std::string("\x80") + std::string(10, '\0') + '\5';
  const auto contents =
      Read(Block{.name = "a", .size = base256}.Bytes() + Padded("12345") +
           Member("pax", Pax("size", "3") + Pax("path", "long/name"), 'x') +
           Block{.name = "b", .size = "77777777777"}.Bytes() + Padded("abc") + kEnd);
  ASSERT_TRUE(Ok(contents));
  EXPECT_THAT(Paths(*contents), ElementsAre("a", "long/name"));
  EXPECT_EQ(contents->members[0].payload, (ByteRange{512, 5}));
  EXPECT_EQ(contents->members[1].payload, (ByteRange{7 * 512 - 1024, 3}));
}

TEST(Tar, NamesWhatItDoesNotRead) {
  const auto contents = Read(
      Member("/etc/passwd", "x") + Member("../up", "x") + Member("c:/x", "x") +
      Block{.name = "link", .type = '2'}.Bytes() + Block{.name = "hard", .type = '1'}.Bytes() +
      Block{.name = "device", .type = '3'}.Bytes() + Block{.name = "folder", .type = '5'}.Bytes() +
      Block{.name = "old/"}.Bytes() + Member("what", "x", 'Q') + Member("file", "x") + kEnd +
      std::string(512, '\0') + "behind");
  ASSERT_TRUE(Ok(contents));
  EXPECT_THAT(Paths(*contents), ElementsAre("file"));
  EXPECT_THAT(Codes(*contents),
              ElementsAre("unsafe-path", "unsafe-path", "unsafe-path", "archived-link",
                          "archived-link", "special-file", "unknown-member", "data-behind-end"));
  EXPECT_EQ(contents->findings[0].offset, 0u);
  EXPECT_EQ(contents->findings[0].subject, "x.tar: /etc/passwd");
}

TEST(Tar, RefusesWhatProgramsReadDifferently) {
  std::string flipped = Member("a", "x");
  flipped[0] = 'b';
  const std::pair<std::string, std::string_view> kCases[] = {
      {flipped + kEnd, "checksum"},
      {Member("a", "x") + Member("./a", "y") + kEnd, "stands twice"},
      {Member("a", "x") + Block{.name = "a", .type = '2'}.Bytes() + kEnd, "stands twice"},
      {Block{.name = "a", .size = "0000000000x"}.Bytes() + kEnd, "no number"},
      {Block{.name = "a", .size = std::string(12, '\xff')}.Bytes() + kEnd, "no number"},
      {Block{.name = "a", .size = "\x80" + std::string(11, '\xff')}.Bytes() + kEnd, "no number"},
      {Block{.name = "a", .size = "77777777777"}.Bytes() + kEnd, "are left"},
      {Block{.name = "a", .size = std::string("\x80\0\0\0", 4) + std::string(8, '\xff')}.Bytes() +
           kEnd,
       "are left"},
      {Block{.name = "a", .type = '2', .size = "00000001000"}.Bytes() + Padded("x") + kEnd,
       "folder, link or device"},
      {Member("a", "x") + std::string(512, '\0') + Member("b", "y") + kEnd, "the end mark has two"},
      {Member("n", "long", 'L') + kEnd, "without its member"},
      {Member("n", "long", 'L') + Member("n", Pax("path", "other"), 'x') + Member("a", "x") + kEnd,
       "two headers"},
      {Member("n", Pax("size", "1") + Pax("size", "2"), 'x') + Member("a", "x") + kEnd, "size"},
      {Member("n", "99 path=a\n", 'x') + Member("a", "x") + kEnd, "broken record"},
      {Member("n", "4 a\n", 'x') + Member("a", "x") + kEnd, "without"},
      {Member("n", "8 novalu\n", 'x') + Member("a", "x") + kEnd, "broken record"},
      {Member("n", Pax("path", std::string("a\0b", 3)), 'x') + Member("a", "x") + kEnd, "NUL"},
      {Member("n", std::string((1 << 20) + 1, 'x'), 'L') + Member("a", "x") + kEnd, "limit"},
  };
  for (const auto& [bytes, message] : kCases) {
    const Error error = ErrorOf(bytes);
    EXPECT_EQ(error.code, Errc::kMalformed) << message;
    EXPECT_THAT(error.message, HasSubstr(std::string(message)));
    EXPECT_EQ(error.subject, "x.tar");
  }
}

TEST(Tar, DoesNotUnderstandSparseMembersVolumesAndGlobalPaths) {
  EXPECT_EQ(ErrorOf(Member("a", "x", 'S') + kEnd).code, Errc::kUnsupported);
  EXPECT_EQ(ErrorOf(Member("a", "x", 'M') + kEnd).code, Errc::kUnsupported);
  EXPECT_EQ(ErrorOf(Member("n", Pax("GNU.sparse.major", "1"), 'x') + Member("a", "x") + kEnd).code,
            Errc::kUnsupported);
  EXPECT_EQ(ErrorOf(Member("n", Pax("path", "all"), 'g') + Member("a", "x") + kEnd).code,
            Errc::kUnsupported);
  EXPECT_TRUE(Ok(Read(Member("n", Pax("comment", "git"), 'g') + Member("a", "x") + kEnd)));
}

TEST(Tar, IsToldByMagicOrChecksum) {
  EXPECT_TRUE(*IsTar(*TestFile(Member("a", "x"))));
  EXPECT_TRUE(*IsTar(*TestFile(Block{.name = "a", .magic = ""}.Bytes())));
  std::string broken = Member("a", "x");
  broken[0] = 'b';
  EXPECT_TRUE(*IsTar(*TestFile(broken)));
  EXPECT_FALSE(*IsTar(*TestFile(std::string(512, '\0'))));
  EXPECT_FALSE(*IsTar(*TestFile(std::string(511, 'x'))));
  EXPECT_FALSE(*IsTar(*TestFile(std::string(4096, 'x'))));
}

}  // namespace
}  // namespace hallmark
