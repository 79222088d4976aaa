// One conversion from beginning to end: plan, write, prove, receipt.
#include "transform/convert.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "src/base/text.h"
#include "src/hash/hash_files.h"
#include "src/hash/hasher.h"
#include "src/io/atomic_file.h"
#include "src/io/directory.h"
#include "src/io/partial_output.h"
#include "src/json/json_writer.h"
#include "transform/conversion_files.h"
#include "transform/write_files.h"
#include "weights/identity.h"
#include "weights/model.h"
#include "weights/model_sets.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

// More than this is kept for another run when it is interrupted.
constexpr std::uint64_t kWorthKeeping = 1'000'000'000;

constexpr std::uint64_t kMostRanks = 4096;  // as the command line takes

constexpr std::pair<TargetFormat, std::string_view> kFormatNames[] = {
    {TargetFormat::kSafetensors, "safetensors"},
    {TargetFormat::kGguf, "gguf"},
    {TargetFormat::kMeta, "meta"},
    {TargetFormat::kPytorch, "pytorch"},
    {TargetFormat::kNpz, "npz"},
};

std::string NameOf(const fs::path& target) { return WithoutSlash(target).filename().string(); }

fs::path ReceiptPath(const fs::path& target) {
  fs::path path = WithoutSlash(target);
  path += ".receipt.json";
  return path;
}

// The files' digests, in their order, with progress.
Result<std::vector<HashedFile>> HashAll(const std::vector<FileToHash>& files, std::uint64_t bytes,
                                        std::string_view what, const Task& task) {
  task.Begin(what, bytes, files.size());
  std::vector<std::optional<HashedFile>> hashed(files.size());
  HM_TRY(HashFiles(files, task, [&](std::size_t i, Result<HashedFile> file) -> Result<void> {
    hashed[i] = HM_TRY(std::move(file));
    return {};
  }));
  std::vector<HashedFile> all;
  for (auto& file : hashed) all.push_back(*std::move(file));
  return all;
}

// The digests of all files that the conversion reads. kIo: one is not what it was planned with.
Result<std::vector<ReceiptFile>> HashInputs(const std::vector<InputFile>& inputs,
                                            const Task& task) {
  std::uint64_t bytes = 0;
  std::vector<FileToHash> files;
  for (const InputFile& input : inputs) {
    files.push_back({input.full_path, {Algorithm::kTree}, input.path});
    bytes += input.stamp.size;
  }
  const auto hashed = HM_TRY(HashAll(files, bytes, "hashing the input", task));
  std::vector<ReceiptFile> told;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (hashed[i].stamp != inputs[i].stamp) {
      return Error{Errc::kIo, inputs[i].full_path.string(),
                   "the file changed while it was being read", std::nullopt,
                   "try again when nothing writes to it"};
    }
    told.push_back({inputs[i].path, hashed[i].stamp.size, hashed[i].outcome.digests.front()});
  }
  return told;
}

// What makes two runs the same work: the tool, what is asked, what is read, what will be written.
std::string FingerprintOf(std::string_view tool_version, const ConvertRequest& request,
                          const std::vector<InputFile>& inputs, std::span<const OutputFile> files) {
  std::string text = fmt::format("hallmark {}\n", tool_version);
  for (const auto& [name, value] : request.Parameters()) {
    text += fmt::format("{} {}\n", name, value);
  }
  // A file may be given the time that another had, but not that of its last change.
  for (const InputFile& input : inputs) {
    const FileStamp& stamp = input.stamp;
    text += fmt::format("in {} {} {} {} {}\n", JsonQuoted(input.path), stamp.inode, stamp.size,
                        stamp.modified_ns, stamp.changed_ns);
  }
  for (const OutputFile& file : files) {
    text += fmt::format("out {} {}\n", JsonQuoted(file.path), file.layout.size);
    for (const FileLayout::Literal& literal : file.layout.literals) {
      text += fmt::format("literal {} {}\n", literal.offset,
                          HashBytes(Algorithm::kSha256, literal.bytes).Hex());
    }
  }
  return HashBytes(Algorithm::kSha256, AsBytes(text)).Hex();
}

