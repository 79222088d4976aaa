#include "transform/conversion_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "formats/gguf_writer.h"
#include "formats/npz_writer.h"
#include "formats/pytorch_writer.h"
#include "formats/safetensors_writer.h"
#include "src/base/text.h"
#include "src/model/architecture.h"
#include "transform/quantisation_mix.h"
#include "transform/shards.h"
#include "transform/side_files.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

// Names that make an output a single file, and of what format.
constexpr std::pair<std::string_view, TargetFormat> kFileSuffixes[] = {
    {".gguf", TargetFormat::kGguf},   {".safetensors", TargetFormat::kSafetensors},
    {".bin", TargetFormat::kPytorch}, {".pt", TargetFormat::kPytorch},
    {".pth", TargetFormat::kPytorch}, {".ckpt", TargetFormat::kPytorch},
    {".npz", TargetFormat::kNpz},
};

std::optional<TargetFormat> FormatNamed(std::string_view name) {
  for (const auto& [suffix, format] : kFileSuffixes) {
    if (name.ends_with(suffix)) return format;
  }
  return std::nullopt;
}

bool NamesAFile(std::string_view name) { return FormatNamed(name).has_value(); }

std::vector<TensorToWrite> ToWrite(std::span<const PlannedTensor> tensors) {
  std::vector<TensorToWrite> all;
  for (const PlannedTensor& tensor : tensors) all.push_back(tensor.ToWrite());
  return all;
}

Error Usage(std::string_view message, std::string_view hint) {
  return Error{Errc::kUsage, "convert", std::string(message), std::nullopt, std::string(hint)};
}

class Planner {
 public:
  Planner(const fs::path& path, const Model& model, const CanonicalModel& canonical,
          const ConvertRequest& request, const Task& task)
      : path_(path),
        model_(model),
        canonical_(canonical),
        request_(request),
        task_(task),
        beside_(model) {}

  Result<ConversionFiles> Run() {
    HM_TRY(CheckRequest());
    facts_ = HM_TRY(FactsOf(model_, canonical_));
    for (const FileOnDisk& file : model_.FilesOnDisk()) {
      // The folder of an archive does not know where the archive itself lies.
      const fs::path archive = fs::is_directory(path_) ? path_ / file.path : path_;
      result_.inputs.push_back(
          {file.path, file.is_archive ? archive : fs::path(model_.Home()->NameOf(file.path)),
           file.stamp});
    }
    switch (request_.to) {
      case TargetFormat::kSafetensors:
      case TargetFormat::kPytorch:
      case TargetFormat::kNpz:
        HM_TRY(PlanHubFiles());
        break;
      case TargetFormat::kGguf:
        HM_TRY(PlanGgufFiles());
        break;
      case TargetFormat::kMeta:
        HM_TRY(PlanMetaFiles());
        break;
    }
    for (InputFile& input : beside_.TakeInputs()) result_.inputs.push_back(std::move(input));
    return std::move(result_);
  }

 private:
  Result<void> CheckRequest() const {
    if (!request_.quant.empty() && request_.to != TargetFormat::kGguf) {
      return Usage("only GGUF holds quantised weights", "add --to gguf, or leave --quant out");
    }
    if (!request_.quant.empty() && request_.dtype) {
      return Usage("--quant chooses the types itself", "leave --dtype out");
    }
    if (request_.model_parallel != 1 && request_.to != TargetFormat::kMeta) {
      return Usage("only Meta's layout has ranks", "add --to meta, or leave --model-parallel out");
    }
    const auto named = FormatNamed(request_.name);
    if (named && named != request_.to && request_.to != TargetFormat::kMeta) {
      return Usage(fmt::format("the output is named as {}, but is to be {}",
                               TargetFormatName(*named), TargetFormatName(request_.to)),
                   "name it otherwise, or choose another --to");
    }
    if (named && (ParseNumberedName(request_.name) || ParseRankName(request_.name))) {
      return Usage("the output is named as one shard of several", "give it another name");
    }
    if (request_.to == TargetFormat::kNpz && !named) {
      return Usage("an archive of numpy arrays is one file", "name it with .npz at the end");
    }
    if (request_.shard_size != 0 &&
        (request_.to == TargetFormat::kMeta || request_.to == TargetFormat::kNpz)) {
      return Usage("this format has no shards", "leave --shard-size out");
    }
    if (request_.shard_size != 0 && NamesAFile(request_.name)) {
      return Usage("shards are several files, but the output is named as one",
                   "name a folder for them");
    }
    if (request_.to == TargetFormat::kMeta && NamesAFile(request_.name)) {
      return Usage("a Meta set is a folder, but the output is named as a file", "name a folder");
    }
    return {};
  }

