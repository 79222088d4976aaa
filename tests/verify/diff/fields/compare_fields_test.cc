#include "verify/diff/fields/compare_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>

#include "tests/verify/diff/fields/changed_models.h"
#include "transform/tokenizer_gguf.h"

namespace hallmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- the same model ----

TEST(CompareFields, FindsTheSameModelEqualInEveryContainer) {
  const char* models[] = {"hf-safetensors-f32", "meta-llama2-bf16", "gguf/tiny-f16.gguf",
                          "gguf/tiny-Q4_K_M.gguf", "gguf-split/tiny-f16-00001-of-00002.gguf"};
  for (const char* a : models) {
    for (const char* b : models) {
      SCOPED_TRACE(fmt::format("{} and {}", a, b));
      const FieldComparison compared = Compare(FixturePath(a), FixturePath(b));
      for (const FieldDiff& field : compared.differing) {
        EXPECT_FALSE(field.has_meaning) << Line(field);
      }
      EXPECT_THAT(compared.unsettled, IsEmpty());
      EXPECT_THAT(compared.not_compared, IsEmpty());
      EXPECT_THAT(compared.findings, IsEmpty());
      EXPECT_GT(compared.compared, 900u);  // 320 tokens of three values
    }
  }
}

TEST(CompareFields, SaysWhatOneSideLacks) {
  const auto one = Compare(FixturePath("hf-safetensors-bf16"), FixturePath("hf-safetensors-f32"));
  EXPECT_THAT(Lines(one), ElementsAre("(configuration torch_dtype: \"bfloat16\" | \"float32\")",
                                      "tokenizer tokenizer.model:  | \"5133 bytes\""));
  EXPECT_THAT(one.unsettled, IsEmpty());
  const auto other = Compare(FixturePath("gguf/tiny-f16.gguf"), FixturePath("hf-bin"));
  EXPECT_THAT(other.unsettled, ElementsAre("B has no tokenizer"));
  EXPECT_THAT(Lines(other), IsEmpty());
  // A checkpoint of a training run never has one.
  const auto none = Compare(FixturePath("dcp-nano"), FixturePath("hf-bin"));
  EXPECT_THAT(none.not_compared, ElementsAre("A has no configuration"));
  EXPECT_THAT(none.unsettled, IsEmpty());
}

TEST(CompareFields, IsInterruptible) {
  const auto model = Model::Open(FixturePath("gguf/tiny-f16.gguf"), {});
  ASSERT_TRUE(Ok(model));
  const std::atomic<bool> stopped = true;
  const auto compared = CompareFields(*model, *model, {.stopped = &stopped});
  ASSERT_FALSE(compared);
  EXPECT_EQ(compared.error().code, Errc::kInterrupted);
}

// ---- configuration ----

TEST(CompareFields, FindsAChangedConfigurationInEveryPair) {
  struct Case {
    std::string_view from, to;
    const char* line;
  };
  const Case cases[] = {
      {"\"rope_theta\": 10000.0", "\"rope_theta\": 500000.0",
       "configuration rope_theta: 500000 | 10000"},
      {"1e-05", "1e-06", "configuration rms_norm_eps: 1e-06 | 1e-05"},
      {"\"num_key_value_heads\": 2", "\"num_key_value_heads\": 4",
       "configuration num_key_value_heads: 4 | 2"},
  };
  for (const Case& change : cases) {
    HubFolder changed;
    changed.Change("config.json", change.from, change.to);
    for (const char* other : {"hf-safetensors-f32", "meta-llama2-bf16", "gguf/tiny-f16.gguf"}) {
      SCOPED_TRACE(other);
      EXPECT_THAT(Lines(Compare(changed.Path(), FixturePath(other))), ElementsAre(change.line));
    }
  }
}

