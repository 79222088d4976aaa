#include "formats/llama2c.h"

#include "formats/registry.h"
#include "tests/formats/llama2c_bytes.h"

namespace hallmark {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Llama2cConfig kSmall = {4, 6, 2, 2, 1, 3, 5};
// Two norms and q, k, v, o, w1 to w3 of two layers, the final norm, the embedding.
constexpr std::size_t kSmallValues = 2 * (2 * 4 + 2 * 16 + 2 * 8 + 3 * 24) + 4 + 12;
constexpr std::size_t kSmallTables = 2 * 5 * 1;

std::string Values(std::size_t count) { return std::string(count * 4, 'v'); }

struct Opened {
  std::unique_ptr<File> file;
  std::unique_ptr<ModelReader> reader;  // null: it did not open
  std::string error;
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const TensorInfo& tensor : reader->Tensors()) names.push_back(tensor.name);
    return names;
  }
};
Opened Open(std::string_view text) {
  Opened opened{TestFile(text), nullptr, ""};
  auto reader = OpenContainer(*opened.file);
  if (reader) {
    opened.reader = *std::move(reader);
  } else {
    opened.error = reader.error().message;
  }
  return opened;
}

TEST(Llama2c, ReadsVersion0WithASharedClassifier) {
  const Opened opened = Open(Llama2cHeader(kSmall) + Values(kSmallValues + kSmallTables));

  ASSERT_NE(opened.reader, nullptr) << opened.error;
  EXPECT_EQ(opened.reader->FormatDetail(), "llama2.c v0");
  EXPECT_THAT(
      opened.Names(),
      ElementsAre("tok_embeddings.weight", "layers.0.attention_norm.weight",
                  "layers.1.attention_norm.weight", "layers.0.attention.wq.weight",
                  "layers.1.attention.wq.weight", "layers.0.attention.wk.weight",
                  "layers.1.attention.wk.weight", "layers.0.attention.wv.weight",
                  "layers.1.attention.wv.weight", "layers.0.attention.wo.weight",
                  "layers.1.attention.wo.weight", "layers.0.ffn_norm.weight",
                  "layers.1.ffn_norm.weight", "layers.0.feed_forward.w1.weight",
                  "layers.1.feed_forward.w1.weight", "layers.0.feed_forward.w2.weight",
                  "layers.1.feed_forward.w2.weight", "layers.0.feed_forward.w3.weight",
                  "layers.1.feed_forward.w3.weight", "norm.weight", "freqs_cos", "freqs_sin"));
  const auto tensors = opened.reader->Tensors();
  EXPECT_EQ(tensors[5].shape, (Shape{2, 4}));   // wk: one head of two
  EXPECT_EQ(tensors[15].shape, (Shape{4, 6}));  // w2
  EXPECT_EQ(tensors[20].shape, (Shape{5, 1}));
  EXPECT_EQ(tensors.back().stored.End(), opened.file->Size());
  EXPECT_EQ(opened.reader->Metadata()[4].key, "n_kv_heads");
  EXPECT_EQ(opened.reader->Metadata()[4].value, MetadataValue(std::int64_t{1}));
}

TEST(Llama2c, ReadsVersion1) {
  const Opened shared = Open(Llama2cHeader(1, kSmall, "\1") + Values(kSmallValues));
  ASSERT_NE(shared.reader, nullptr) << shared.error;
  EXPECT_EQ(shared.reader->FormatDetail(), "llama2.c v1");
  const std::vector<std::string> names = shared.Names();
  EXPECT_EQ(names[0], "layers.0.attention_norm.weight");
  EXPECT_EQ(names[2], "layers.0.ffn_norm.weight");
  EXPECT_EQ(names[4], "norm.weight");
  EXPECT_EQ(names[5], "tok_embeddings.weight");
  EXPECT_EQ(names[6], "layers.0.attention.wq.weight");
  EXPECT_EQ(names.back(), "layers.1.feed_forward.w3.weight");
  EXPECT_EQ(shared.reader->Tensors()[0].stored.offset, 256u);

  const Opened apart = Open(Llama2cHeader(1, kSmall, "\0"s) + Values(kSmallValues + 12));
  ASSERT_NE(apart.reader, nullptr) << apart.error;
  EXPECT_EQ(apart.Names().back(), "output.weight");
}

