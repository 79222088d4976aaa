#include "weights/identity.h"

#include <bit>
#include <set>
#include <vector>

#include "tests/weights/identity_text.h"

namespace hallmark {
namespace {

// ---- element types

TEST(DigestTensor, TakesTheFirstTypeThatHoldsEveryElement) {
  const auto type = [](std::string bytes, Dtype dtype, const Shape& shape) {
    const std::string digest = DigestText(std::move(bytes), dtype, shape);
    return digest.substr(0, digest.find(':'));
  };
  EXPECT_EQ(type(F32({1, 0.1f}), Dtype::kF32, {2}), "f32");
  EXPECT_EQ(type(F32({1 + 0x1p-10f, 0x1p100f}), Dtype::kF32, {2}),
            "f32");  // f16 and bf16, not both
  EXPECT_EQ(type(Bits16({0x3c00}), Dtype::kF16, {}), "bf16");
  EXPECT_EQ(type(Le64(std::bit_cast<std::uint64_t>(0.1)), Dtype::kF64, {1}), "f64");
  EXPECT_EQ(type(Le64(std::bit_cast<std::uint64_t>(1.0)), Dtype::kF64, {1}), "bf16");
  EXPECT_EQ(type("", Dtype::kF64, {0, 3}), "bf16");
  EXPECT_EQ(type("", Dtype::kI64, {0}), "i64");
  EXPECT_EQ(type("\1", Dtype::kU8, {1}), "u8");
}

// A misfit late in a large tensor: everything before it is hashed again in the wider type.
TEST(DigestTensor, StartsAgainWhereALateElementDoesNotFit) {
  constexpr std::uint64_t kCount = 3'000'000;  // several spans of 4 MiB
  std::string wide(kCount * 8, '\0'), narrow;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const float value = static_cast<float>(i % 200);
    const bool last = i == kCount - 1;
    const double stored = last ? 1 + 0x1p-20 : value;
    StoreLittle(reinterpret_cast<std::byte*>(wide.data()) + i * 8,
                std::bit_cast<std::uint64_t>(stored));
    narrow += Le32(std::bit_cast<std::uint32_t>(static_cast<float>(stored)));
  }
  const std::string digest = DigestText(narrow, Dtype::kF32, {kCount});
  EXPECT_EQ(digest.substr(0, 4), "f32:");
  EXPECT_EQ(DigestText(wide, Dtype::kF64, {kCount}), digest);
  EXPECT_EQ(DigestText(wide, Dtype::kF64, {kCount}, 1), digest);
  EXPECT_NE(DigestText(wide, Dtype::kF64, {1000, 3000}), digest);
}

TEST(DigestTensor, ReadsBoolsAsTheyAreMeant) {
  EXPECT_EQ(DigestText(std::string("\0\2\xff", 3), Dtype::kBool, {3}),
            DigestText(std::string("\0\1\1", 3), Dtype::kBool, {3}));
}

TEST(DigestTensor, RefusesBytesThatAreNotTheShape) {
  EXPECT_EQ(DigestText("abc", Dtype::kF32, {1}), "got 3 bytes, f32 1 takes 4");
}

// ---- groups

TEST(GroupKey, EndsAtTheFirstNumber) {
  EXPECT_EQ(GroupKey("model.layers.17.mlp.up_proj.weight"), "model.layers.17");
  EXPECT_EQ(GroupKey("h.0.attn.3.weight"), "h.0");
  EXPECT_EQ(GroupKey("0.weight"), "0");
  EXPECT_EQ(GroupKey("7"), "7");
  for (const std::string_view name : {"model.norm.weight", "layers.01.w", "layers.1234567890.w", "",
                                      "layers.-1.w", "layers.1a.w", "v1.5x"}) {
    EXPECT_EQ(GroupKey(name), "globals") << name;
  }
}

TEST(GroupKeyLess, PutsGlobalsFirstAndCountsAsPeopleDo) {
  const std::vector<std::string> order = {"globals", "0",     "3",        "a.9",
                                          "a.10",    "a.b.1", "layers.2", "layers.10"};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) {
      EXPECT_EQ(GroupKeyLess(order[i], order[j]), i < j) << order[i] << " " << order[j];
    }
  }
}

// ---- what changes an identity and what does not