TEST(CompareFields, GivesASmallerThetaToGgufThatDoesNotSayIt) {
  auto metadata = TinyMetadata();
  Erase(metadata, "llama.rope.freq_base");
  const GgufFile silent(metadata);
  HubFolder hub;
  EXPECT_THAT(Lines(Compare(hub.Path(), silent.path)), IsEmpty());
  EXPECT_THAT(Lines(Compare(silent.path, FixturePath("gguf/tiny-f16.gguf"))),
              ElementsAre("(configuration llama.rope.freq_base:  | 10000)"));
  hub.Change("config.json", "10000.0", "500000.0");
  EXPECT_THAT(Lines(Compare(hub.Path(), silent.path)),
              ElementsAre("configuration rope_theta: 500000 | 10000"));
}

TEST(CompareFields, MissesTheFactorsOfScaledFrequencies) {
  constexpr std::string_view kScaling =
      "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, "
      "\"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192},\n \"rope_theta\"";
  HubFolder hub;
  hub.Change("config.json", "\"rope_theta\"", kScaling);
  const auto without = Compare(hub.Path(), FixturePath("gguf/tiny-f16.gguf"));
  ASSERT_EQ(without.differing.size(), 1u);
  EXPECT_EQ(without.differing[0].field, "rope_scaling (as rope_freqs.weight)");
  EXPECT_EQ(without.differing[0].b, "null");
  // Written by hand from Meta's formula: wavelengths above 8192 are divided by 8, those below 2048
  // stay; with a theta of 10000 and 8 pairs, 2 pi 10000^(7/8) = 19869 is above, and
  // 2 pi 10000^(6/8) = 6283 lies between: 1 / ((1 - s) / 8 + s), s = (8192 / 6283.2 - 1) / 3.
  const double smooth = (8192 / 6283.185307179586 - 1) / 3;
  const auto between = static_cast<float>(1 / ((1 - smooth) / 8 + smooth));
  const GgufFile scaled(TinyMetadata(), {1, 1, 1, 1, 1, 1, between, 8});
  EXPECT_THAT(Lines(Compare(hub.Path(), scaled.path)), IsEmpty());
}

TEST(CompareFields, KnowsDefaultsAndOtherSpellings) {
  HubFolder old;
  HubFolder changed;
  changed.Change("config.json", " \"rope_theta\": 10000.0,\n", "");
  EXPECT_THAT(Lines(Compare(old.Path(), changed.Path())),
              ElementsAre("(configuration rope_theta: 10000 | )"));
  // As transformers 5 writes it.
  changed.Change("config.json", "\"rms_norm_eps\"",
                 "\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 10000.0},\n"
                 " \"rms_norm_eps\"");
  changed.Change("config.json", "torch_dtype", "dtype");
  EXPECT_THAT(Lines(Compare(old.Path(), changed.Path())),
              ElementsAre("(configuration rope_theta: 10000 | )",
                          "(configuration torch_dtype: \"float32\" | )",
                          "(configuration rope_parameters: "
                          " | {\"rope_type\":\"default\",\"rope_theta\":10000})",
                          "(configuration dtype:  | \"float32\")"));
}

TEST(CompareFields, TakesWhatItDoesNotKnowForMeaning) {
  HubFolder hub;
  hub.Change("config.json", "\"torch_dtype\"",
             "\"new_gate\": [1, {\"on\": true}],\n \"torch_dtype\"");
  HubFolder other;
  other.Change("config.json", "\"torch_dtype\"",
               "\"new_gate\": [1, {\"on\": false}],\n \"torch_dtype\"");
  EXPECT_THAT(Lines(Compare(hub.Path(), other.Path())),
              ElementsAre("configuration new_gate[1].on: true | false"));
  EXPECT_THAT(Lines(Compare(hub.Path(), HubFolder().Path())),
              ElementsAre("configuration new_gate: [1,{\"on\":true}] | "));
}

