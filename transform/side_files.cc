#include "transform/side_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/io/file.h"
#include "src/io/folder_within.h"
#include "src/json/json_reader.h"
#include "transform/file_type.h"
#include "transform/hub_config.h"
#include "transform/meta_params.h"
#include "transform/tokenizer_gguf.h"

namespace hallmark {
namespace {

// Beyond any configuration or tokenizer: Gemma's tokenizer.json, the largest, has 34 MB.
constexpr std::uint64_t kMaxSideBytes = 200'000'000;

// Files of Hugging Face's layout that say nothing of the weights' container and stay true.
constexpr std::string_view kCarried[] = {
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "preprocessor_config.json",
    "processor_config.json",
    "LICENSE",
    "LICENSE.txt",
    "LICENSE.md",
    "USE_POLICY.md",
    "NOTICE",
    "Notice",
    "README.md",
};
constexpr std::string_view kTokenizerNames[] = {"tokenizer.json", "tokenizer.model", "vocab.json"};

// The configuration with another value of torch_dtype, or dtype as transformers 5 calls it; all
// else stays to the byte.
std::string WithTorchDtype(std::string config, Dtype dtype) {
  for (const std::string_view key : {"\"torch_dtype\"", "\"dtype\""}) {
    std::size_t at = config.find(key);
    if (at == std::string::npos) continue;
    at = config.find(':', at);
    if (at == std::string::npos) continue;
    const std::size_t begin = config.find_first_not_of(" \t\r\n", at + 1);
    if (begin == std::string::npos || config[begin] != '"') continue;
    const std::size_t end = config.find('"', begin + 1);
    if (end == std::string::npos) continue;
    config.replace(begin + 1, end - begin - 1, TorchDtype(dtype));
  }
  return config;
}

void Append(std::vector<std::string> from, std::vector<std::string>* to) {
  to->insert(to->end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

Error NoConfig(const Model& model) {
  return Error{Errc::kNotFound, model.Set().name,
               "no configuration stands beside it, which this format needs", std::nullopt,
               "put the release's config.json or params.json beside the weights"};
}

}  // namespace

std::uint32_t FileTypeOf(std::optional<Dtype> dtype) {
  if (dtype == Dtype::kF16) return static_cast<std::uint32_t>(FileType::kF16);
  if (dtype == Dtype::kBf16) return static_cast<std::uint32_t>(FileType::kBf16);
  return static_cast<std::uint32_t>(FileType::kF32);
}

SideFiles::SideFiles(const Model& model) : model_(model) {
  if (model.Home() != nullptr) {
    const std::string& first = model.Files().front().path;
    const std::size_t slash = first.rfind('/');
    // The model, which outlives this, owns its home.
    folder_ = FolderWithin(std::shared_ptr<const Folder>(std::shared_ptr<void>(), model.Home()),
                           slash == std::string::npos ? "" : first.substr(0, slash));
  }
  const bool gguf = model.Files().front().reader->FormatName() == "gguf";
  // Legacy GGML and llama2.c say a little of their configuration themselves.
  const bool meta =
      model.Config().source.ends_with("params.json") || (Has("params.json") && !Has("config.json"));
  if (gguf) {
    source_ = Source::kGguf;
  } else if (meta && Has("params.json")) {
    source_ = Source::kMeta;
  } else if (Has("config.json")) {
    source_ = Source::kHub;
  }
}

bool SideFiles::Has(std::string_view name) const {
  return folder_ != nullptr && folder_->Has(name);
}

Result<std::string> SideFiles::ReadText(const std::string& name) {
  const auto file = HM_TRY(folder_->Open(name));
  const std::string path = folder_->Locate(name, {}).path;
  const bool in_archive = !path.ends_with(name);
  if (!in_archive && std::ranges::find(inputs_, path, &InputFile::path) == inputs_.end()) {
    inputs_.push_back({path, folder_->NameOf(name), file->Stamp()});
  }
  std::string text = HM_TRY(ReadWholeFile(*file, kMaxSideBytes));
  HM_TRY(file->CheckUnchanged());
  return text;
}

Result<std::string> SideFiles::HubConfigText(const TensorFacts& tensors,
                                             std::vector<std::string>* notes) {
  switch (source_) {
    case Source::kHub:
      return ReadText("config.json");
    case Source::kMeta: {
      const std::string text = HM_TRY(ReadText("params.json"));
      const JsonDocument params = HM_TRY(JsonDocument::Parse(text, "params.json"));
      HubConfig config = HM_TRY(HubConfigFromMeta(params, tensors));
      Append(std::move(config.notes), notes);
      return std::move(config.text);
    }
    case Source::kGguf: {
      const WeightFile& first = model_.Files().front();
      HubConfig config = HM_TRY(HubConfigFromGguf(first.reader->Metadata(), tensors, first.path));
      Append(std::move(config.notes), notes);
      return std::move(config.text);
    }
    case Source::kNone:
      break;
  }
  return NoConfig(model_);
}

Result<std::optional<Tokenizer>> SideFiles::FindTokenizer(bool without,
                                                          std::vector<std::string>* notes) {
  std::optional<Tokenizer> tokenizer;
  if (source_ == Source::kGguf) {
    const WeightFile& first = model_.Files().front();
    tokenizer = HM_TRY(ReadGgufTokenizer(first.reader->Metadata(), first.path));
  } else if (folder_ != nullptr) {
    tokenizer = HM_TRY(ReadTokenizer(*folder_));
    // Whatever it was read from.
    for (const std::string_view name : kCarried) {
      const bool tells = name.find("token") != std::string_view::npos || name == "vocab.json" ||
                         name == "merges.txt" || name.starts_with("chat_template");
      if (tells && Has(name)) (void)HM_TRY(ReadText(std::string(name)));
    }
  }
  if (tokenizer) {
    Append(tokenizer->notes, notes);
    return tokenizer;
  }
  if (!without) {
    return Error{Errc::kNotFound, model_.Set().name, "it has no tokenizer, which the output needs",
                 std::nullopt,
                 "put tokenizer.model or tokenizer.json beside the weights, or pass "
                 "--without-tokenizer"};
  }
  notes->push_back("no tokenizer: there is none beside the weights");
  return std::optional<Tokenizer>();
}

Result<HubSide> SideFiles::ForHub(const WrittenWeights& weights) {
  HubSide side;
  if (source_ == Source::kNone) {
    side.notes.push_back("no configuration: there is none beside the weights");
    return side;
  }
  if (source_ == Source::kHub) {
    for (const std::string_view name : kCarried) {
      if (!Has(name)) continue;
      std::string text = HM_TRY(ReadText(std::string(name)));
      if (name == "config.json" && weights.cast_to) {
        text = WithTorchDtype(std::move(text), *weights.cast_to);
      }
      side.files.push_back({std::string(name), std::move(text)});
    }
    if (std::ranges::none_of(kTokenizerNames, [&](auto name) { return Has(name); })) {
      side.notes.push_back("no tokenizer: there is none beside the weights");
    }
    return side;
  }
  TensorFacts tensors = weights.tensors;
  if (weights.dtype && IsFloatFamily(*weights.dtype)) tensors.dtype = weights.dtype;
  side.files.push_back({"config.json", HM_TRY(HubConfigText(tensors, &side.notes))});
  const auto tokenizer = HM_TRY(FindTokenizer(weights.without_tokenizer, &side.notes));
  if (!tokenizer) return side;
  for (const TokenizerFile& file :
       HM_TRY(WriteTokenizerFiles(*tokenizer, TokenizerFiles::kHuggingFace))) {
    side.files.push_back({file.name, std::string(AsText(file.bytes))});
  }
  return side;
}

Result<MetaSide> SideFiles::ForMeta(const WrittenWeights& weights) {
  MetaSide side;
  // LLaMA 3's 128,256 tokens came with the other split.
  constexpr std::uint64_t kLargeVocabulary = 100'000;
  side.embedding_split = weights.tensors.vocab_size > kLargeVocabulary ? EmbeddingSplit::kRows
                                                                       : EmbeddingSplit::kColumns;
  if (source_ == Source::kMeta) {
    side.files.push_back({"params.json", HM_TRY(ReadText("params.json"))});
  } else {
    const std::string text = HM_TRY(HubConfigText(weights.tensors, &side.notes));
    const JsonDocument config = HM_TRY(JsonDocument::Parse(text, "config.json"));
    MetaParams params = HM_TRY(MetaParamsFromHub(config, weights.tensors));
    Append(std::move(params.lost), &side.notes);
    side.files.push_back({"params.json", std::move(params.text)});
  }
  if (source_ != Source::kGguf && Has("tokenizer.model")) {
    side.files.push_back({"tokenizer.model", HM_TRY(ReadText("tokenizer.model"))});
    return side;
  }
  const auto tokenizer = HM_TRY(FindTokenizer(weights.without_tokenizer, &side.notes));
  if (!tokenizer) return side;
  for (const TokenizerFile& file : HM_TRY(WriteTokenizerFiles(*tokenizer, TokenizerFiles::kMeta))) {
    side.files.push_back({file.name, std::string(AsText(file.bytes))});
  }
  return side;
}

Result<GgufSide> SideFiles::ForGguf(const WrittenWeights& weights) {
  GgufSide side;
  const std::string text = HM_TRY(HubConfigText(weights.tensors, &side.notes));
  const JsonDocument config = HM_TRY(JsonDocument::Parse(text, "config.json"));
  std::optional<JsonDocument> generation;
  if (source_ == Source::kHub && Has("generation_config.json")) {
    const std::string told = HM_TRY(ReadText("generation_config.json"));
    generation = HM_TRY(JsonDocument::Parse(told, "generation_config.json"));
  }
  const GgufFacts facts{.name = "",
                        .file_type = FileTypeOf(weights.dtype),
                        .parameters = weights.parameters,
                        .generation_config = generation ? &*generation : nullptr,
                        .tensors = &weights.tensors};
  GgufKeys keys = HM_TRY(GgufKeysOf(config, facts));
  side.metadata = std::move(keys.entries);
  side.rope_tensors = std::move(keys.rope_tensors);
  Append(std::move(keys.lost), &side.notes);
  const auto tokenizer = HM_TRY(FindTokenizer(weights.without_tokenizer, &side.notes));
  if (!tokenizer) return side;
  for (MetadataEntry& entry : HM_TRY(GgufTokenizer(*tokenizer))) {
    side.metadata.push_back(std::move(entry));
  }
  return side;
}

}  // namespace hallmark