std::vector<FakeTensor> TinyHuggingFace() {
  return {Numbers("model.embed_tokens.weight", {6, 4}), Numbers("model.norm.weight", {4}),
          Numbers("model.layers.0.self_attn.q_proj.weight", {4, 4}),
          Numbers("model.layers.0.self_attn.k_proj.weight", {4, 4}),
          Numbers("model.layers.0.self_attn.v_proj.weight", {4, 4})};
}

TEST(Identity, HangsOnEveryBitAndOnNames) {
  const std::string base = IdentityText(FakeModel({TinyHuggingFace()}));
  ASSERT_EQ(base.substr(0, 4), "hm1:");
  for (std::size_t t = 0; t < 5; ++t) {
    auto flipped = TinyHuggingFace();
    flipped[t].bytes[5] = static_cast<char>(flipped[t].bytes[5] ^ 1);
    EXPECT_NE(IdentityText(FakeModel({flipped})), base) << t;
  }
  auto swapped = TinyHuggingFace();
  std::swap(swapped[3].bytes, swapped[4].bytes);
  EXPECT_NE(IdentityText(FakeModel({swapped})), base);
  auto reshaped = TinyHuggingFace();
  reshaped[4].shape = {2, 8};
  EXPECT_NE(IdentityText(FakeModel({reshaped})), base);
  auto fewer = TinyHuggingFace();
  fewer.pop_back();
  EXPECT_NE(IdentityText(FakeModel({fewer})), base);
  auto renamed = TinyHuggingFace();
  renamed[2].name = "model.layers.1.self_attn.q_proj.weight";
  EXPECT_NE(IdentityText(FakeModel({renamed})), base);
}

TEST(Identity, DoesNotHangOnOrderTypeOrOnes) {
  const std::string base = IdentityText(FakeModel({TinyHuggingFace()}));
  auto reversed = TinyHuggingFace();
  std::ranges::reverse(reversed);
  EXPECT_EQ(IdentityText(FakeModel({reversed})), base);
  auto ones = TinyHuggingFace();
  ones[1].shape = {1, 4, 1};
  EXPECT_EQ(IdentityText(FakeModel({ones})), base);
  auto wide = TinyHuggingFace();
  std::string doubles;
  for (std::size_t i = 0; i < wide[0].bytes.size(); i += 4) {
    const auto bits = LoadLittle<std::uint32_t>(AsBytes(wide[0].bytes).data() + i);
    doubles += Le64(std::bit_cast<std::uint64_t>(static_cast<double>(std::bit_cast<float>(bits))));
  }
  wide[0].dtype = Dtype::kF64;
  wide[0].bytes = doubles;
  EXPECT_EQ(IdentityText(FakeModel({wide})), base);
}

TEST(Identity, DropsATiedOutputWhateverItsType) {
  auto tied = TinyHuggingFace();
  const std::string base = IdentityText(FakeModel({tied}));
  tied.push_back({"lm_head.weight", Dtype::kF32, tied[0].shape, tied[0].bytes});
  const auto model = FakeModel({tied});
  const auto identity = ComputeIdentity(*model, {});
  ASSERT_TRUE(Ok(identity));
  EXPECT_EQ(identity->ToString(), base);
  ASSERT_EQ(identity->left_out.size(), 1u);
  EXPECT_EQ(identity->left_out[0].stored_name, "lm_head.weight");
  tied.back().bytes[3] ^= 1;
  EXPECT_NE(IdentityText(FakeModel({tied})), base);
}

TEST(Identity, NeverHoldsARawOneForAFullOne) {
  auto odd = TinyHuggingFace();
  odd.push_back(Numbers("model.vision.weight", {2}));
  EXPECT_EQ(IdentityText(FakeModel({odd})).substr(0, 7), "hm1raw:");
}

TEST(Identity, RefusesReplicasThatDiffer) {
  ModelConfig config;
  config.hidden_size = 4;
  config.n_heads = 2;
  std::vector<std::vector<FakeTensor>> ranks = {
      {Numbers("norm.weight", {4}), Numbers("layers.0.attention.wv.weight", {2, 4})},
      {Numbers("norm.weight", {4}), Numbers("layers.0.attention.wv.weight", {2, 4})}};
  EXPECT_EQ(IdentityText(FakeModel(ranks, config)).substr(0, 4), "hm1:");
  ranks[1][0].bytes[0] ^= 1;
  EXPECT_EQ(IdentityText(FakeModel(ranks, config)),
            "error: rank0 and rank1 should hold the same copy of it, and differ: no weight "
            "identity (first at byte 0 of the tensor)");
}

