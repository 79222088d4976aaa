// Checkpoints as each quantiser keeps them, and configurations that are not theirs
// (tests/vectors/quantised/make.py).
#include "tests/support/test_support.h"
#include "tests/weights/identity_text.h"
#include "weights/model.h"

namespace hallmark {
namespace {

struct Case {
  const char* folder;
  const char* scheme;  // or empty
  Severity severity;
};

class Quantised : public testing::TestWithParam<Case> {};

TEST_P(Quantised, IsNamed) {
  const auto model = Model::Open(FixturePath(std::string("../quantised/") + GetParam().folder), {});

  ASSERT_TRUE(Ok(model));
  std::string schemes;
  for (const FoundQuantisation& found : model->Quantisation()) {
    schemes += found.scheme->name;
    EXPECT_EQ(found.weights, 1u);
    EXPECT_EQ(found.example, "model.layers.0.mlp.up_proj");
  }
  EXPECT_EQ(schemes, GetParam().scheme);
  ASSERT_EQ(model->Findings().size(), 1u);
  EXPECT_EQ(model->Findings()[0].code, "quantised");
  EXPECT_EQ(model->Findings()[0].severity, GetParam().severity) << model->Findings()[0].message;
}

INSTANTIATE_TEST_SUITE_P(
    Quantisers, Quantised,
    testing::Values(
        Case{"gptq", "gptq", Severity::kNote}, Case{"gptq-without-g_idx", "gptq", Severity::kNote},
        Case{"awq", "awq", Severity::kNote},
        Case{"bitsandbytes-nf4", "bitsandbytes-nf4", Severity::kNote},
        Case{"bitsandbytes-fp4", "bitsandbytes-fp4", Severity::kNote},
        Case{"bitsandbytes-int8", "bitsandbytes-int8", Severity::kNote},
        Case{"fp8-blocks", "fp8-blocks", Severity::kNote},
        Case{"fp8-compressed-tensors", "fp8", Severity::kNote},
        Case{"fp8-fbgemm", "fp8", Severity::kNote},
        Case{"compressed-tensors-packed", "compressed-tensors-packed", Severity::kNote},
        Case{"mlx", "mlx", Severity::kNote}, Case{"mlx-npz", "mlx", Severity::kNote},
        Case{"says-nothing", "awq", Severity::kNote}, Case{"says-awq", "gptq", Severity::kWarning},
        Case{"says-gptq", "", Severity::kWarning}, Case{"says-quanto", "", Severity::kNote}));

TEST(Quantised, IsReadFromSafetensorsAndNumpyAlike) {
  for (const char* const folder : {"mlx", "mlx-npz"}) {
    const auto model = Model::Open(FixturePath(std::string("../quantised/") + folder), {});
    ASSERT_TRUE(Ok(model));
    EXPECT_EQ(model->Config().quantisation->method, "mlx");
    EXPECT_EQ(model->Config().quantisation->bits, 4u);
    EXPECT_EQ(model->Config().quantisation->group_size, 32u);
  }
  EXPECT_EQ(IdentityText(FixturePath("../quantised/mlx")),
            IdentityText(FixturePath("../quantised/mlx-npz")));
}

TEST(Quantised, SaysNothingOfOtherModels) {
  const auto model = Model::Open(FixturePath("hf-safetensors-f16"), {});
  ASSERT_TRUE(Ok(model));
  EXPECT_TRUE(model->Quantisation().empty());
  EXPECT_TRUE(model->Findings().empty());
}

}  // namespace
}  // namespace hallmark