TEST(CompareFields, TellsOfFamiliesThatItDoesNotKnow) {
  HubFolder hub;
  hub.Change("config.json", "\"llama\"", "\"lama2\"");
  hub.Change("config.json", "\"hidden_size\": 64", "\"hidden_size\": 32");
  const auto compared = Compare(hub.Path(), FixturePath("gguf/tiny-f16.gguf"));
  EXPECT_THAT(Lines(compared),
              ElementsAre("configuration hidden_size: 32 | 64", "configuration head_dim: 8 | 16"));
  EXPECT_THAT(compared.unsettled,
              ElementsAre("A's configuration: the model_type lama2 is not known",
                          HasSubstr("beyond the shape")));
  EXPECT_THAT(compared.findings, IsEmpty());
}

// ---- what cannot be read ----

TEST(CompareFields, ReportsWhatItCannotRead) {
  struct Case {
    const char* file;
    std::string text;
    const char* message;
  };
  const Case cases[] = {
      {"generation_config.json", "{\"top_k\": 1, \"top_k\": 1}", "top_k stands twice"},
      {"generation_config.json", std::string(100, '[') + std::string(100, ']'), "nested deeper"},
      {"generation_config.json", "{", "not valid JSON"},
      {"tokenizer_config.json", "{\"chat_template\": \"a\", \"chat_template\": \"b\"}", "twice"},
      {"generation_config.json", std::string(17'000'000, ' '), "limit"},
  };
  for (const Case& broken : cases) {
    SCOPED_TRACE(broken.file);
    HubFolder a;
    a.Write(broken.file, broken.text);
    HubFolder b;
    b.Write(broken.file, broken.text);
    const auto same = Compare(a.Path(), b.Path());  // whatever it says, both say it
    EXPECT_THAT(same.differing, IsEmpty());
    EXPECT_THAT(same.unsettled, IsEmpty());
    EXPECT_THAT(same.findings, IsEmpty());
    b.Write(broken.file, " " + broken.text);
    const auto compared = Compare(a.Path(), b.Path());
    EXPECT_THAT(compared.differing, IsEmpty());
    EXPECT_THAT(compared.not_compared, IsEmpty());
    EXPECT_THAT(compared.unsettled,
                ElementsAre(testing::AllOf(HasSubstr(fmt::format("A's {}: ", broken.file)),
                                           HasSubstr(broken.message)),
                            testing::AllOf(HasSubstr("B's"), HasSubstr(broken.message))));
    ASSERT_EQ(compared.findings.size(), 2u);
    EXPECT_EQ(compared.findings[0].severity, Severity::kWarning);
    EXPECT_EQ(compared.findings[0].code, "unreadable-side-file");
    EXPECT_THAT(compared.findings[0].subject, HasSubstr(broken.file));
  }
}

TEST(CompareFields, GoesOnWhereOneTokenizerIsBroken) {
  HubFolder broken;
  broken.Write("tokenizer.model", broken.Text("tokenizer.model").substr(0, 3000));
  broken.Change("config.json", "1e-05", "1e-06");
  for (const char* other : {"hf-safetensors-f32", "meta-llama2-bf16", "gguf/tiny-f16.gguf"}) {
    SCOPED_TRACE(other);
    const auto compared = Compare(FixturePath(other), broken.Path());
    EXPECT_THAT(Lines(compared), ElementsAre("configuration rms_norm_eps: 1e-05 | 1e-06"));
    EXPECT_THAT(compared.unsettled, ElementsAre(HasSubstr("B's tokenizer")));
    EXPECT_EQ(compared.findings.size(), 1u);
  }
}

// ---- tokenizers ----

