#include "verify/diff/explain/explain.h"

#include <atomic>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <random>

#include "src/kernels/quantise.h"
#include "tests/support/test_support.h"
#include "verify/diff/explain/low_rank.h"

namespace hallmark {
namespace {

using testing::HasSubstr;
using Kind = Explanation::Kind;

constexpr std::uint64_t kWidth = 192;  // three heads of 64

std::uint16_t ToBf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
float FromBf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::vector<std::byte> Bf16Bytes(const std::vector<float>& values) {
  std::vector<std::byte> out(values.size() * 2);
  for (std::size_t i = 0; i < values.size(); ++i) StoreLittle(&out[2 * i], ToBf16(values[i]));
  return out;
}

struct Weights {
  std::string name, group;
  Shape shape;
  std::vector<float> a, b;  // representable in bf16 / rounded to it
};

// A small model in bf16 and a changed copy of it.
class Pair {
 public:
  explicit Pair(unsigned seed = 1) : random_(seed) {
    AddMatrix("model.embed_tokens.weight", "globals", 512, kWidth);
    for (const std::string layer : {"model.layers.0", "model.layers.1"}) {
      AddVector(layer + ".input_layernorm.weight", layer);
      for (const char* name : {"q", "k", "v", "o"}) {
        AddMatrix(layer + ".self_attn." + name + "_proj.weight", layer, kWidth, kWidth);
      }
      AddMatrix(layer + ".mlp.gate_proj.weight", layer, 384, kWidth);
      AddMatrix(layer + ".mlp.up_proj.weight", layer, 384, kWidth);
      AddMatrix(layer + ".mlp.down_proj.weight", layer, kWidth, 384);
    }
    AddVector("model.norm.weight", "globals");
  }

  float Normal(float size = 1) { return size * normal_(random_); }
  float Uniform() { return std::uniform_real_distribution<float>(0, 1)(random_); }

  Weights& Find(std::string_view name) {
    const auto found = std::ranges::find_if(
        tensors_, [&](const Weights& t) { return t.name.find(name) != std::string::npos; });
    HM_CHECK(found != tensors_.end());
    return *found;
  }
  // Changes every tensor of B whose name holds `part`, matrices only.
  void Each(std::string_view part, const std::function<void(Weights&)>& change) {
    for (Weights& tensor : tensors_) {
      if (tensor.shape.size() > 1 && tensor.name.find(part) != std::string::npos) change(tensor);
    }
  }
  // Replaces the bytes of B of one tensor, of type bf16 if no other is given.
  void SetBytes(const std::string& name, std::vector<std::byte> bytes, Dtype dtype = Dtype::kBf16) {
    bytes_[name] = {std::move(bytes), dtype};
  }

  Result<std::vector<Explanation>> Explain(const Task& task = {}) {
    std::vector<std::unique_ptr<File>> files;
    std::vector<std::unique_ptr<ValueComparison>> measured;
    std::vector<DifferingTensor> differing;
    for (const Weights& tensor : tensors_) {
      Dtype dtype = Dtype::kBf16;
      files.push_back(MakeMemoryFile(Bf16Bytes(tensor.a), "a"));
      const File* a = files.back().get();
      std::vector<std::byte> bytes = Bf16Bytes(tensor.b);
      if (const auto set = bytes_.find(tensor.name); set != bytes_.end()) {
        std::tie(bytes, dtype) = set->second;
      }
      measured.push_back(std::make_unique<ValueComparison>());
      CompareValuesByDefinition(Dtype::kBf16, Bf16Bytes(tensor.a), dtype, bytes,
                                measured.back().get());
      files.push_back(MakeMemoryFile(std::move(bytes), "b"));
      TensorDiff& diff = report.tensors.emplace_back();
      diff.a = diff.b = TensorDiff::Side{tensor.name, tensor.name, Dtype::kBf16, tensor.shape};
      diff.group = tensor.group;
      if (measured.back()->differing == 0) continue;
      differing.push_back({tensor.name, tensor.group, tensor.shape, Dtype::kBf16, dtype, a,
                           files.back().get(), measured.back().get()});
    }
    return hallmark::Explain(report, differing, task);
  }