std::vector<ReceiptTensor> TensorsOf(const ConversionFiles& conversion) {
  std::vector<ReceiptTensor> tensors;
  for (const ConvertedTensor& made : conversion.tensors) {
    ReceiptTensor& tensor = tensors.emplace_back(made.told);
    if (!made.loss) continue;
    if (const RoundingLoss loss = made.loss->Total(); loss.changed != 0) tensor.loss = loss;
  }
  return tensors;
}

// What was written, as any reader finds it.
Result<Model> OpenOutput(const PartialOutput& output, const ConversionFiles& conversion,
                         const Task& task) {
  return Model::Open(conversion.kind == PartialOutput::Target::kFile
                         ? output.Files() / conversion.files.front().path
                         : output.Files(),
                     task);
}

class Converter {
 public:
  Converter(const fs::path& path, const ConvertRequest& request, const ConvertTarget& target,
            std::string_view tool_version, const Task& task)
      : path_(path), request_(request), target_(target), version_(tool_version), task_(task) {}

  // With `expected`, the conversion that is done again.
  Result<Receipt> Run(const Receipt* expected) {
    const Model model = HM_TRY(Model::Open(path_, task_));
    const CanonicalModel canonical = HM_TRY(Canonicalise(model, task_));
    const ConversionFiles conversion =
        HM_TRY(PlanConversion(path_, model, canonical, request_, task_));
    HM_TRY(CheckOutputTarget(target_.path, conversion.kind, target_.force));
    HM_TRY(CheckNothingIsMixed(conversion));
    HM_TRY(CheckTarget(ReceiptPath(target_.path), target_.force));

    Receipt receipt;
    receipt.tool_version = version_;
    receipt.request = request_.Parameters();
    if (expected != nullptr) {
      receipt.inputs = HM_TRY(HashInputs(conversion.inputs, task_));
      HM_TRY(CheckInputs(*expected, receipt.inputs));
    }

    std::uint64_t bytes = 0;
    for (const OutputFile& file : conversion.files) bytes += file.layout.size;
    auto output = HM_TRY(PartialOutput::Begin(
        {.target = target_.path,
         .kind = conversion.kind,
         .force = target_.force,
         .discard = target_.discard,
         .fingerprint = FingerprintOf(version_, request_, conversion.inputs, conversion.files)}));
    if (!output.WasInterrupted()) HM_TRY(CheckFreeSpace(target_.path, bytes));
    task_.Begin(output.WasInterrupted() ? "going on converting" : "converting",
                bytes + BytesToHash(conversion, canonical, receipt), 0);
    auto made = WriteAndProve(model, conversion, output, &receipt);
    if (!made) {
      const Errc code = made.error().code;
      const bool may_go_on = code == Errc::kInterrupted || code == Errc::kIo;
      if (!may_go_on || differs_ || bytes < kWorthKeeping) return made.error();
      output.Keep();
      Error error = std::move(made).error();
      error.hint += fmt::format(
          "{}what is done is kept in {}: the same command goes on with it, "
          "--discard begins anew",
          error.hint.empty() ? "" : "; ", output.Folder().string());
      return error;
    }
    if (expected != nullptr) HM_TRY(CheckOutputs(*expected, receipt));
    HM_TRY(output.Commit());
    HM_TRY(WriteFileAtomically(ReceiptPath(target_.path), WriteReceipt(receipt), target_.force));
    return receipt;
  }

