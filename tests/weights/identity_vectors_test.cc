// The vectors of docs/identity.md: element types of tensors, and one model in every container.
#include "tests/weights/identity_text.h"

namespace hallmark {
namespace {

TEST(IdentityVectors, Tensors) {
  EXPECT_EQ(DigestText(F32({0, 1, -2, 0.5f, 3, -0.0f}), Dtype::kF32, {2, 3}),
            "bf16: 9432ab5d2a572c1f3744be3d3b2e6a6301fbc38178fc7578c3fbe3cdb6c2906d");
  EXPECT_EQ(DigestText(F32({1, 1 + 0x1p-10f}), Dtype::kF32, {2}),
            "f16: 9289adc79c3a0a4fee258b10d608c7bb7b32176efe94c6056a0d2e48985207f3");
  EXPECT_EQ(DigestText(F32({0x1p-24f, 65504}), Dtype::kF32, {1, 2}),
            "f16: 307097787335ffc77ba1391e17e847459660337b3bd4f2dccb89f82ea14876ba");
  EXPECT_EQ(DigestText(F32({0.1f}), Dtype::kF32, {1}),
            "f32: de667afa5b3ad84220874048856e43e9ade4b8d4625191a01ad3180ab2223f7a");
  EXPECT_EQ(DigestText(Le32(0x7fc00000) + Le32(0x7f802000), Dtype::kF32, {2}),
            "f16: a53b3a06b25f7369b3cfb0a7adb25dd8f1e4dfbc4c5c0e9402e0fda73167ed0b");
  EXPECT_EQ(DigestText(Bits16({0x3c00, 0x7bff}), Dtype::kF16, {2}),
            "f16: 69a9c8a7df9bb552cadcf707136010f90cdb74c1fb0dd983445e90065de61c05");
}

constexpr std::string_view kTiny =
    "hm1:f002385abf1bde44ed161deb1aa760168242ff88844c4a9c9e9a6781181f17ee";

class SameModel : public testing::TestWithParam<const char*> {};

TEST_P(SameModel, HasOneIdentityInEveryContainer) {
  EXPECT_EQ(IdentityText(FixturePath(GetParam())), kTiny);
}

INSTANTIATE_TEST_SUITE_P(IdentityVectors, SameModel,
                         testing::Values("meta-llama2-bf16", "meta-llama3-fp16",
                                         "meta-llama2-bf16/consolidated.01.pth", "hf-bin",
                                         "hf-legacy", "hf-safetensors-bf16", "hf-safetensors-f16",
                                         "hf-safetensors-f32", "hf-safetensors-sharded",
                                         "hf-safetensors-sharded/model-00002-of-00002.safetensors",
                                         "hf-safetensors-sharded/model.safetensors.index.json",
                                         "hf-safetensors-f32/model.safetensors",
                                         "gguf/tiny-f32.gguf", "gguf/tiny-f16.gguf",
                                         "gguf/tiny-bf16.gguf", "gguf-split",
                                         "gguf-split/tiny-f16-00002-of-00002.gguf",
                                         "npz/model-f32.npz", "npz/model-f16-deflate.npz"));

TEST(IdentityVectors, QuantisedAndOtherModels) {
  EXPECT_EQ(IdentityText(FixturePath("gguf/tiny-Q4_0.gguf")),
            "hm1:2851fa043a4ef46b0213b163b5a5cba3fd44386d2857c88b7e5da1d77405fbba");
  EXPECT_EQ(IdentityText(FixturePath("gguf/k256-f16.gguf")),
            "hm1:3045289fb348ef3b9081cdc1d5b55da75aae8fc2858a9a8a05809675afcc7af8");
}

}  // namespace
}  // namespace hallmark
