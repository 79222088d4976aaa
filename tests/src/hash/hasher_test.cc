#include "src/hash/hasher.h"

#include "tests/src/hash/sample_bytes.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

struct Vector {
  Algorithm algorithm;
  std::string input;
  std::string_view hex;
};

const std::string kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

TEST(Hasher, GivesThePublishedDigests) {
  const std::string million(1'000'000, 'a');
  const Vector vectors[] = {
      // RFC 1321, A.5.
      {Algorithm::kMd5, "", "d41d8cd98f00b204e9800998ecf8427e"},
      {Algorithm::kMd5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
      {Algorithm::kMd5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {Algorithm::kMd5,
       "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"},
      // FIPS 180-2, appendices A to C.
      {Algorithm::kSha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {Algorithm::kSha1, kTwoBlocks, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
      {Algorithm::kSha1, million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
      {Algorithm::kSha256, "abc",
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {Algorithm::kSha256, kTwoBlocks,
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {Algorithm::kSha256, million,
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {Algorithm::kSha384, "abc",
       "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
       "8086072ba1e7cc2358baeca134c825a7"},
      {Algorithm::kSha512, "abc",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
      {Algorithm::kSha512, million,
       "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
       "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"},
      // RFC 7693, appendix A.
      {Algorithm::kBlake2b, "abc",
       "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
       "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"},
      // The check value of CRC-32/ISO-HDLC.
      {Algorithm::kCrc32, "123456789", "cbf43926"},
      {Algorithm::kCrc32, "", "00000000"},
  };
  for (const Vector& vector : vectors) {
    EXPECT_EQ(HashBytes(vector.algorithm, AsBytes(vector.input)).Hex(), vector.hex)
        << InfoOf(vector.algorithm).name << " of " << vector.input.substr(0, 80);
  }
}

TEST(Hasher, ACloneGoesOnByItself) {
  std::string text(1'200'003, 'q');
  text.replace(0, 8, std::string(8, '\0'));  // the length of a safetensors header
  for (const AlgorithmInfo& info : AllAlgorithms()) {
    const auto first = MakeHasher(info.algorithm, text.size());
    first->Update(AsBytes(text).first(1'050'001));
    const auto second = first->Clone();
    first->Update(AsBytes("something else"));
    second->Update(AsBytes(text).subspan(1'050'001));
    EXPECT_EQ(second->Finish(), HashBytes(info.algorithm, AsBytes(text))) << info.name;
    EXPECT_NE(first->Finish(), HashBytes(info.algorithm, AsBytes(text))) << info.name;
  }
}

// test_vectors.json of the BLAKE3 authors; byte i of the input is i mod 251.
TEST(Hasher, GivesTheOfficialBlake3Digests) {
  const std::pair<std::size_t, std::string_view> vectors[] = {
      {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
      {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
      {1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"},
      {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
      {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
      {2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"},
      {2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"},
      {3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"},
      {4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"},
      {7169, "a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817"},
  };
  for (const auto& [size, hex] : vectors) {
    EXPECT_EQ(HashBytes(Algorithm::kBlake3, SampleBytes(size)).Hex(), hex) << size;
  }
}

struct SampleVector {
  std::size_t size;  // of SampleBytes
  std::string_view hex;
};

// xxhsum 0.8.1 -H1: each way through the last stripe.
TEST(Hasher, GivesXxhsumsDigests) {
  const SampleVector vectors[] = {
      {0, "ef46db3751d8e999"},    {1, "e934a84adb052768"},  {3, "e5c7bb4533bc65dd"},
      {4, "ffced8604453cc1e"},    {7, "14cc643f630c72d2"},  {8, "884a173614b81b8d"},
      {31, "c346d2b59b4d8ee1"},   {32, "cbf59c5116ff32b4"}, {33, "0c535d1acafb8ead"},
      {63, "e26aa9e2a95f8e4f"},   {64, "f7c67301db6713f0"}, {100, "6ac1e58032166597"},
      {1025, "cfd73aedd2d6a39d"},
  };
  for (const SampleVector& vector : vectors) {
    EXPECT_EQ(HashBytes(Algorithm::kXxh64, SampleBytes(vector.size)).Hex(), vector.hex)
        << vector.size;
  }
}

// git 2.39 hash-object.
TEST(Hasher, GivesGitsBlobIds) {
  const SampleVector vectors[] = {
      {0, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
      {1, "f76dd238ade08917e6712764a16a22005a50573d"},
      {100, "e2ff04130692d9bf4db627c66261452b72332a7b"},
      {1025, "9ed68f60a29388a7fd22af4f315755d002fb613c"},
  };
  for (const SampleVector& vector : vectors) {
    EXPECT_EQ(HashBytes(Algorithm::kGitBlob, SampleBytes(vector.size)).Hex(), vector.hex)
        << vector.size;
  }
}

std::string FirstDigitsOfSha256(ByteSpan bytes, std::size_t digits) {
  return HashBytes(Algorithm::kSha256, bytes).Hex().substr(0, digits);
}

TEST(Hasher, GivesTheShortNamesOfImageModels) {
  constexpr std::size_t kMiB = 1024 * 1024;
  for (const std::size_t size : {std::size_t{0}, kMiB, kMiB + 1, kMiB + 65536, 2 * kMiB}) {
    const std::vector<std::byte> bytes = SampleBytes(size);
    const ByteSpan window =
        ByteSpan(bytes).subspan(std::min(size, kMiB), std::clamp(size, kMiB, kMiB + 65536) - kMiB);
    EXPECT_EQ(HashBytes(Algorithm::kAutoV1, bytes).Hex(),
              FirstDigitsOfSha256(size < kMiB ? ByteSpan() : window, 8))
        << size;
    EXPECT_EQ(HashBytes(Algorithm::kAutoV2, bytes).Hex(), FirstDigitsOfSha256(bytes, 10)) << size;
  }
  // A header of 16 bytes behind its length, then the data.
  std::vector<std::byte> file = SampleBytes(8 + 16 + 100);
  StoreLittle(file.data(), std::uint64_t{16});
  EXPECT_EQ(HashBytes(Algorithm::kAutoV3, file).Hex(),
            FirstDigitsOfSha256(ByteSpan(file).subspan(24), 12));
}

TEST(Hasher, StreamingInOddPiecesEqualsOneShot) {
  const std::vector<std::byte> bytes = SampleBytes(5 * 1024 * 1024 + 4321);
  // Pieces that straddle every block size there is: 64, 128, 1024 and 16384 bytes.
  const std::size_t pieces[] = {1, 0, 63, 64, 65, 127, 1023, 4096, 16383, 16385, 40000, 1048577};
  for (const AlgorithmInfo& info : AllAlgorithms()) {
    const auto hasher = MakeHasher(info.algorithm, bytes.size());
    ByteSpan rest = bytes;
    for (std::size_t i = 0; !rest.empty(); ++i) {
      const std::size_t piece = std::min(pieces[i % std::size(pieces)], rest.size());
      hasher->Update(rest.first(piece));
      rest = rest.subspan(piece);
    }
    EXPECT_EQ(hasher->Finish(), HashBytes(info.algorithm, bytes)) << info.name;
  }
}

TEST(Hasher, AnEmptyPieceChangesNothing) {
  for (const AlgorithmInfo& info : AllAlgorithms()) {
    const auto hasher = MakeHasher(info.algorithm, 3);
    hasher->Update({});
    hasher->Update(AsBytes("abc"));
    hasher->Update({});
    EXPECT_EQ(hasher->Finish(), HashBytes(info.algorithm, AsBytes("abc"))) << info.name;
  }
}

}  // namespace
}  // namespace hallmark