 private:
  // What is read of the input besides what is converted.
  static std::uint64_t BytesToHash(const ConversionFiles& conversion,
                                   const CanonicalModel& canonical, const Receipt& receipt) {
    std::uint64_t bytes = 0;
    for (const CanonicalTensor& tensor : canonical.tensors) bytes += tensor.bytes->Size();
    if (!receipt.inputs.empty()) return bytes;
    for (const InputFile& input : conversion.inputs) bytes += input.stamp.size;
    return bytes;
  }

  Result<void> WriteAndProve(const Model& model, const ConversionFiles& conversion,
                             const PartialOutput& output, Receipt* made) {
    Receipt& receipt = *made;
    std::vector<WrittenFile> written;
    WeightIdentity weights;
    // Side by side, so that what one of them reads is in memory for the others.
    const std::function<Result<void>(const Task&)> pieces[] = {
        [&](const Task& task) -> Result<void> {
          written = HM_TRY(WriteFiles(conversion.files, output, task));
          return {};
        },
        [&](const Task& task) -> Result<void> {
          if (receipt.inputs.empty()) receipt.inputs = HM_TRY(HashInputs(conversion.inputs, task));
          return {};
        },
        [&](const Task& task) -> Result<void> {
          weights = HM_TRY(ComputeIdentity(model, task));
          return {};
        },
    };
    HM_TRY(DoTogether(task_, pieces));
    HM_TRY(model.CheckUnchanged());
    for (const WrittenFile& file : written) {
      receipt.outputs.push_back({file.path, file.size, file.tree});
    }
    if (request_.to == TargetFormat::kMeta) HM_TRY(AddChecklist(output, &receipt));
    receipt.tensors = TensorsOf(conversion);
    receipt.left_out = conversion.left_out;
    receipt.notes = conversion.notes;

    // The disk takes its time while what is still in memory is compared.
    auto flushed = std::async(std::launch::async, [&] { return FlushFiles(written, output); });
    const auto proven = Prove(model, weights, conversion, output, &receipt);
    HM_TRY(flushed.get());
    return proven;
  }

  Result<void> Prove(const Model& model, const WeightIdentity& weights,
                     const ConversionFiles& conversion, const PartialOutput& output,
                     Receipt* receipt) {
    const bool rounded = std::ranges::any_of(
        receipt->tensors, [](const ReceiptTensor& tensor) { return tensor.loss.has_value(); });
    receipt->relation = conversion.quantises     ? "quantised"
                        : conversion.dequantises ? "dequantised"
                        : rounded                ? "rounded"
                                                 : "same-weights";
    const Model copy = HM_TRY(OpenOutput(output, conversion, task_));
    receipt->input_weights = weights.ToString();
    receipt->output_weights =
        HM_TRY(AreStillInMemory(*receipt) ? ComputeIdentityOfCopy(copy, model, weights, task_)
                                          : ComputeIdentity(copy, task_))
            .ToString();
    if (receipt->relation != "same-weights" || receipt->output_weights == receipt->input_weights) {
      return {};
    }
    differs_ = true;
    return Error{Errc::kIo, target_.path.string(),
                 fmt::format("the output holds other weights than the input: got {}, wanted {}",
                             receipt->output_weights, receipt->input_weights),
                 std::nullopt,
                 "nothing was kept; disk or memory may be failing, else this is a bug in hallmark"};
  }

  // Reading the input once more costs little. True for what fills less than half of the machine's
  // memory.
  static bool AreStillInMemory(const Receipt& receipt) {
    const auto memory = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    std::uint64_t bytes = 0;
    for (const auto* files : {&receipt.inputs, &receipt.outputs}) {
      for (const ReceiptFile& file : *files) bytes += file.size;
    }
    return bytes < memory / 2;
  }