TEST(CompareFields, FindsARenamedTokenById) {
  auto metadata = TinyMetadata();
  SetTokens(metadata, 300, "evil");
  const GgufFile renamed(metadata);
  const auto tokenizer = ReadGgufTokenizer(TinyMetadata(), "");
  ASSERT_TRUE(Ok(tokenizer));
  const std::string text = (*tokenizer)->tokens[300].text;
  EXPECT_THAT(
      Lines(Compare(FixturePath("gguf/tiny-f16.gguf"), renamed.path)),
      ElementsAre(fmt::format("tokenizer tokenizer.ggml.tokens 300: \"{}\" | \"evil\"", text)));
  for (const char* other : {"hf-safetensors-f32", "meta-llama2-bf16"}) {
    EXPECT_THAT(Lines(Compare(FixturePath(other), renamed.path)),
                ElementsAre(fmt::format("tokenizer vocab 300: \"{}\" | \"evil\"", text)));
  }
}

TEST(CompareFields, FindsAPieceRenamedInSentencepiecesModel) {
  HubFolder renamed;
  const auto tokenizer = ReadGgufTokenizer(TinyMetadata(), "");
  std::string text = (*tokenizer)->tokens[270].text;
  ASSERT_GE(text.size(), 2u);
  std::string other = text;
  other.back() = '#';  // as long, so that the protocol buffer stays one
  renamed.Change("tokenizer.model", fmt::format("{}{}", static_cast<char>(text.size()), text),
                 fmt::format("{}{}", static_cast<char>(text.size()), other));
  const std::string line = fmt::format("tokenizer vocab 270: \"{}\" | \"{}\"", text, other);
  for (const char* with : {"hf-safetensors-f32", "meta-llama2-bf16", "gguf/tiny-f16.gguf"}) {
    EXPECT_THAT(Lines(Compare(FixturePath(with), renamed.Path())), ElementsAre(line)) << with;
  }
}

TEST(CompareFields, FindsChangedIdsScoresAndFlags) {
  auto metadata = TinyMetadata();
  Find(metadata, "tokenizer.ggml.eos_token_id").value = std::uint64_t{7};
  metadata.push_back({"tokenizer.ggml.add_bos_token", false, MetadataType::kBool});
  const GgufFile changed(metadata);
  EXPECT_THAT(
      Lines(Compare(FixturePath("hf-safetensors-f32"), changed.path)),
      ElementsAre("tokenizer add_bos_token: true | false", "tokenizer eos_token_id: 2 | 7"));
  // Without a tokenizer, config.json says the id.
  EXPECT_THAT(Lines(Compare(FixturePath("hf-bin"), changed.path)),
              ElementsAre("tokenizer eos_token_id: 2 | 7"));
  HubFolder several({"config.json"});
  several.Change("config.json", "\"eos_token_id\": 2", "\"eos_token_id\": [2, 7]");
  EXPECT_THAT(Lines(Compare(several.Path(), changed.path)), IsEmpty());
}

TEST(CompareFields, ReadsTheVocabularyOfTokenizerJsonById) {
  HubFolder a = HubFolder::Qwen2();
  const std::string json = a.Text("tokenizer.json");
  const auto other = [&](const std::string& text) {
    HubFolder b = HubFolder::Qwen2();
    b.Write("tokenizer.json", text);
    return Lines(Compare(a.Path(), b.Path()));
  };
  EXPECT_THAT(other(json), IsEmpty());
  EXPECT_THAT(other(Replaced(json, "\"ha\": ", "\"hX\": ")),
              ElementsAre(testing::MatchesRegex("tokenizer vocab [0-9]+: \"ha\" \\| \"hX\"")));
  const auto grown = other(Replaced(json, "\"vocab\": {", "\"vocab\": {\"more\": 5000,"));
  EXPECT_THAT(grown, ElementsAre("tokenizer vocab 5000:  | \"more\""));
  EXPECT_THAT(other(Replaced(json, "\"special\": true", "\"special\": false")),
              ElementsAre("tokenizer added_tokens[0].special: true | false"));
  EXPECT_THAT(other(Replaced(json, "\"version\": \"1.0\"", "\"version\": \"1.1\"")),
              ElementsAre("(tokenizer version: \"1.0\" | \"1.1\")"));
}

