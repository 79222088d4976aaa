// Files beside the weights: what only one side has, what cannot be read, what loaders read beside
// the files that everybody knows; and GGUF's keys that no conversion writes.
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/verify/diff/fields/changed_models.h"
#include "verify/diff/fields/field_meaning.h"

namespace hallmark {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What a change of one of two equal folders makes.
struct Change {
  HubFolder a, b;
  FieldComparison Compared() const { return Compare(a.Path(), b.Path()); }
  std::vector<std::string> Differing() const { return Lines(Compared()); }
};

void Write(HubFolder& hub, const std::string& file, std::string text) {
  std::filesystem::create_directories((hub.Path() / file).parent_path());
  hub.Write(file, std::move(text));
}

TEST(CompareSideFiles, TakesAFileThatOneSideLacksForADifference) {
  const char* files[] = {"generation_config.json", "tokenizer.json",
                         "tokenizer_config.json",  "vocab.json",
                         "added_tokens.json",      "special_tokens_map.json",
                         "adapter_config.json",    "processor_config.json"};
  for (const char* file : files) {
    Change change;
    Write(change.b, file, "{\"evil\": 3}");
    const auto compared = change.Compared();
    ASSERT_EQ(compared.differing.size(), 1u) << file;
    EXPECT_TRUE(compared.differing[0].has_meaning) << file;
    EXPECT_EQ(compared.differing[0].field, file);
    EXPECT_EQ(compared.differing[0].a, "");
    EXPECT_EQ(compared.differing[0].b, "{\"evil\":3}");
    EXPECT_THAT(compared.unsettled, IsEmpty());
  }
  for (const char* file : {"merges.txt", "vocab.txt", "spiece.model", "tekken.json",
                           "modeling_x.py", "words.tiktoken"}) {
    Change change;
    Write(change.a, file, "ab?");
    const auto compared = change.Compared();
    ASSERT_EQ(compared.differing.size(), 1u) << file;
    EXPECT_TRUE(compared.differing[0].has_meaning) << file;
    EXPECT_EQ(compared.differing[0].a, "\"3 bytes\"") << file;
  }
  Change change;
  change.b.Remove("config.json");
  EXPECT_THAT(change.Differing(), ElementsAre(HasSubstr("configuration config.json: {\"arch")));
}

const std::vector<std::string> kNoFiles;

TEST(CompareSideFiles, CannotSettleWeightsWithoutAnyFile) {
  HubFolder whole;
  const HubFolder bare(kNoFiles);
  const auto compared = Compare(whole.Path(), bare.Path());
  EXPECT_THAT(compared.differing, IsEmpty());
  EXPECT_THAT(compared.unsettled, ElementsAre("B has no config.json", "B has no tokenizer.model"));
  EXPECT_THAT(Compare(FixturePath("meta-llama2-bf16"), bare.Path()).unsettled,
              Contains("B has no params.json"));
  EXPECT_THAT(Compare(bare.Path(), FixturePath("gguf/tiny-f16.gguf")).unsettled,
              ElementsAre("A has no tokenizer", "A has no configuration"));
  EXPECT_THAT(Compare(bare.Path(), HubFolder(kNoFiles).Path()).unsettled, IsEmpty());
}

TEST(CompareSideFiles, ComparesTheBytesOfFilesThatItCannotRead) {
  for (const char* text : {"{\"x\": NaN}", "{\"x\": 1e400}", "{\"x\": 1, \"x\": 2}", "[1"}) {
    for (const char* file :
         {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"}) {
      Change change;
      Write(change.a, file, text);
      Write(change.b, file, text);
      const auto same = change.Compared();
      EXPECT_THAT(same.unsettled, IsEmpty()) << file << text;
      EXPECT_THAT(same.findings, IsEmpty());
      Write(change.b, file, std::string(text) + " ");
      const auto other = change.Compared();
      EXPECT_THAT(other.differing, IsEmpty());
      EXPECT_THAT(other.unsettled, ElementsAre(HasSubstr(file), HasSubstr(file))) << text;
      EXPECT_THAT(other.not_compared, IsEmpty());
      EXPECT_EQ(other.findings.size(), 2u);
    }
  }
}

TEST(CompareSideFiles, IsUnsettledByAnUnreadableFileInEveryPair) {
  HubFolder broken;
  broken.Write("config.json", "{\"rope_theta\": NaN}");
  for (const char* other : {"hf-safetensors-f32", "meta-llama2-bf16", "gguf/tiny-f16.gguf"}) {
    EXPECT_THAT(Compare(FixturePath(other), broken.Path()).unsettled,
                Contains(HasSubstr("B's config.json: not valid JSON")))
        << other;
  }
}

TEST(CompareSideFiles, ComparesTokenizerJsonBesideTokenizerModel) {
  Change change;
  Write(change.a, "tokenizer.json", "{\"model\": {\"vocab\": {\"a\": 0, \"b\": 1}}}");
  Write(change.b, "tokenizer.json", "{\"model\": {\"vocab\": {\"b\": 0, \"a\": 1}}}");
  EXPECT_THAT(change.Differing(),
              ElementsAre("tokenizer vocab 0: \"a\" | \"b\"", "tokenizer vocab 1: \"b\" | \"a\""));
}

TEST(CompareSideFiles, ComparesCodeAndOtherTokenizersByBytes) {
  for (const char* file : {"modeling_x.py", "spiece.model", "tekken.json"}) {
    Change change;
    Write(change.a, file, "a=1");
    Write(change.b, file, "a=1");
    EXPECT_THAT(change.Differing(), IsEmpty());
    Write(change.b, file, "a=2");
    EXPECT_THAT(change.Differing(),
                ElementsAre(HasSubstr(fmt::format("{}, byte 2: \"0x31\" | \"0x32\"", file))));
    Write(change.b, file, "a=1\n");
    EXPECT_THAT(change.Differing(),
                ElementsAre(HasSubstr(fmt::format("{}, byte 3:  | \"0x0a\"", file))));
  }
}

TEST(CompareSideFiles, LeavesOutAMapOfTokensThatRepeatsOtherFiles) {
  constexpr const char* kConfig =
      "{\"bos_token\": \"<s>\", \"additional_special_tokens\": [\"<x>\"], \"added_tokens_decoder\":"
      " {\"1\": {\"content\": \"<s>\", \"lstrip\": true}, \"5\": {\"content\": \"<x>\"}}}";
  Change change;
  Write(change.a, "tokenizer_config.json", kConfig);
  Write(change.b, "tokenizer_config.json", kConfig);
  Write(change.a, "special_tokens_map.json",
        "{\"bos_token\": {\"content\": \"<s>\", \"lstrip\": true, \"rstrip\": false},"
        " \"additional_special_tokens\": [\"<x>\"]}");
  Write(change.a, "added_tokens.json", "{\"<x>\": 5}");
  const auto compared = change.Compared();
  ASSERT_EQ(compared.differing.size(), 2u);
  EXPECT_FALSE(compared.differing[0].has_meaning);
  EXPECT_FALSE(compared.differing[1].has_meaning);
  const char* maps[] = {"{\"bos_token\": \"<x>\"}", "{\"eos_token\": \"<s>\"}",
                        "{\"bos_token\": {\"content\": \"<s>\", \"rstrip\": true}}",
                        "{\"additional_special_tokens\": [\"<x>\", \"<s>\"]}"};
  for (const char* map : maps) {
    Write(change.a, "special_tokens_map.json", map);
    EXPECT_THAT(change.Differing(), Contains(testing::StartsWith("tokenizer special_tokens_map")))
        << map;
  }
  Write(change.a, "added_tokens.json", "{\"<x>\": 6}");
  EXPECT_THAT(change.Differing(), Contains(testing::StartsWith("tokenizer added_tokens.json")));
}

TEST(CompareSideFiles, LeavesOutAddedTokensThatTokenizerJsonHas) {
  constexpr const char* kTokenizer =
      "{\"added_tokens\": [{\"id\": 5, \"content\": \"<x>\", \"lstrip\": true}]}";
  constexpr const char* kDecoder =
      "{\"added_tokens_decoder\": {\"5\": {\"content\": \"<x>\", \"lstrip\": true}}}";
  Change change;
  Write(change.a, "tokenizer.json", kTokenizer);
  Write(change.b, "tokenizer.json", kTokenizer);
  Write(change.a, "tokenizer_config.json", kDecoder);
  Write(change.b, "tokenizer_config.json", "{}");
  EXPECT_THAT(change.Differing(), ElementsAre(testing::StartsWith("(tokenizer tokenizer_config")));
  change.a.Change("tokenizer_config.json", "true", "false");
  EXPECT_THAT(change.Differing(), ElementsAre(testing::StartsWith("tokenizer tokenizer_config")));
  Write(change.a, "tokenizer_config.json", Replaced(kDecoder, "<x>", "<y>"));
  EXPECT_THAT(change.Differing(), ElementsAre(testing::StartsWith("tokenizer tokenizer_config")));
  Write(change.a, "tokenizer_config.json", Replaced(kDecoder, "\"5\"", "\"6\""));
  EXPECT_THAT(change.Differing(), ElementsAre(testing::StartsWith("tokenizer tokenizer_config")));
}

TEST(CompareSideFiles, KnowsOnlyTheFastFormOfATokenizersClass) {
  EXPECT_TRUE(IsSameTokenizerClass("LlamaTokenizer", "LlamaTokenizerFast"));
  EXPECT_TRUE(IsSameTokenizerClass("PreTrainedTokenizerFast", "TokenizersBackend"));
  EXPECT_FALSE(IsSameTokenizerClass("LlamaTokenizer", "PreTrainedTokenizerFast"));
  EXPECT_FALSE(IsSameTokenizerClass("LlamaTokenizer", "TokenizersBackend"));
  EXPECT_FALSE(IsSameTokenizerClass("LlamaTokenizer", "GPT2TokenizerFast"));
}

TEST(CompareSideFiles, TakesADtypeForADescriptionOnlyWhereItIsOne) {
  Change change;
  change.b.Change("config.json", "\"torch_dtype\": \"float32\"", "\"torch_dtype\": \"bfloat16\"");
  EXPECT_THAT(change.Differing(),
              ElementsAre("(configuration torch_dtype: \"float32\" | \"bfloat16\")"));
  change.b.Change("config.json", "\"bfloat16\"", "\"int8\"");
  EXPECT_THAT(change.Differing(), ElementsAre("configuration torch_dtype: \"float32\" | \"int8\""));
}

// ---- chat templates ----

TEST(CompareSideFiles, FindsTemplatesInEveryPlaceAndForm) {
  constexpr const char* kGood = "{\"chat_template\": \"good\"}";
  Change change;
  Write(change.a, "tokenizer_config.json", kGood);
  Write(change.b, "tokenizer_config.json", kGood);
  Write(change.b, "additional_chat_templates/default.jinja", "evil");
  EXPECT_THAT(change.Differing(),
              ElementsAre("chat template chat_template, line 1: \"good\" | \"evil\"",
                          "chat template chat_template in tokenizer_config.json:  | \"good\""));
  change.b.Remove("additional_chat_templates/default.jinja");
  const char* forms[] = {"{\"chat_template\": {\"default\": \"evil\"}}",
                         "{\"chat_template\": [{\"name\": \"default\", \"template\": \"evil\"}]}"};
  for (const char* form : forms) {
    Write(change.b, "tokenizer_config.json", form);
    EXPECT_THAT(change.Differing(),
                ElementsAre("chat template chat_template, line 1: \"good\" | \"evil\""));
    Write(change.b, "tokenizer_config.json", Replaced(form, "evil", "good"));
    EXPECT_THAT(change.Differing(), IsEmpty());
  }
  Write(change.b, "tokenizer_config.json", "{\"chat_template\": [\"good\"]}");
  EXPECT_THAT(change.Compared().unsettled, ElementsAre(HasSubstr("chat_template is neither")));
}

TEST(CompareSideFiles, ComparesAllTemplatesHoweverMany) {
  const auto many = [](const char* last, const char* prefix) {
    std::string list;
    for (int i = 0; i < 100; ++i) {
      list += fmt::format("{{\"name\": \"n-{}\", \"template\": \"{}\"}},", i, prefix);
    }
    // Two of one name, and one that GGUF's keys could not tell from another.
    return fmt::format(
        "{{\"chat_template\": [{0}{{\"name\": \"n_1\", \"template\": \"{1}\"}},"
        "{{\"name\": \"x\", \"template\": \"1\"}}, {{\"name\": \"x\", \"template\": \"2\"}},"
        "{{\"name\": \"x\", \"template\": \"{1}\"}}]}}",
        list, last);
  };
  Change change;
  Write(change.a, "tokenizer_config.json", many("good", ""));
  Write(change.b, "tokenizer_config.json", many("evil", ""));
  EXPECT_THAT(change.Differing(),
              ElementsAre("chat template chat_template n_1, line 1: \"good\" | \"evil\"",
                          "chat template chat_template x in tokenizer_config.json (2), line 1: "
                          "\"good\" | \"evil\""));
  Write(change.b, "tokenizer_config.json", many("good", "?"));
  const auto lines = change.Differing();
  ASSERT_EQ(lines.size(), 41u);
  EXPECT_EQ(lines.back(), "chat template elsewhere: 60 more templates differ: 104 | 104");
}

// ---- GGUF ----

TEST(CompareSideFiles, FindsKeysThatNoConversionWrites) {
  const auto f32 = [](std::string key, double value) {
    return MetadataEntry{std::move(key), value, MetadataType::kF32};
  };
  const auto flag = [](std::string key, bool value) {
    return MetadataEntry{std::move(key), value, MetadataType::kBool};
  };
  const MetadataEntry telling[] = {
      f32("llama.rope.scaling.attn_factor", 5),
      f32("llama.rope.scale_linear", 8),
      flag("llama.attention.causal", false),
      U32("llama.attention.sliding_window", 16),
      f32("llama.attention.scale", 9),
      f32("llama.logit_scale", 0.5),
      f32("llama.embedding_scale", 3),
      f32("llama.residual_scale", 3),
      f32("llama.rope.scaling.yarn_log_multiplier", 2),
      U32("llama.pooling_type", 1),
      f32("llama.rope.freq_base_swa", 10000),
      U32("llama.of_tomorrow", 0),
      Text("adapter.type", "lora"),
  };
  for (const MetadataEntry& entry : telling) {
    SCOPED_TRACE(entry.key);
    auto metadata = TinyMetadata();
    metadata.push_back(entry);
    const GgufFile gguf(metadata);
    for (const char* other : {"hf-safetensors-f32", "meta-llama2-bf16"}) {
      EXPECT_THAT(Lines(Compare(FixturePath(other), gguf.path)),
                  ElementsAre(HasSubstr(fmt::format("{}:  | ", entry.key))));
      EXPECT_THAT(Lines(Compare(gguf.path, FixturePath(other))),
                  ElementsAre(HasSubstr(fmt::format("configuration {}: ", entry.key))));
    }
    EXPECT_THAT(Lines(Compare(FixturePath("gguf/tiny-f16.gguf"), gguf.path)),
                Contains(HasSubstr(entry.key)));
  }
  const MetadataEntry silent[] = {
      f32("llama.rope.scaling.attn_factor", 1),
      f32("llama.rope.scale_linear", 1),
      flag("llama.attention.causal", true),
      U32("llama.attention.sliding_window", 0),
      f32("llama.logit_scale", 0),
      U32("llama.pooling_type", 0),
      flag("llama.rope.scaling.finetuned", false),
      U32("llama.expert_count", 0),
      Text("llama.tensor_data_layout", "reference"),
      Text("general.type", "model"),
  };
  for (const MetadataEntry& entry : silent) {
    auto metadata = TinyMetadata();
    Erase(metadata, entry.key);
    metadata.push_back(entry);
    const GgufFile gguf(metadata);
    for (const char* other : {"hf-safetensors-f32", "meta-llama2-bf16"}) {
      EXPECT_THAT(Lines(Compare(FixturePath(other), gguf.path)), IsEmpty()) << entry.key;
    }
  }
}

TEST(CompareSideFiles, TakesScalingWithoutAFactorForNone) {
  auto metadata = TinyMetadata();
  metadata.push_back(Text("llama.rope.scaling.type", "linear"));
  const GgufFile linear(metadata);
  EXPECT_THAT(Lines(Compare(FixturePath("gguf/tiny-f16.gguf"), linear.path)),
              ElementsAre("(configuration llama.rope.scaling.type:  | \"linear\")"));
  EXPECT_THAT(Lines(Compare(FixturePath("hf-safetensors-f32"), linear.path)), IsEmpty());
  metadata.push_back({"llama.rope.scaling.factor", 8.0, MetadataType::kF32});
  const GgufFile scaled(metadata);
  EXPECT_THAT(Lines(Compare(FixturePath("gguf/tiny-f16.gguf"), scaled.path)),
              Contains("configuration llama.rope.scaling.factor:  | 8"));
  EXPECT_THAT(Lines(Compare(FixturePath("hf-safetensors-f32"), scaled.path)),
              ElementsAre("configuration rope_scaling.rope_type: null | \"linear\"",
                          "configuration rope_scaling.factor: null | 8"));
  // "linear" is what readers take then, "none" is not.
  Erase(metadata, "llama.rope.scaling.type");
  const GgufFile unnamed(metadata);
  EXPECT_THAT(Lines(Compare(scaled.path, unnamed.path)),
              ElementsAre("(configuration llama.rope.scaling.type: \"linear\" | )"));
  metadata.push_back(Text("llama.rope.scaling.type", "none"));
  const GgufFile off(metadata);
  EXPECT_THAT(Lines(Compare(off.path, unnamed.path)),
              ElementsAre("configuration llama.rope.scaling.type: \"none\" | "));
}

TEST(CompareSideFiles, ReadsWhatGgufSaysLayerByLayer) {
  const auto heads = [](std::uint32_t last) {
    auto metadata = TinyMetadata();
    auto array = std::make_shared<MetadataArray>(MetadataType::kU32);
    const std::uint32_t counts[] = {2, last};
    array->AppendBytes(std::as_bytes(std::span(counts)));
    Find(metadata, "llama.attention.head_count_kv") = {"llama.attention.head_count_kv",
                                                       std::shared_ptr<const MetadataArray>(array),
                                                       MetadataType::kArray};
    return metadata;
  };
  const GgufFile same(heads(2));
  EXPECT_THAT(Lines(Compare(FixturePath("hf-safetensors-f32"), same.path)), IsEmpty());
  const GgufFile other(heads(1));
  EXPECT_THAT(Lines(Compare(FixturePath("hf-safetensors-f32"), other.path)),
              ElementsAre("configuration num_key_value_heads: 2 | [2,1]"));
}

TEST(CompareSideFiles, FindsSettingsOfSamplingThatTheHubDoesNotSay) {
  auto metadata = TinyMetadata();
  metadata.push_back({"general.sampling.temp", 9.0, MetadataType::kF32});
  const GgufFile gguf(metadata);
  EXPECT_THAT(Lines(Compare(FixturePath("hf-safetensors-f32"), gguf.path)),
              ElementsAre("generation general.sampling.temp:  | 9"));
  EXPECT_THAT(Lines(Compare(FixturePath("meta-llama2-bf16"), gguf.path)), IsEmpty());
}

}  // namespace
}  // namespace hallmark
