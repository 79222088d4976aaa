#include "verify/provenance/provenance.h"

#include "src/hash/hasher.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

ReceiptFile Named(const std::string& name) {
  return {name, 10, HashBytes(Algorithm::kTree, AsBytes(name))};
}

SignedReceipt Step(const std::string& from, const std::string& to, bool is_signed = true) {
  SignedReceipt step;
  step.receipt.inputs = {Named(from)};
  step.receipt.outputs = {Named(to)};
  step.receipt.relation = "quantised";
  step.source.name = from + "-" + to;
  step.source.files.push_back({.path = to, .size = 10, .digests = {{Named(to).tree}}});
  if (is_signed)
    step.source.endorsements.push_back({.signer = "key", .scheme = "signed statement"});
  return step;
}

Source Official(const std::string& file) {
  Source source;
  source.name = "official";
  source.files.push_back({.path = file, .size = 10, .digests = {{Named(file).tree}}});
  return source;
}

std::vector<std::string> NamesOf(const ReceiptChain& chain) {
  std::vector<std::string> names;
  for (const SignedReceipt* step : chain.receipts) names.push_back(step->source.name);
  return names;
}

TEST(FindChain, GoesBackStepByStep) {
  const std::vector<SignedReceipt> steps = {Step("c", "d"), Step("a", "b"), Step("b", "c")};
  const std::vector<Source> official = {Official("other"), Official("a")};
  const ReceiptChain chain = FindChain(steps[0], steps, official);
  EXPECT_EQ(chain.official, &official[1]);
  EXPECT_THAT(NamesOf(chain), testing::ElementsAre("c-d", "b-c", "a-b"));
}

TEST(FindChain, EndsWhereNothingLeadsOn) {
  const std::vector<SignedReceipt> steps = {Step("c", "d"), Step("b", "c")};
  EXPECT_EQ(FindChain(steps[0], steps, {Official("a")}).official, nullptr);
}

TEST(FindChain, DoesNotGoRoundInCircles) {
  const std::vector<SignedReceipt> steps = {Step("a", "b"), Step("b", "a"), Step("a", "a")};
  EXPECT_EQ(FindChain(steps[0], steps, {Official("x")}).official, nullptr);
}

TEST(FindChain, WeightsLeadOnToo) {
  std::vector<SignedReceipt> steps = {Step("c.safetensors", "d")};
  steps[0].receipt.input_weights = "hm1:11";
  std::vector<Source> official = {Official("a")};
  EXPECT_EQ(FindChain(steps[0], steps, official).official, nullptr);
  official[0].weights = "hm1:11";
  EXPECT_EQ(FindChain(steps[0], steps, official).official, &official[0]);
  steps[0].receipt.input_weights.clear();
  official[0].weights.clear();
  EXPECT_EQ(FindChain(steps[0], steps, official).official, nullptr);
}

// The same weights with another tokenizer are another model.
TEST(FindChain, WhatIsReadBesideTheWeightsMustBeTheSources) {
  std::vector<SignedReceipt> steps = {Step("c.safetensors", "d")};
  steps[0].receipt.input_weights = "hm1:11";
  steps[0].receipt.inputs.push_back(Named("tokenizer.json"));
  std::vector<Source> official = {Official("config.json")};
  official[0].weights = "hm1:11";
  EXPECT_EQ(FindChain(steps[0], steps, official).official, nullptr);
  official[0] = Official("tokenizer.json");
  official[0].weights = "hm1:11";
  EXPECT_EQ(FindChain(steps[0], steps, official).official, &official[0]);
}

// A size or a digest alone is not the file.
TEST(FindChain, FilesAreKnownByDigestAndSize) {
  const std::vector<SignedReceipt> steps = {Step("a", "b")};
  std::vector<Source> official = {Official("a")};
  official[0].files[0].size = 11;
  EXPECT_EQ(FindChain(steps[0], steps, official).official, nullptr);
  official[0].files[0].size = std::nullopt;
  EXPECT_EQ(FindChain(steps[0], steps, official).official, nullptr);
}

}  // namespace
}  // namespace hallmark