  DiffReport report;

 private:
  void AddMatrix(std::string name, std::string group, std::uint64_t rows, std::uint64_t columns) {
    Weights tensor{std::move(name), std::move(group), {rows, columns}};
    for (std::uint64_t r = 0; r < rows; ++r) {
      const float size = 0.02f * std::exp(Normal(0.3f));
      for (std::uint64_t c = 0; c < columns; ++c)
        tensor.a.push_back(FromBf16(ToBf16(Normal(size))));
    }
    tensor.b = tensor.a;
    tensors_.push_back(std::move(tensor));
  }
  void AddVector(std::string name, std::string group) {
    Weights tensor{std::move(name), std::move(group), {kWidth}};
    for (std::uint64_t i = 0; i < kWidth; ++i)
      tensor.a.push_back(FromBf16(ToBf16(1 + Normal(0.2f))));
    tensor.b = tensor.a;
    tensors_.push_back(std::move(tensor));
  }

  std::mt19937 random_;
  std::normal_distribution<float> normal_;
  std::vector<Weights> tensors_;
  std::map<std::string, std::pair<std::vector<std::byte>, Dtype>> bytes_;
};

// Adds a matrix of rank `rank`, `size` to a value.
void AddLowRank(Pair* pair, Weights* tensor, std::size_t rank, float size) {
  const std::uint64_t rows = tensor->shape[0], columns = tensor->shape[1];
  std::vector<float> left(rows * rank), right(columns * rank);
  for (float& x : left) x = pair->Normal();
  for (float& x : right) x = pair->Normal();
  for (std::uint64_t i = 0; i < tensor->b.size(); ++i) {
    float sum = 0;
    for (std::size_t k = 0; k < rank; ++k) {
      sum += left[i / columns * rank + k] * right[i % columns * rank + k];
    }
    tensor->b[i] += size * sum / std::sqrt(static_cast<float>(rank));
  }
}

double NumberOf(const Explanation& explanation, std::string_view name) {
  const auto found = std::ranges::find(explanation.numbers, name, &Explanation::Number::name);
  return found == explanation.numbers.end() ? NAN : found->value;
}

// The one explanation that a pair must have.
Explanation Only(Pair* pair) {
  const auto all = pair->Explain();
  EXPECT_TRUE(Ok(all));
  EXPECT_EQ(all->size(), 1u);
  if (all->empty()) return {};
  for (const Explanation& each : *all) EXPECT_FALSE(each.text.empty());
  return all->front();
}

TEST(Explain, SaysNothingWhereNothingDiffers) {
  Pair pair;
  const auto all = pair.Explain();
  ASSERT_TRUE(Ok(all));
  EXPECT_TRUE(all->empty());
}

TEST(Explain, FindsTheRankOfAMergedUpdate) {
  for (const std::size_t rank : {1, 8, 24}) {
    Pair pair;
    pair.Each("_proj", [&](Weights& t) { AddLowRank(&pair, &t, rank, 0.002f); });
    const Explanation found = Only(&pair);
    EXPECT_EQ(found.kind, Kind::kLowRank) << found.text;
    EXPECT_EQ(NumberOf(found, "rank"), static_cast<double>(rank));
    EXPECT_GT(NumberOf(found, "energy_share"), 0.9);
  }
}

TEST(Explain, NamesTheTensorOfARankOneEdit) {
  Pair pair;
  Weights& edited = pair.Find("layers.1.mlp.down_proj");
  AddLowRank(&pair, &edited, 1, 0.002f);
  const Explanation found = Only(&pair);
  EXPECT_EQ(found.kind, Kind::kLowRank);
  EXPECT_EQ(found.subject, edited.name);
  EXPECT_EQ(NumberOf(found, "rank"), 1);
}

TEST(Explain, TellsTrainingFromNoise) {
  Pair trained;
  trained.Each("", [&](Weights& t) {
    for (const std::size_t rank : {1, 2, 4, 8, 16, 32, 64}) AddLowRank(&trained, &t, rank, 3e-4f);
    for (float& x : t.b) x += trained.Normal(5e-4f);
  });
  EXPECT_EQ(Only(&trained).kind, Kind::kFineTune);

  Pair noisy;
  noisy.Each("", [&](Weights& t) {
    for (float& x : t.b) x += noisy.Normal(2e-4f);
  });
  const Explanation found = Only(&noisy);
  EXPECT_EQ(found.kind, Kind::kNoise) << found.text;
  EXPECT_NEAR(NumberOf(found, "sigma"), 2e-4, 1e-5);
  EXPECT_NEAR(NumberOf(found, "kurtosis"), 3, 0.3);

  // One size, random signs: white as noise is, but not Gaussian.
  Pair steps;
  steps.Each("", [&](Weights& t) {
    for (float& x : t.b) x += steps.Uniform() < 0.5f ? 5e-4f : -5e-4f;
  });
  EXPECT_EQ(Only(&steps).kind, Kind::kFineTune);
}

TEST(Explain, NamesAnEditOfOneTensor) {
  Pair pair;
  Weights& edited = pair.Find("layers.0.self_attn.q_proj");
  for (std::uint64_t r = 20; r < 50; ++r) {
    for (std::uint64_t c = 30; c < 90; ++c) edited.b[r * kWidth + c] *= 0.5f;
  }
  const Explanation found = Only(&pair);
  EXPECT_EQ(found.kind, Kind::kTensorEdit) << found.text;
  EXPECT_EQ(found.subject, edited.name);
  EXPECT_EQ(NumberOf(found, "first_row"), 20);
  EXPECT_EQ(NumberOf(found, "last_row"), 49);
}

TEST(Explain, CallsOtherRowsAnEditAndNoLowRank) {
  Pair pair;
  Weights& edited = pair.Find("embed_tokens");
  for (const std::uint64_t r : {3, 170, 444}) {
    for (std::uint64_t c = 0; c < kWidth; ++c) edited.b[r * kWidth + c] = pair.Normal(0.02f);
  }
  EXPECT_EQ(Only(&pair).kind, Kind::kTensorEdit);
}

TEST(Explain, GivesTheBytesOfDamage) {
  const auto damaged = [](std::size_t from, std::size_t size, bool zeros) {
    Pair pair;
    const Weights& tensor = pair.Find("layers.1.mlp.up_proj");
    std::vector<std::byte> bytes = Bf16Bytes(tensor.b);
    std::mt19937 random(3);
    for (std::size_t i = from; i < from + size; ++i) {
      // Never what it was, so that the first and the last byte are known.
      const std::byte to = zeros ? std::byte{0} : static_cast<std::byte>(random());
      bytes[i] = to == bytes[i] && !zeros ? ~to : to;
    }
    pair.SetBytes(tensor.name, bytes);
    return Only(&pair);
  };
  Explanation found = damaged(4096, 512, false);
  EXPECT_EQ(found.kind, Kind::kDamage);
  EXPECT_EQ(NumberOf(found, "first_byte"), 4096);
  EXPECT_EQ(NumberOf(found, "bytes"), 512);
  EXPECT_EQ(NumberOf(found, "first_value"), 2048);
  EXPECT_EQ(NumberOf(found, "zero_filled"), 0);
  found = damaged(8192, 4096, true);
  EXPECT_EQ(found.kind, Kind::kDamage);
  EXPECT_EQ(NumberOf(found, "zero_filled"), 1);
  EXPECT_NEAR(NumberOf(found, "bytes"), 4096, 2);  // a zero byte of A at the edge does not differ
  EXPECT_THAT(found.text, HasSubstr("all zeros"));
  EXPECT_EQ(damaged(777, 1, false).kind, Kind::kDamage);
}

TEST(Explain, NamesASingleBit) {
  Pair pair;
  const Weights& tensor = pair.Find("layers.0.mlp.gate_proj");
  std::vector<std::byte> bytes = Bf16Bytes(tensor.b);
  bytes[1001] ^= std::byte{4};
  pair.SetBytes(tensor.name, bytes);
  const Explanation found = Only(&pair);
  EXPECT_EQ(found.kind, Kind::kDamage);
  EXPECT_EQ(NumberOf(found, "first_byte"), 1001);
  EXPECT_THAT(found.text, HasSubstr("single bit"));
}

TEST(Explain, CallsAStepOfOneValueNoDamageWhereAllElseMovedToo) {
  Pair pair;
  pair.Each("_proj", [&](Weights& t) { AddLowRank(&pair, &t, 4, 0.002f); });
  float& moved = pair.Find("model.norm").b[7];
  moved = FromBf16(static_cast<std::uint16_t>(ToBf16(moved) + 1));
  EXPECT_EQ(Only(&pair).kind, Kind::kLowRank);
  moved *= 1024;
  const auto all = pair.Explain();
  ASSERT_TRUE(Ok(all));
  EXPECT_EQ(all->front().kind, Kind::kDamage);
}

TEST(Explain, TellsPruningAndItsPattern) {
  Pair scattered;
  scattered.Each("_proj", [&](Weights& t) {
    for (float& x : t.b) x = scattered.Uniform() < 0.3f ? 0 : x;
  });
  Explanation found = Only(&scattered);
  EXPECT_EQ(found.kind, Kind::kPruned);
  EXPECT_NEAR(NumberOf(found, "share"), 0.3, 0.01);
  EXPECT_THAT(found.text, HasSubstr("scattered"));

  Pair halved;
  halved.Each("_proj", [&](Weights& t) {
    for (std::size_t i = 0; i < t.b.size(); i += 4) {
      const std::size_t first = halved.Uniform() < 0.5f ? 0 : 1;
      t.b[i + first] = t.b[i + 2 + (halved.Uniform() < 0.5f ? 0 : 1)] = 0;
    }
  });
  EXPECT_THAT(Only(&halved).text, HasSubstr("two of every four"));

  Pair rows;
  rows.Each("up_proj", [&](Weights& t) {
    for (std::size_t i = 0; i < t.b.size(); ++i) t.b[i] = i / kWidth % 5 == 2 ? 0 : t.b[i];
  });
  EXPECT_THAT(Only(&rows).text, HasSubstr("whole rows"));
}

TEST(Explain, TellsQuantisedValuesByTypeAndByGrid) {
  Pair typed, rounded;
  typed.Each("_proj", [&](Weights& t) {
    std::vector<std::byte> blocks(t.b.size() / 32 * 34);
    ASSERT_TRUE(Quantise(Dtype::kQ8_0, t.b, t.shape.back(), {}, blocks));
    typed.SetBytes(t.name, std::move(blocks), Dtype::kQ8_0);
  });
  Explanation found = Only(&typed);
  EXPECT_EQ(found.kind, Kind::kQuantised);
  EXPECT_THAT(found.text, HasSubstr("q8_0"));

  rounded.Each("_proj", [&](Weights& t) {
    for (std::size_t i = 0; i < t.b.size(); i += 32) {
      float size = 0;
      for (std::size_t j = i; j < i + 32; ++j) size = std::max(size, std::fabs(t.b[j]));
      for (std::size_t j = i; j < i + 32; ++j) {
        t.b[j] = std::round(t.b[j] / size * 127) * size / 127;
      }
    }
  });
  found = Only(&rounded);
  EXPECT_EQ(found.kind, Kind::kQuantised) << found.text;
  EXPECT_EQ(NumberOf(found, "levels"), 255);
}

TEST(Explain, NamesTheHeadWidthOfRotaryPairsInTheOtherOrder) {
  Pair pair;
  for (const char* part : {"q_proj", "k_proj"}) {
    pair.Each(part, [&](Weights& t) {
      for (std::uint64_t r = 0; r < kWidth; ++r) {
        const std::uint64_t from = r / 64 * 64 + r % 2 * 32 + r % 64 / 2;
        std::copy_n(t.a.begin() + static_cast<std::ptrdiff_t>(from * kWidth), kWidth,
                    t.b.begin() + static_cast<std::ptrdiff_t>(r * kWidth));
      }
    });
  }
  const Explanation found = Only(&pair);
  EXPECT_EQ(found.kind, Kind::kWrongLayout) << found.text;
  EXPECT_EQ(NumberOf(found, "head_width"), 64);
  EXPECT_EQ(NumberOf(found, "tensors"), 4);
  EXPECT_THAT(found.text, HasSubstr("side by side in B"));
}

TEST(Explain, NamesTransposedSwappedScaledAndShiftedTensors) {
  Pair transposed;
  transposed.Each("o_proj", [&](Weights& t) {
    for (std::size_t i = 0; i < t.b.size(); ++i) t.b[i] = t.a[i % kWidth * kWidth + i / kWidth];
  });
  EXPECT_THAT(Only(&transposed).text, HasSubstr("transposed"));

  Pair swapped;
  for (const std::string layer : {"layers.0", "layers.1"}) {
    swapped.Find(layer + ".mlp.up_proj").b = swapped.Find(layer + ".mlp.gate_proj").a;
    swapped.Find(layer + ".mlp.gate_proj").b = swapped.Find(layer + ".mlp.up_proj").a;
  }
  const auto both = swapped.Explain();
  ASSERT_TRUE(Ok(both));
  ASSERT_EQ(both->size(), 2u);
  EXPECT_EQ(both->front().kind, Kind::kWrongLayout);
  EXPECT_THAT(both->front().text, HasSubstr("the values of model.layers.*.mlp.gate_proj.weight"));

  Pair scaled;
  for (float& x : scaled.Find("embed_tokens").b) x *= std::sqrt(static_cast<float>(kWidth));
  Explanation found = Only(&scaled);
  EXPECT_EQ(found.kind, Kind::kWrongLayout);
  EXPECT_THAT(found.text, HasSubstr("square root of the width 192"));

  Pair shifted;
  for (const char* name : {"layers.0.input_layernorm", "layers.1.input_layernorm", "model.norm"}) {
    for (float& x : shifted.Find(name).b) x += 1;
  }
  found = Only(&shifted);
  EXPECT_EQ(found.kind, Kind::kWrongLayout);
  EXPECT_EQ(NumberOf(found, "offset"), 1);
}

TEST(Explain, CallsOtherWeightsUnrelated) {
  Pair pair, other(2);
  pair.Each("", [&](Weights& t) { t.b = other.Find(t.name).a; });
  const Explanation found = Only(&pair);
  EXPECT_EQ(found.kind, Kind::kUnrelated) << found.text;
  EXPECT_LT(NumberOf(found, "cosine"), 0.05);
}

TEST(Explain, SaysThatTheVocabularyGrewBesideWhatElseHolds) {
  Pair pair;
  pair.Each("_proj", [&](Weights& t) { AddLowRank(&pair, &t, 4, 0.002f); });
  TensorDiff& resized = pair.report.tensors.emplace_back();
  resized.a = TensorDiff::Side{"lm_head.weight", "lm_head.weight", Dtype::kBf16, {512, kWidth}};
  resized.b = TensorDiff::Side{"lm_head.weight", "lm_head.weight", Dtype::kBf16, {520, kWidth}};
  resized.group = "globals";
  const auto all = pair.Explain();
  ASSERT_TRUE(Ok(all));
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->front().kind, Kind::kVocabulary);
  EXPECT_EQ(NumberOf(all->front(), "rows_b"), 520);
  EXPECT_EQ(all->back().kind, Kind::kLowRank);
}

TEST(Explain, DoesNotDependOnThreadsAndStopsWhenAsked) {
  Pair pair;
  pair.Each("_proj", [&](Weights& t) { AddLowRank(&pair, &t, 3, 0.001f); });
  Task one, four;
  four.threads = 4;
  const auto x = pair.Explain(one), y = pair.Explain(four);
  ASSERT_TRUE(Ok(x));
  ASSERT_TRUE(Ok(y));
  ASSERT_EQ(x->size(), y->size());
  for (std::size_t i = 0; i < x->size(); ++i) {
    EXPECT_EQ((*x)[i].text, (*y)[i].text);
    for (std::size_t j = 0; j < (*x)[i].numbers.size(); ++j) {
      EXPECT_EQ((*x)[i].numbers[j].value, (*y)[i].numbers[j].value);
    }
  }
  const std::atomic<bool> stopped = true;
  Task task;
  task.stopped = &stopped;
  const auto interrupted = pair.Explain(task);
  ASSERT_FALSE(interrupted);
  EXPECT_EQ(interrupted.error().code, Errc::kInterrupted);
}

TEST(Explain, TakesTensorsOfAnyShapeAndValuesThatAreNotFinite) {
  const std::vector<Shape> shapes = {{},          {0},    {5},      {0, 7},  {3, 0},
                                     {2, 20, 16}, {1, 1}, {300, 1}, {17, 17}};
  for (const Shape& shape : shapes) {
    const auto count = ElementCount(shape);
    ASSERT_TRUE(Ok(count));
    std::vector<float> a(*count), b(*count);
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] = static_cast<float>(i % 13) - 6;
      b[i] = i % 5 == 0 ? NAN : i % 7 == 0 ? INFINITY : 3.0e38f;
    }
    const auto file_a = MakeMemoryFile(Bf16Bytes(a), "a"),
               file_b = MakeMemoryFile(Bf16Bytes(b), "b");
    ValueComparison values;
    CompareValuesByDefinition(Dtype::kBf16, Bf16Bytes(a), Dtype::kBf16, Bf16Bytes(b), &values);
    const DifferingTensor tensor{"\x1b[31m",   "globals",    shape,        Dtype::kBf16,
                                 Dtype::kBf16, file_a.get(), file_b.get(), &values};
    const auto all = Explain({}, {&tensor, 1}, {});
    ASSERT_TRUE(Ok(all)) << ShapeText(shape);
    for (const Explanation& each : *all) EXPECT_EQ(each.text.find('\x1b'), std::string::npos);
  }
}