  bool IsParallel() const { return model_.Set().layout == ModelSet::Layout::kModelParallel; }
  bool AllGguf() const {
    return std::ranges::all_of(
        model_.Files(), [](const WeightFile& file) { return file.reader->FormatName() == "gguf"; });
  }
  bool HasHubNames() const {
    return (canonical_.raw || canonical_.scheme == NameSchemeName(NameScheme::kHuggingFace)) &&
           !IsParallel();
  }

  // safetensors, PyTorch and numpy take tensors under any names: those that are Hugging Face's, or
  // nobody's, stay; others get Hugging Face's.
  Result<void> PlanHubFiles() {
    std::vector<PlannedTensor> tensors =
        HasHubNames() ? PlanStored(model_) : HM_TRY(PlanHub(canonical_, task_));
    if (!HasHubNames()) TellWhatIsLeftOut();
    HM_TRY(Cast({.dtype = request_.dtype, .dequantise = request_.requantise}, &tensors));
    const WrittenWeights weights = Weights(tensors);
    const bool one_file = NamesAFile(request_.name) || request_.to == TargetFormat::kNpz;
    result_.kind = one_file ? PartialOutput::Target::kFile : PartialOutput::Target::kFolder;

    const std::vector<ShardRange> ranges = DivideIntoShards(tensors, request_.shard_size);
    const bool torch = request_.to == TargetFormat::kPytorch;
    const std::string stem = torch ? "pytorch_model" : "model";
    const std::string suffix = torch ? ".bin" : ".safetensors";
    std::vector<std::string> names;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      names.push_back(one_file ? request_.name : ShardName(stem, suffix, i, ranges.size()));
    }
    std::string index;
    if (ranges.size() > 1) index = IndexText(tensors, ranges, names);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const auto part =
          std::span(tensors).subspan(ranges[i].begin, ranges[i].end - ranges[i].begin);
      AddWeights(names[i], HM_TRY(LayOut(part, names[i])), part);
    }
    if (!index.empty()) AddText(stem + suffix + ".index.json", index);
    if (one_file) {
      if (beside_.HasConfig()) {
        result_.notes.push_back("one file: configuration and tokenizer are not in it");
      }
      return {};
    }
    return AddHubSideFiles(weights);
  }

  Result<FileLayout> LayOut(std::span<const PlannedTensor> tensors, const std::string& name) const {
    const std::vector<TensorToWrite> all = ToWrite(tensors);
    switch (request_.to) {
      case TargetFormat::kPytorch:
        return LayOutPytorch(all, fs::path(name).stem().string());
      case TargetFormat::kNpz:
        return LayOutNpz(all);
      default:
        return LayOutSafetensors(all, {{"format", "pt"}});
    }
  }

  // GGUF stays as it is, tensor by tensor; anything else gets GGUF's names and layout.
  Result<void> PlanGgufFiles() {
    std::vector<PlannedTensor> tensors;
    std::vector<MetadataEntry> metadata;
    if (AllGguf()) {
      tensors = PlanStored(model_);
      metadata = WithoutSplit(model_.Files().front().reader->Metadata());
      if (request_.dtype) {
        for (PlannedTensor& tensor : tensors) FixGgufType(&tensor);
      }
    } else {
      tensors = HM_TRY(PlanGguf(canonical_, model_.Config()));
      TellWhatIsLeftOut();
    }
    // Blocks that already are what a mix wants stay, so that it is for the mix to take them apart.
    HM_TRY(Cast({.dtype = request_.dtype,
                 .dequantise = request_.requantise && request_.quant.empty(),
                 .keep_blocks = true},
                &tensors));
    if (!AllGguf()) metadata = HM_TRY(GgufMetadata(&tensors));
    if (!request_.quant.empty()) {
      HM_TRY(Quantise(&tensors, &metadata));
    } else if (AllGguf() && (request_.dtype || result_.dequantises)) {
      SetFileType(tensors, &metadata);
    }

    const bool one_file = request_.shard_size == 0;
    result_.kind = one_file ? PartialOutput::Target::kFile : PartialOutput::Target::kFolder;
    const std::vector<ShardRange> ranges = DivideIntoShards(tensors, request_.shard_size);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const auto part =
          std::span(tensors).subspan(ranges[i].begin, ranges[i].end - ranges[i].begin);
      const std::string name =
          one_file ? request_.name : ShardName(request_.name, ".gguf", i, ranges.size());
      const auto own =
          ranges.size() == 1 ? metadata : SplitMetadata(metadata, i, ranges.size(), tensors.size());
      AddWeights(name, HM_TRY(LayOutGguf(ToWrite(part), own)), part);
    }
    return {};
  }

  // general.file_type, where the file says it, after a cast.
  static void SetFileType(std::span<const PlannedTensor> tensors,
                          std::vector<MetadataEntry>* metadata) {
    const std::optional<Dtype> dtype = DtypeOfMatrices(tensors);
    if (!dtype || !IsFloatFamily(*dtype)) return;
    for (MetadataEntry& entry : *metadata) {
      if (entry.key == "general.file_type") entry.value = std::uint64_t{FileTypeOf(dtype)};
    }
  }

  // The keys, and the tensors that GGUF has for scaled rotary frequencies.
  Result<std::vector<MetadataEntry>> GgufMetadata(std::vector<PlannedTensor>* tensors) {
    const WrittenWeights weights = Weights(*tensors);
    GgufSide side = HM_TRY(beside_.ForGguf(weights));
    for (std::string& note : side.notes) result_.notes.push_back(std::move(note));
    std::vector<PlannedTensor> first;
    for (const RopeTensor& rope : side.rope_tensors) {
      const auto bytes = std::as_bytes(std::span(rope.values));
      PlannedTensor tensor{.name = rope.name,
                           .dtype = Dtype::kF32,
                           .shape = {rope.values.size()},
                           .bytes = MakeMemoryFile({bytes.begin(), bytes.end()}, rope.name),
                           .steps = {"made from the configuration"}};
      tensor.type_is_fixed = true;
      first.push_back(std::move(tensor));
    }
    tensors->insert(tensors->begin(), std::make_move_iterator(first.begin()),
                    std::make_move_iterator(first.end()));
    return std::move(side.metadata);
  }

  // As llama-quantize does it to the GGUF that is planned so far.
  Result<void> Quantise(std::vector<PlannedTensor>* tensors, std::vector<MetadataEntry>* metadata) {
    const QuantisationMix* mix = FindQuantisationMix(request_.quant);
    if (mix == nullptr) {
      return Usage(fmt::format("there is no quantisation \"{}\"", EscapeForPeople(request_.quant)),
                   "hallmark convert --help names them");
    }
    if (!mix->is_written) {
      return Error{Errc::kUnsupported, "convert",
                   fmt::format("{} holds types that are read, but not made here", mix->name)};
    }
    if (!request_.importance.empty()) {
      const auto file = HM_TRY(OpenFile(request_.importance));
      result_.importance =
          std::make_unique<const ImportanceMatrix>(HM_TRY(ReadImportanceMatrix(*file)));
      result_.inputs.push_back(
          {request_.importance.filename().string(), request_.importance, file->Stamp()});
    }
    const ModelCounts counts = HM_TRY(ReadModelCounts(*metadata, model_.Set().name));
    const QuantisationChoice choice = HM_TRY(ChooseQuantisation(
        *mix, counts, ToWrite(*tensors), result_.importance.get(), request_.requantise));
    for (const Finding& finding : choice.findings) {
      result_.notes.push_back(finding.subject.empty()
                                  ? finding.message
                                  : fmt::format("{}: {}", finding.subject, finding.message));
    }
    std::vector<PlannedTensor> chosen;
    for (const TensorQuantisation& choose : choice.tensors) {
      PlannedTensor tensor = std::move((*tensors)[choose.tensor]);
      if (choose.kept_because.empty() && tensor.dtype != choose.dtype) {
        HM_TRY(QuantiseTensor(choose, &tensor));
      }
      chosen.push_back(std::move(tensor));
    }
    *tensors = std::move(chosen);
    *metadata = QuantisedMetadata(*metadata, *mix, result_.importance.get());
    return {};
  }

  Result<void> QuantiseTensor(const TensorQuantisation& choose, PlannedTensor* tensor) {
    if (InfoOf(tensor->dtype).is_block_quantised) {
      tensor->steps.push_back(fmt::format("{} dequantised", DtypeName(tensor->dtype)));
      tensor->bytes = Dequantised(std::move(tensor->bytes), tensor->dtype);
      tensor->dtype = Dtype::kF32;
      result_.dequantises = true;
    }
    if (tensor->dtype == choose.dtype) return {};
    if (IsFloatFamily(choose.dtype)) {
      CastTo(choose.dtype, tensor);
      return {};
    }
    const std::uint64_t columns = tensor->shape.back();
    const std::uint64_t rows =
        tensor->shape.size() < 2 ? 1 : tensor->shape[tensor->shape.size() - 2];
    if (auto fits = CanQuantiseRows(columns); !fits) {
      Error error = std::move(fits).error();
      error.subject = EscapeForPeople(tensor->name);
      return error;
    }
    tensor->steps.push_back(
        fmt::format("{} quantised to {}{}", DtypeName(tensor->dtype), DtypeName(choose.dtype),
                    choose.importance.empty() ? "" : ", weighed by the importance matrix"));
    tensor->bytes = Quantised(std::move(tensor->bytes), tensor->dtype, choose.dtype, columns, rows,
                              choose.importance);
    tensor->dtype = choose.dtype;
    result_.quantises = true;
    return {};
  }

  Result<void> PlanMetaFiles() {
    const MetaSide side = HM_TRY(beside_.ForMeta(Weights({})));
    MetaPlan plan = HM_TRY(
        PlanMeta(canonical_, model_.Config(), request_.model_parallel, side.embedding_split));
    for (const std::string& note : side.notes) result_.notes.push_back(note);
    TellWhatIsLeftOut();
    result_.kind = PartialOutput::Target::kFolder;
    for (std::size_t rank = 0; rank < plan.ranks.size(); ++rank) {
      std::vector<PlannedTensor>& tensors = plan.ranks[rank];
      HM_TRY(Cast({.dtype = request_.dtype, .dequantise = request_.requantise}, &tensors));
      const std::string stem = fmt::format("consolidated.{:02}", rank);
      AddWeights(stem + ".pth", HM_TRY(LayOutPytorch(ToWrite(tensors), stem)), tensors);
    }
    result_.bases = std::move(plan.joined);
    for (const SideFile& file : side.files) AddSide(file);
    return {};
  }

  Result<void> AddHubSideFiles(const WrittenWeights& weights) {
    const HubSide side = HM_TRY(beside_.ForHub(weights));
    for (const std::string& note : side.notes) result_.notes.push_back(note);
    for (const SideFile& file : side.files) AddSide(file);
    return {};
  }

  WrittenWeights Weights(std::span<const PlannedTensor> tensors) const {
    return {.tensors = facts_,
            .dtype = DtypeOfMatrices(tensors),
            .cast_to = request_.dtype,
            .parameters = CountParameters(),
            .without_tokenizer = request_.without_tokenizer};
  }

  // Derived buffers, which no canonical model holds.
  void TellWhatIsLeftOut() {
    for (const LeftOut& item : canonical_.left_out) result_.left_out.push_back(item.stored_name);
  }

  Result<void> Cast(const CastRequest& request, std::vector<PlannedTensor>* tensors) {
    const auto is_block = [](const PlannedTensor& tensor) {
      return InfoOf(tensor.dtype).is_block_quantised;
    };
    const auto before = std::ranges::count_if(*tensors, is_block);
    HM_TRY(CastTensors(request, tensors));
    if (std::ranges::count_if(*tensors, is_block) != before) result_.dequantises = true;
    return {};
  }

  // The type of most values.
  static std::optional<Dtype> DtypeOfMatrices(std::span<const PlannedTensor> tensors) {
    std::map<Dtype, std::uint64_t> bytes;
    for (const PlannedTensor& tensor : tensors) bytes[tensor.dtype] += tensor.bytes->Size();
    if (bytes.empty()) return std::nullopt;
    return std::ranges::max_element(bytes, {}, [](const auto& item) { return item.second; })->first;
  }

  ParameterCounts CountParameters() const {
    ParameterCounts counts;
    std::set<std::string_view> experts;
    for (const CanonicalTensor& tensor : canonical_.tensors) {
      const std::uint64_t values = ElementCount(tensor.shape).value_or(0);
      counts.total += values;
      const auto match = MatchName(NameScheme::kHuggingFace, nullptr, tensor.name);
      if (!match || match->expert.empty()) {
        counts.shared += values;
      } else {
        experts.insert(match->expert);
        counts.expert += values;
      }
    }
    counts.experts = experts.size();
    if (counts.experts != 0) counts.expert /= counts.experts;
    return counts;
  }

  void AddWeights(const std::string& name, FileLayout layout, std::span<PlannedTensor> tensors) {
    OutputFile file{.path = name, .layout = std::move(layout)};
    file.counts_losses = std::ranges::any_of(
        tensors, [](const PlannedTensor& tensor) { return tensor.loss != nullptr; });
    for (PlannedTensor& tensor : tensors) {
      result_.tensors.push_back({{.name = tensor.name,
                                  .file = name,
                                  .dtype = tensor.dtype,
                                  .shape = tensor.shape,
                                  .sources = tensor.sources,
                                  .steps = tensor.steps},
                                 tensor.loss});
      file.payloads.push_back(std::move(tensor.bytes));
    }
    result_.files.push_back(std::move(file));
  }

  void AddText(std::string path, std::string_view text) {
    const ByteSpan bytes = AsBytes(text);
    result_.files.push_back(LiteralFile(std::move(path), {bytes.begin(), bytes.end()}));
  }
  void AddSide(const SideFile& file) { AddText(file.path, file.content); }

  const fs::path& path_;
  const Model& model_;
  const CanonicalModel& canonical_;
  const ConvertRequest& request_;
  const Task& task_;
  SideFiles beside_;
  TensorFacts facts_;
  ConversionFiles result_;
};

}  // namespace

Result<ConversionFiles> PlanConversion(const fs::path& path, const Model& model,
                                       const CanonicalModel& canonical,
                                       const ConvertRequest& request, const Task& task) {
  return Planner(path, model, canonical, request, task).Run();
}

}  // namespace hallmark