  // --force puts files over those of a folder; weights of another model that stayed there would be
  // taken for a part of this one.
  Result<void> CheckNothingIsMixed(const ConversionFiles& conversion) const {
    std::error_code ignored;
    if (conversion.kind != PartialOutput::Target::kFolder ||
        !fs::is_directory(target_.path, ignored)) {
      return {};
    }
    for (const DirectoryEntry& entry : HM_TRY(ListFiles(target_.path)).files) {
      if (!LooksLikeWeights(entry.path) && !entry.path.ends_with(".index.json")) continue;
      if (std::ranges::find(conversion.files, entry.path, &OutputFile::path) !=
          conversion.files.end()) {
        continue;
      }
      return Error{Errc::kUsage, (target_.path / entry.path).string(),
                   "it would stay beside the output, and be taken for a part of it", std::nullopt,
                   "remove it, or choose another folder"};
    }
    return {};
  }

  // checklist.chk, the MD5 of every other file, as Meta's releases have it.
  Result<void> AddChecklist(const PartialOutput& output, Receipt* receipt) const {
    constexpr const char* kName = "checklist.chk";
    std::vector<FileToHash> files;
    std::uint64_t bytes = 0;
    for (const ReceiptFile& file : receipt->outputs) {
      files.push_back({output.Files() / file.path, {Algorithm::kMd5}, file.path});
      bytes += file.size;
    }
    const auto hashed = HM_TRY(HashAll(files, bytes, "checksums for checklist.chk", task_));
    std::string text;
    for (std::size_t i = 0; i < files.size(); ++i) {
      text += fmt::format("{}  {}\n", hashed[i].outcome.digests.front().Hex(), files[i].name);
    }
    HM_TRY(WriteFileAtomically(output.Files() / kName, text, /*force=*/true));
    receipt->outputs.push_back({kName, text.size(), HashBytes(Algorithm::kTree, AsBytes(text))});
    return {};
  }

  // The file that is in one list and not, or otherwise, in the other; null: they are the same.
  static const ReceiptFile* FindDifference(const std::vector<ReceiptFile>& wanted,
                                           const std::vector<ReceiptFile>& got) {
    for (const auto& [a, b] : {std::pair(&wanted, &got), std::pair(&got, &wanted)}) {
      for (const ReceiptFile& file : *a) {
        const auto found = std::ranges::find(*b, file.path, &ReceiptFile::path);
        if (found == b->end() || found->tree != file.tree || found->size != file.size) return &file;
      }
    }
    return nullptr;
  }

  Result<void> CheckInputs(const Receipt& expected, const std::vector<ReceiptFile>& inputs) const {
    const ReceiptFile* different = FindDifference(expected.inputs, inputs);
    if (different == nullptr) return {};
    return Error{Errc::kUsage, path_.string(),
                 fmt::format("the receipt was written for other input: {} differs",
                             EscapeForPeople(different->path)),
                 std::nullopt, "give the model that the receipt was written for"};
  }

  Result<void> CheckOutputs(const Receipt& expected, const Receipt& receipt) const {
    const auto differs = [&](std::string what) {
      return Error{Errc::kMalformed, EscapeForPeople(target_.path.string()),
                   fmt::format("{} than the receipt says, which version {} wrote", what,
                               EscapeForPeople(expected.tool_version))};
    };
    if (const ReceiptFile* file = FindDifference(expected.outputs, receipt.outputs)) {
      return differs(fmt::format("{}, made again, is another file", EscapeForPeople(file->path)));
    }
    if (expected.relation != receipt.relation) return differs("the output is of another relation");
    if (expected.input_weights != receipt.input_weights ||
        expected.output_weights != receipt.output_weights) {
      return differs("the weights have another identity");
    }
    return {};
  }

  const fs::path& path_;
  const ConvertRequest& request_;
  const ConvertTarget& target_;
  const std::string version_;
  const Task& task_;
  bool differs_ = false;  // the output holds other weights: there is nothing to go on with
};

}  // namespace

std::string_view TargetFormatName(TargetFormat format) {
  for (const auto& [known, name] : kFormatNames) {
    if (known == format) return name;
  }
  return "";
}