TEST(CompareFields, ComparesTokenizersOfBytePairsAcrossContainers) {
  HubFolder hub = HubFolder::Qwen2();
  const auto read = ReadTokenizer(*FolderOnDisk(hub.Path()));
  ASSERT_TRUE(Ok(read));
  const auto gguf_of = [&](const Tokenizer& tokenizer) {
    std::vector<MetadataEntry> metadata = {Text("general.architecture", "qwen2")};
    const auto keys = GgufTokenizer(tokenizer);
    EXPECT_TRUE(Ok(keys));
    metadata.insert(metadata.end(), keys->begin(), keys->end());
    return metadata;
  };
  const auto tokenizer_lines = [&](const std::vector<MetadataEntry>& metadata) {
    const GgufFile gguf(metadata);
    std::vector<std::string> lines = Lines(Compare(hub.Path(), gguf.path));
    std::erase_if(lines,
                  [](const std::string& line) { return line.find("configuration ") != line.npos; });
    return lines;
  };
  EXPECT_THAT(tokenizer_lines(gguf_of(**read)), IsEmpty());
  Tokenizer swapped = **read;
  std::swap(swapped.merges[0], swapped.merges[1]);
  EXPECT_THAT(
      tokenizer_lines(gguf_of(swapped)),
      ElementsAre("tokenizer merge 0: \"h a\" | \"Ġ a\"", "tokenizer merge 1: \"Ġ a\" | \"h a\""));
  Tokenizer cut = **read;
  cut.pre_tokenizer = "default";
  EXPECT_THAT(tokenizer_lines(gguf_of(cut)),
              ElementsAre("tokenizer pre_tokenizer: \"qwen2\" | \"default\""));
  auto templates = gguf_of(**read);
  MetadataEntry& chat = Find(templates, "tokenizer.chat_template");
  chat.value = Replaced(std::get<std::string>(chat.value), "<|{{ m.role", "<|{{ m.Role");
  const auto changed = tokenizer_lines(templates);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_THAT(changed[0], HasSubstr("chat template chat_template, line 1: "));
  Erase(templates, "tokenizer.chat_template");
  const GgufFile without(templates);
  EXPECT_THAT(Compare(hub.Path(), without.path).unsettled,
              testing::Contains("B has no chat_template"));
}

// ---- chat templates ----

TEST(CompareFields, FindsATemplateWhereverItIs) {
  HubFolder a = HubFolder::Qwen2();
  HubFolder b = HubFolder::Qwen2();
  const std::string chat = "one\ntwo\n{{ three }}\nfour";
  a.Write("chat_template.jinja", chat);
  b.Remove("chat_template.jinja");
  b.Change("tokenizer_config.json", "{", "{\"chat_template\": \"one\\ntwo\\n{{ three }}\\nfour\",");
  EXPECT_THAT(Lines(Compare(a.Path(), b.Path())), IsEmpty());
  a.Write("chat_template.jinja", Replaced(chat, "three", "thrEe"));
  EXPECT_THAT(
      Lines(Compare(a.Path(), b.Path())),
      ElementsAre("chat template chat_template, line 3: \"{{ thrEe }}\" | \"{{ three }}\""));
  a.Write("chat_template.jinja", chat + "\n");
  EXPECT_EQ(Compare(a.Path(), b.Path()).differing.size(), 1u);
  a.Remove("chat_template.jinja");
  EXPECT_THAT(Lines(Compare(a.Path(), b.Path())),
              ElementsAre("chat template chat_template:  | \"one\\ntwo\\n{{ three }}\\nfour\""));
}

TEST(CompareFields, ShowsATemplateThatAnotherHides) {
  HubFolder a = HubFolder::Qwen2();
  HubFolder b = HubFolder::Qwen2();
  b.Change("tokenizer_config.json", "{", "{\"chat_template\": \"evil\",");
  EXPECT_THAT(Lines(Compare(a.Path(), b.Path())),
              ElementsAre("chat template chat_template in tokenizer_config.json:  | \"evil\""));
}