// ---- singular values

TEST(Spectrum, FindsSingularValuesOfAKnownMatrix) {
  // Two directions of one axis each in a matrix that is zero elsewhere.
  std::vector<float> values(64 * 48, 0);
  values[5 * 48 + 7] = 3;
  values[20 * 48 + 30] = 1;
  const Spectrum spectrum = LookAtSpectrum(values, 64, 48);
  ASSERT_GE(spectrum.singular.size(), 3u);
  EXPECT_NEAR(spectrum.singular[0], 3, 1e-4);
  EXPECT_NEAR(spectrum.singular[1], 1, 1e-4);
  EXPECT_NEAR(spectrum.singular[2], 0, 1e-3);
  EXPECT_NEAR(spectrum.energy, 10, 1e-4);
}

TEST(Spectrum, OfNoiseEndsWhereMarchenkoAndPasturSay) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 0.01f);
  std::vector<float> values(400 * 300);
  for (float& x : values) x = normal(random);
  const Spectrum spectrum = LookAtSpectrum(values, 400, 300);
  EXPECT_NEAR(spectrum.singular[0], 0.01 * (std::sqrt(400) + std::sqrt(300)), 0.02);
  EXPECT_NEAR(spectrum.edge, 1, 0.05);
  EXPECT_EQ(spectrum.rank, 0u);
}

TEST(Spectrum, TakesTheSmallestAndTheLargestNumbers) {
  for (const float size : {1e-42f, 1e-30f, 1e30f, 3e38f}) {
    std::vector<float> values(32 * 32, size);
    const Spectrum spectrum = LookAtSpectrum(values, 32, 32);
    EXPECT_EQ(spectrum.rank, 1u) << size;
    EXPECT_NEAR(spectrum.singular[0] / (32.0 * size), 1, 1e-3) << size;
  }
  EXPECT_TRUE(LookAtSpectrum({}, 0, 7).singular.empty());
  EXPECT_TRUE(LookAtSpectrum(std::vector<float>(12), 3, 4).singular.empty());
}

}  // namespace
}  // namespace hallmark