std::optional<TargetFormat> TargetFormatByName(std::string_view name) {
  for (const auto& [format, known] : kFormatNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

std::vector<ReceiptParameter> ConvertRequest::Parameters() const {
  std::vector<ReceiptParameter> parameters = {{"to", std::string(TargetFormatName(to))}};
  if (dtype) parameters.push_back({"dtype", std::string(DtypeName(*dtype))});
  if (!quant.empty()) parameters.push_back({"quant", quant});
  if (!importance.empty()) parameters.push_back({"imatrix", importance.filename().string()});
  if (requantise) parameters.push_back({"requantize", "yes"});
  if (shard_size != 0) parameters.push_back({"shard-size", fmt::format("{}", shard_size)});
  if (model_parallel != 1) {
    parameters.push_back({"model-parallel", fmt::format("{}", model_parallel)});
  }
  if (without_tokenizer) parameters.push_back({"without-tokenizer", "yes"});
  parameters.push_back({"name", name});
  return parameters;
}

Result<ConvertRequest> ConvertRequest::FromParameters(
    std::span<const ReceiptParameter> parameters) {
  ConvertRequest request;
  for (const auto& [name, value] : parameters) {
    const auto unknown = [&, &name = name, &value = value] {
      return Error{Errc::kUnsupported, "receipt",
                   fmt::format("its request holds {} {}, which is not known here",
                               EscapeForPeople(name), EscapeForPeople(value))};
    };
    const auto number = [&, &value = value](std::uint64_t* to_number) {
      const auto end = value.data() + value.size();
      const auto parsed = std::from_chars(value.data(), end, *to_number);
      return parsed.ec == std::errc() && parsed.ptr == end && *to_number != 0;
    };
    if (name == "to") {
      const auto format = TargetFormatByName(value);
      if (!format) return unknown();
      request.to = *format;
    } else if (name == "dtype") {
      request.dtype = DtypeByName(value);
      if (!request.dtype || !IsFloatFamily(*request.dtype)) return unknown();
    } else if (name == "quant") {
      request.quant = value;
    } else if (name == "name") {
      // It names files of the output: one component, which stays where it is put.
      const auto path = CheckRelativePath(value);
      const bool is_plain = std::ranges::none_of(
          value, [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20; });
      if (!path || *path != value || !is_plain) return unknown();
      request.name = value;
    } else if (name == "imatrix") {
      request.importance = value;
    } else if (name == "requantize" && value == "yes") {
      request.requantise = true;
    } else if (name == "without-tokenizer" && value == "yes") {
      request.without_tokenizer = true;
    } else if (!(name == "shard-size" && number(&request.shard_size)) &&
               !(name == "model-parallel" && number(&request.model_parallel) &&
                 request.model_parallel <= kMostRanks)) {
      return unknown();
    }
  }
  return request;
}

Result<Receipt> Convert(const fs::path& model, const ConvertRequest& request,
                        const ConvertTarget& target, std::string_view tool_version,
                        const Task& task) {
  ConvertRequest named = request;
  named.name = NameOf(target.path);
  return Converter(model, named, target, tool_version, task).Run(nullptr);
}

Result<Receipt> Replay(const fs::path& model, const Receipt& receipt, const fs::path& importance,
                       const ConvertTarget& target, std::string_view tool_version,
                       const Task& task) {
  ConvertRequest request = HM_TRY(ConvertRequest::FromParameters(receipt.request));
  if (request.name.empty()) {
    return Error{Errc::kMalformed, "receipt", "its request does not name the output"};
  }
  if (!request.importance.empty()) {
    if (importance.empty()) {
      return Error{Errc::kUsage, "receipt",
                   fmt::format("it used the importance matrix {}",
                               EscapeForPeople(request.importance.string())),
                   std::nullopt, "give that file with --imatrix"};
    }
    request.importance = importance;
  }
  return Converter(model, request, target, tool_version, task).Run(&receipt);
}

}  // namespace hallmark