TEST(CompareFields, ComparesTemplatesWhereTheTokenizerIsNotKnown) {
  auto metadata = TinyMetadata();
  Find(metadata, "tokenizer.ggml.model").value = std::string("t5");
  metadata.push_back(Text("tokenizer.chat_template", "a\nb"));
  const GgufFile gguf(metadata);
  HubFolder hub;
  hub.Write("chat_template.jinja", "a\nc");
  const auto compared = Compare(hub.Path(), gguf.path);
  EXPECT_THAT(Lines(compared), ElementsAre("chat template chat_template, line 2: \"c\" | \"b\""));
  EXPECT_THAT(compared.unsettled, ElementsAre(HasSubstr("B's tokenizer: ")));
}

// ---- GGUF against GGUF ----

TEST(CompareFields, TellsTypesFromNumbersInMetadata) {
  auto metadata = TinyMetadata();
  Find(metadata, "llama.block_count").type = MetadataType::kU64;
  Find(metadata, "general.name").value = std::string("other");
  Erase(metadata, "llama.attention.key_length");
  metadata.push_back(U32("llama.new_key", 1));
  metadata.push_back(Text("maker.note", "\x1b[31m\u202e" + std::string(500, 'x')));
  const GgufFile other(metadata);
  const auto lines = Lines(Compare(FixturePath("gguf/tiny-f16.gguf"), other.path));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0], "(metadata general.name: \"hallmark tiny\" | \"other\")");
  EXPECT_EQ(lines[1], "(configuration llama.block_count (type): \"u32\" | \"u64\")");
  EXPECT_EQ(lines[2], "(configuration llama.attention.key_length: 16 | )");
  EXPECT_EQ(lines[3], "configuration llama.new_key:  | 1");
  EXPECT_EQ(lines[4],
            "metadata maker.note:  | \"\\u001b[31m\\u202e" + std::string(194, 'x') + "…\"");
}

TEST(CompareFields, KeepsManyKeysShort) {
  auto metadata = TinyMetadata();
  for (int i = 0; i < 30'000; ++i) metadata.push_back(U32(fmt::format("k.{}", i), 1));
  const GgufFile other(metadata);
  const auto compared = Compare(FixturePath("gguf/tiny-f16.gguf"), other.path);
  EXPECT_EQ(compared.differing.size(), 201u);
  EXPECT_EQ(compared.differing.back().field, "elsewhere: 29800 more keys differ");
}

// ---- large files ----

TEST(CompareFields, TellsALargeVocabularyInAFewLines) {
  constexpr int kTokens = 1'000'000;
  const auto write = [](HubFolder& hub, std::string_view prefix) {
    std::string vocab;
    for (int i = 0; i < kTokens; ++i) {
      vocab += fmt::format("{}\"{}some long token {:07}\":{}", i == 0 ? "" : ",",
                           i % 2 ? prefix : "", i, i);
    }
    hub.Write("tokenizer.json", fmt::format("{{\"model\":{{\"vocab\":{{{}}}}}}}", vocab));
  };
  HubFolder a({"config.json"});
  write(a, "");
  ASSERT_GT(std::filesystem::file_size(a.Path() / "tokenizer.json"), 30'000'000u);
  HubFolder b({"config.json"});
  write(b, "a");
  const auto begin = std::chrono::steady_clock::now();
  const auto compared = Compare(a.Path(), b.Path());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  ASSERT_EQ(compared.differing.size(), 11u);
  EXPECT_EQ(Line(compared.differing[0]),
            "tokenizer vocab 1: \"some long token 0000001\" | \"asome long token 0000001\"");
  EXPECT_EQ(
      Line(compared.differing[10]),
      "tokenizer vocab: 500000 entries differ, the first 10 of them shown: 1000000 | 1000000");
  EXPECT_GE(compared.compared, 1'000'000u);
}

}  // namespace
}  // namespace hallmark
