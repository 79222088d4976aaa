#include "tests/support/expected.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "src/base/text.h"
#include "src/json/json_reader.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

struct Spelling {
  std::string_view theirs;
  std::string_view ours;
};

// Where lower case alone does not do.
constexpr std::array kSpellings = {
    Spelling{"F4", "f4_e2m1"},
    Spelling{"|b1", "bool"},
    Spelling{"|u1", "u8"},
    Spelling{"<i2", "i16"},
    Spelling{"<f2", "f16"},
    Spelling{"<f4", "f32"},
    Spelling{">f4", "f32"},
    Spelling{"<f8", "f64"},
    Spelling{"<c8", "c64"},
    Spelling{"|V2", "bf16"},  // what numpy makes of the '<V2' that ml_dtypes wrote
    Spelling{"float64", "f64"},
    Spelling{"float32", "f32"},
    Spelling{"float16", "f16"},
    Spelling{"bfloat16", "bf16"},
    Spelling{"uint8", "u8"},
    Spelling{"int8", "i8"},
    Spelling{"uint16", "u16"},
    Spelling{"int16", "i16"},
    Spelling{"uint32", "u32"},
    Spelling{"int32", "i32"},
    Spelling{"uint64", "u64"},
    Spelling{"int64", "i64"},
    Spelling{"complex32", "c32"},
    Spelling{"complex64", "c64"},
    Spelling{"complex128", "c128"},
    Spelling{"float8_e4m3fn", "f8_e4m3"},
    Spelling{"float8_e5m2", "f8_e5m2"},
    Spelling{"float8_e4m3fnuz", "f8_e4m3fnuz"},
    Spelling{"float8_e5m2fnuz", "f8_e5m2fnuz"},
    Spelling{"float8_e8m0fnu", "f8_e8m0"},
    Spelling{"float4_e2m1fn_x2", "f4_e2m1"},
};

std::string OurDtypeName(std::string_view theirs) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.theirs == theirs) return std::string(spelling.ours);
  }
  return AsciiLower(theirs);
}

std::string TextOf(JsonValue object, std::string_view key) {
  const auto value = object.Find(key);
  return std::string(value ? value->AsString().value_or("") : "");
}

std::vector<std::uint64_t> NumbersOf(JsonValue object, std::string_view key) {
  std::vector<std::uint64_t> numbers;
  if (const auto value = object.Find(key)) {
    for (const JsonValue item : value->Items()) numbers.push_back(item.AsU64().value());
  }
  return numbers;
}

ExpectedTensor ReadTensor(JsonValue value) {
  ExpectedTensor tensor;
  const std::string type = TextOf(value, "type");  // of ggml
  tensor.dtype = OurDtypeName(type.empty() ? TextOf(value, "dtype") : type);
  tensor.shape = NumbersOf(value, type.empty() ? "shape" : "ne");
  if (!type.empty()) std::reverse(tensor.shape.begin(), tensor.shape.end());
  tensor.sha256 = TextOf(value, "sha256");
  if (tensor.sha256.empty()) tensor.sha256 = TextOf(value, "sha256_le");
  tensor.f32_sha256 = TextOf(value, "f32_sha256");
  if (tensor.sha256.empty()) tensor.sha256 = tensor.f32_sha256;
  if (tensor.dtype.empty()) tensor.dtype = "f32";  // of a format that holds nothing else
  if (const auto offset = value.Find("offset")) tensor.offset = offset->AsU64();
  if (const auto offsets = NumbersOf(value, "offsets"); !offsets.empty())
    tensor.offset = offsets[0];
  return tensor;
}

// The type numbers of legacy GGML mean other blocks in each version, which have names of their own
// here: q4_0 of GGML, GGMF and GGJT 1 is q4_0_ggjt1.
void NameLegacyBlocks(JsonValue value, ExpectedFile& file) {
  const bool is_ggjt = TextOf(value, "magic") == "ggjt";
  const std::uint64_t generation = is_ggjt ? value.Find("version")->AsU64().value() : 1;
  for (auto& [name, tensor] : file.tensors) {
    if (tensor.dtype == "q4_0" && generation < 3) {
      tensor.dtype += "_ggjt" + std::to_string(generation);
    }
  }
}

// expected.json lists the weights of llama2.c's file. Its rotary tables are, in numpy,
// f(np.outer(np.arange(16), 1 / 10000 ** (np.arange(0, 16, 2, np.float32) /
// 16)).astype(np.float32)).
void AddRotaryTables(ExpectedFile& file) {
  file.tensors["freqs_cos"] = {"f32",
                               {16, 8},
                               "395f7f9b28597b80d9bd9b0269bf3e8e45ed9d914f6847582411f5b86d68bc9c",
                               std::nullopt};
  file.tensors["freqs_sin"] = {"f32",
                               {16, 8},
                               "9b0f3bb774433b5f76f68a5c8e9c5ed8411c7d205bc8ac699404e9d3c66001a9",
                               std::nullopt};
}

// Those of one folder, given relative to tests/vectors/fixtures.
void ReadExpectedFiles(const std::string& folder, std::vector<ExpectedFile>& files) {
  const auto document = JsonDocument::Parse(ReadFixture(folder + "expected.json"), folder);
  EXPECT_TRUE(Ok(document));
  for (const JsonMember& member : document->Root().Find("files")->Members()) {
    const auto tensors = member.value.Find("tensors");
    const auto kept = member.value.Find("kept");
    if (!tensors || !tensors->IsObject() || (kept && kept->AsBool() == false)) continue;
    ExpectedFile file;
    file.path = folder + std::string(member.key);
    file.format = TextOf(member.value, "format");
    file.size = member.value.Find("size")->AsU64().value();
    for (const JsonMember& tensor : tensors->Members()) {
      file.tensors.emplace(tensor.key, ReadTensor(tensor.value));
    }
    if (file.format == "ggml-legacy") NameLegacyBlocks(member.value, file);
    if (file.format == "llama2.c") AddRotaryTables(file);
    files.push_back(std::move(file));
  }
}

std::vector<ExpectedFile> ReadExpectedFiles() {
  std::vector<ExpectedFile> files;
  for (const char* folder : {"", "../onnx/", "../dcp/"}) ReadExpectedFiles(folder, files);
  return files;
}

}  // namespace

const std::vector<ExpectedFile>& ExpectedFiles() {
  static const std::vector<ExpectedFile> files = ReadExpectedFiles();
  return files;
}

const ExpectedFile& ExpectedOf(std::string_view path) {
  for (const ExpectedFile& file : ExpectedFiles()) {
    if (file.path == path) return file;
  }
  ADD_FAILURE() << path << " is not in expected.json";
  static const ExpectedFile none;
  return none;
}

std::string Sha256Hex(ByteSpan bytes) {
  std::array<std::byte, 32> digest;
  HM_CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                      nullptr, EVP_sha256(), nullptr) == 1);
  return ToHex(digest);
}

}  // namespace hallmark