TEST(Identity, StopsWhenAsked) {
  const std::atomic<bool> stopped = true;
  const auto model = FakeModel({TinyHuggingFace()});
  const auto identity = ComputeIdentity(*model, {.stopped = &stopped});
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().code, Errc::kInterrupted);
}

std::string IdentityOfCopyText(const Model& copy, const Model& model) {
  const auto known = ComputeIdentity(model, {});
  if (!known) return known.error().message;
  const auto identity = ComputeIdentityOfCopy(copy, model, *known, {.threads = 2});
  return identity ? identity->ToString() : identity.error().message;
}

// What two models have in common is not hashed again, and that changes nothing.
TEST(IdentityOfCopy, IsTheOneOfTheCopyAlone) {
  const auto base = TinyHuggingFace();
  auto changed = base, wider = base, tied = base, fewer = base;
  changed[1].bytes[5] ^= 1;
  for (FakeTensor& tensor : wider) {
    std::string doubles;
    for (std::size_t i = 0; i < tensor.bytes.size(); i += 4) {
      const auto bits = LoadLittle<std::uint32_t>(AsBytes(tensor.bytes).data() + i);
      doubles +=
          Le64(std::bit_cast<std::uint64_t>(static_cast<double>(std::bit_cast<float>(bits))));
    }
    tensor.dtype = Dtype::kF64;
    tensor.bytes = doubles;
  }
  tied.push_back({"lm_head.weight", Dtype::kF32, tied[0].shape, tied[0].bytes});
  fewer.pop_back();
  std::string reshaped_name = "model.vision.weight";
  auto flat = base, square = base;
  flat.push_back(Numbers(reshaped_name, {4}));
  square.push_back(Numbers(reshaped_name, {2, 2}));
  const std::vector<std::vector<FakeTensor>> models = {base,  changed, wider, tied,
                                                       fewer, flat,    square};
  std::set<std::string> different;
  for (const auto& a : models) {
    for (const auto& b : models) {
      const auto model = FakeModel({a}), copy = FakeModel({b});
      EXPECT_EQ(IdentityOfCopyText(*copy, *model), IdentityText(copy));
      different.insert(IdentityOfCopyText(*copy, *model));
    }
  }
  EXPECT_EQ(different.size(), 5u);  // base, wider and tied are one
}

TEST(IdentityOfCopy, IsNotTheModelsWhereTheLastValueDiffers) {
  constexpr std::uint64_t kCount = 1'500'000;  // more than a thread compares at once
  const std::string bytes(kCount * 4, '\0');
  std::string other = bytes;
  other.back() = 1;
  const auto model = FakeModel({{{"a", Dtype::kF32, {kCount}, bytes}}});
  const auto copy = FakeModel({{{"a", Dtype::kF32, {kCount}, other}}});
  EXPECT_EQ(IdentityOfCopyText(*model, *model), IdentityText(model));
  EXPECT_EQ(IdentityOfCopyText(*copy, *model), IdentityText(copy));
  EXPECT_NE(IdentityText(copy), IdentityText(model));
}

// Each file is told once however often a tensor is begun again.
TEST(Identity, ReportsEveryByteOnce) {
  struct Sink final : ProgressSink {
    std::atomic<std::uint64_t> total = 0, done = 0;
    void Begin(std::string_view, std::uint64_t bytes, std::uint64_t) override { total = bytes; }
    void Advance(std::uint64_t bytes) override { done += bytes; }
    void FileDone(std::string_view) override {}
  } sink;
  const auto model = FakeModel({TinyHuggingFace()});
  ASSERT_TRUE(Ok(ComputeIdentity(*model, {.threads = 2, .progress = &sink})));
  EXPECT_EQ(sink.done, sink.total);
  EXPECT_EQ(sink.total, (24u + 4 + 16 * 3) * 4);
}

}  // namespace
}  // namespace hallmark