// Quants and scales of a matrix follow one another; norms stay f32.
TEST(Llama2c, ReadsVersion2AsQuantsAndScales) {
  const std::size_t norms = 2 * 8 + 4, matrices = kSmallValues - norms;
  const Opened opened = Open(Llama2cHeader(2, kSmall, "\1" + Le32(4)) + Values(norms) +
                             std::string(matrices, 'q') + Values(matrices / 4));

  ASSERT_NE(opened.reader, nullptr) << opened.error;
  EXPECT_EQ(opened.reader->FormatDetail(), "llama2.c v2, groups of 4");
  const auto tensors = opened.reader->Tensors();
  EXPECT_EQ(tensors[4].name, "norm.weight");
  EXPECT_EQ(tensors[4].dtype, Dtype::kF32);
  EXPECT_EQ(tensors[5].name, "tok_embeddings.weight");
  EXPECT_EQ(tensors[5].dtype, Dtype::kI8);
  EXPECT_EQ(tensors[5].shape, (Shape{3, 4}));
  EXPECT_EQ(tensors[6].name, "tok_embeddings.scales");
  EXPECT_EQ(tensors[6].dtype, Dtype::kF32);
  EXPECT_EQ(tensors[6].shape, (Shape{3}));
  EXPECT_EQ(tensors[6].stored.offset, tensors[5].stored.End());
  EXPECT_EQ(tensors.back().stored.End(), opened.file->Size());
}

TEST(Llama2c, RefusesBrokenHeaders) {
  struct Row {
    std::string_view what;
    std::string text;
    std::string_view message;
  };
  const std::string data = Values(kSmallValues);
  std::string padded = Llama2cHeader(1, kSmall, "\1") + data;
  padded[255] = 'x';
  Llama2cConfig negative = kSmall;
  negative[5] = -3;  // a sign is a flag in version 0 only
  for (const Row& row :
       {Row{"version", Llama2cHeader(3, kSmall, "\1") + data, "this is llama2.c version 3"},
        Row{"flag", Llama2cHeader(1, kSmall, "\2") + data, "shared_classifier is 2"},
        Row{"rest", padded, "unused rest"},
        Row{"sign", Llama2cHeader(1, negative, "\1") + data, "no model has these"},
        Row{"heads", Llama2cHeader(1, {4, 6, 2, 3, 1, 3, 5}, "\1") + data, "no model has these"},
        Row{"layers", Llama2cHeader(1, {4, 6, 1 << 30, 2, 1, 3, 5}, "\1"), "no model has these"},
        Row{"group", Llama2cHeader(2, kSmall, "\1" + Le32(0)) + data, "not whole groups of 0"},
        Row{"group", Llama2cHeader(2, kSmall, "\1" + Le32(5)) + data, "not whole groups of 5"},
        Row{"group", Llama2cHeader(2, kSmall, "\1" + Le32(0xfffffffc)) + data,
            "not whole groups of -4"},
        Row{"longer", Llama2cHeader(1, kSmall, "\1") + data + "x", "the header stands for"},
        Row{"shorter", Llama2cHeader(1, kSmall, "\1") + data.substr(1), "the header stands for"},
        Row{"cut", Llama2cHeader(1, kSmall, "\1").substr(0, 99), "the header takes 256 bytes"}}) {
    const Opened opened = Open(row.text);
    EXPECT_EQ(opened.reader, nullptr) << row.what;
    EXPECT_THAT(opened.error, HasSubstr(row.message)) << row.what;
  }
}

// Version 0 has no magic, so nothing may be taken for it that is not of exactly the right size.
TEST(Llama2c, TakesNothingElseForVersion0) {
  const auto is_taken = [](const std::string& text) {
    const auto file = TestFile(text);
    const std::vector<std::byte> head = *ReadHead(*file);
    return SniffLlama2c({head, file->Size()});
  };
  const std::string honest = Llama2cHeader(kSmall) + Values(kSmallValues + kSmallTables);
  EXPECT_TRUE(is_taken(honest));
  EXPECT_FALSE(is_taken(honest + "x"));
  EXPECT_FALSE(is_taken(honest.substr(1)));
  EXPECT_FALSE(is_taken(honest.substr(0, 27)));
  EXPECT_FALSE(is_taken(std::string(28, '\0')));
  for (std::size_t i = 0; i < kSmall.size(); ++i) {
    for (const std::int32_t value : {0, INT32_MIN, INT32_MAX, -kSmall[i]}) {
      Llama2cConfig config = kSmall;
      config[i] = value;
      EXPECT_FALSE(is_taken(Llama2cHeader(config) + Values(kSmallValues + kSmallTables)))
          << i << " " << value;
    }
  }
}

}  // namespace
}  // namespace hallmark
