// hallmark convert: a model in another container, sharding, layout or element type.
#include "transform/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/report/json.h"
#include "cli/report/text.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "cli/version.h"
#include "src/base/text.h"
#include "src/io/file.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxReceiptBytes = 1'000'000'000;

Error Usage(std::string message, std::string hint) {
  return Error{Errc::kUsage, "convert", std::move(message), std::nullopt, std::move(hint)};
}

Result<ConvertRequest> RequestFrom(const Arguments& arguments) {
  ConvertRequest request;
  if (!arguments.Given("--to")) {
    return Usage("no format is named", "add --to safetensors, gguf, meta, pytorch or npz");
  }
  request.to = *TargetFormatByName(arguments.Text("--to"));
  if (const std::string dtype = arguments.Text("--dtype"); dtype != "keep") {
    request.dtype = DtypeByName(dtype);
  }
  request.quant = arguments.Text("--quant");
  request.importance = arguments.Text("--imatrix");
  request.requantise = arguments.Given("--requantize");
  request.without_tokenizer = arguments.Given("--without-tokenizer");
  request.model_parallel = arguments.Number("--model-parallel").value_or(1);
  if (const std::string size = arguments.Text("--shard-size"); !size.empty()) {
    const auto bytes = ParseByteSize(size);
    if (!bytes || *bytes == 0) {
      return Usage(fmt::format("--shard-size {} is no size", EscapeForPeople(size)),
                   "write it as 5GB, 4GiB or a number of bytes");
    }
    request.shard_size = *bytes;
  }
  if (!request.importance.empty() && request.quant.empty()) {
    return Usage("an importance matrix is for quantising", "add --quant, or leave --imatrix out");
  }
  return request;
}

std::string RelationText(const Receipt& receipt) {
  if (receipt.relation == "same-weights") return "same weights, no value changed";
  std::uint64_t changed = 0, tensors = 0, overflowed = 0, vanished = 0;
  double worst = 0;
  for (const ReceiptTensor& tensor : receipt.tensors) {
    if (!tensor.loss) continue;
    ++tensors;
    changed += tensor.loss->changed;
    overflowed += tensor.loss->overflowed;
    vanished += tensor.loss->vanished;
    worst = std::max(worst, tensor.loss->worst);
  }
  std::string text = receipt.relation;
  if (tensors != 0) {
    text += fmt::format(": {} in {} rounded, by at most {:.3g}", WithCommas(changed) + " values",
                        Count(tensors, "tensor"), worst);
    if (overflowed != 0) text += fmt::format("; {} became infinite", WithCommas(overflowed));
    if (vanished != 0) text += fmt::format("; {} became zero", WithCommas(vanished));
  }
  return text;
}

std::string Text(const Receipt& receipt, const std::string& target, bool verbose,
                 const Style& style) {
  std::uint64_t bytes = 0;
  for (const ReceiptFile& file : receipt.outputs) bytes += file.size;
  TextTable table(0);
  table.Add({"written", fmt::format("{}  ({}, {})", EscapeForPeople(target),
                                    Count(receipt.outputs.size(), "file"), HumanBytes(bytes))});
  table.Add({"weights", receipt.output_weights});
  if (receipt.input_weights != receipt.output_weights) {
    table.Add({"made from", receipt.input_weights});
  }
  table.Add({"relation", RelationText(receipt)});
  if (!receipt.left_out.empty()) {
    table.Add({"left out", FirstNames(receipt.left_out, 3)});
  }
  if (verbose) {
    TextTable tensors(0);
    for (const ReceiptTensor& tensor : receipt.tensors) {
      std::string steps;
      for (const std::string& step : tensor.steps) {
        steps += (steps.empty() ? "" : "; ") + EscapeForPeople(step);
      }
      if (tensor.loss) {
        steps += fmt::format("; {} values rounded, by at most {:.3g}",
                             WithCommas(tensor.loss->changed), tensor.loss->worst);
      }
      tensors.Add({EscapeForPeople(tensor.name), std::string(DtypeName(tensor.dtype)),
                   ShapeText(tensor.shape), steps});
    }
    return table.ToString(style) + tensors.ToString(style);
  }
  return table.ToString(style);
}

std::string Json(const Receipt& receipt, const std::string& target, ExitCode exit) {
  JsonWriter json = BeginReport("convert", ExitCodeName(exit), exit);
  json.Member("output", target);
  json.Member("relation", receipt.relation);
  json.Member("weights", receipt.output_weights);
  json.Member("input_weights", receipt.input_weights);
  json.Key("files").BeginArray();
  for (const ReceiptFile& file : receipt.outputs) {
    json.BeginObject();
    json.Member("path", file.path);
    json.Member("size", file.size);
    json.Member("tree", file.tree.ToString());
    json.EndObject();
  }
  json.EndArray();
  json.Key("lossy_tensors").BeginArray();
  for (const ReceiptTensor& tensor : receipt.tensors) {
    if (!tensor.loss) continue;
    json.BeginObject();
    json.Member("name", tensor.name);
    json.Member("changed", tensor.loss->changed);
    json.Member("overflowed", tensor.loss->overflowed);
    json.Member("vanished", tensor.loss->vanished);
    json.Key("worst").Float(tensor.loss->worst);
    json.EndObject();
  }
  json.EndArray();
  WriteTexts("left_out", receipt.left_out, &json);
  WriteTexts("notes", receipt.notes, &json);
  return EndReport(&json);
}

// As many threads as the memory allows: each puts bytes together in buffers of its own.
Result<Task> TaskWithin(const std::string& max_memory, Task task) {
  constexpr std::uint64_t kFixed = 96 << 20, kOfThread = 24 << 20;
  const auto bytes = ParseByteSize(max_memory);
  if (!bytes || *bytes < kFixed + kOfThread) {
    return Usage(fmt::format("--max-memory {} is no size, or less than {}",
                             EscapeForPeople(max_memory), HumanBytes(kFixed + kOfThread)),
                 "write it as 512MiB or 1GB");
  }
  const std::uint64_t threads = (*bytes - kFixed) / kOfThread;
  task.threads = static_cast<unsigned>(std::min<std::uint64_t>(task.threads, threads));
  return task;
}

Result<Receipt> Run(const Arguments& arguments, const ConvertTarget& target, const Task& task) {
  const std::string& model = arguments.Operands()[0];
  if (!arguments.Given("--replay")) {
    const ConvertRequest request = HM_TRY(RequestFrom(arguments));
    return Convert(model, request, target, VersionText(), task);
  }
  for (const std::string_view option :
       {"--to", "--dtype", "--quant", "--requantize", "--shard-size", "--model-parallel",
        "--without-tokenizer"}) {
    if (arguments.Given(option)) {
      return Usage(fmt::format("--replay does what the receipt says, so {} has no place", option),
                   "leave one of the two out");
    }
  }
  const auto file = HM_TRY(OpenFile(arguments.Text("--replay")));
  const std::string text = HM_TRY(ReadWholeFile(*file, kMaxReceiptBytes));
  const Receipt receipt = HM_TRY(ParseReceipt(text, file->Name()));
  return Replay(model, receipt, arguments.Text("--imatrix"), target, VersionText(), task);
}

Result<ExitCode> RunVerb(const Arguments& arguments, Session& session) {
  const std::string output = arguments.Text("--output");
  if (output.empty()) return Usage("no output is named", "add -o FILE or -o FOLDER/");
  const ConvertTarget target{
      .path = output, .force = arguments.Given("--force"), .discard = arguments.Given("--discard")};
  const Task task = HM_TRY(TaskWithin(arguments.Text("--max-memory"), session.GetTask()));
  const Receipt receipt = HM_TRY(Run(arguments, target, task));
  if (arguments.Given("--json")) {
    HM_TRY(session.Print(Json(receipt, output, ExitCode::kOk)));
    return ExitCode::kOk;
  }
  HM_TRY(session.Print(Text(receipt, output, session.IsVerbose(), session.GetStyle())));
  for (const std::string& note : receipt.notes) session.Note(note);
  return ExitCode::kOk;
}

}  // namespace

Verb ConvertVerb() {
  return {
      .name = "convert",
      .summary = "write a model in another container, sharding, layout or element type",
      .description =
          "Reads any model that hallmark reads and writes it as safetensors, GGUF, a set as Meta "
          "publishes them, a PyTorch checkpoint or an archive of numpy arrays, with the names, "
          "layout, configuration and tokenizer that go with it. The same input gives the same "
          "bytes on any machine.\n\n"
          "Every conversion proves itself: the output is opened and read again, and holds the same "
          "weights as the input (the same hm1:) unless rounding or quantising was asked for; then "
          "what was lost is told for each tensor. A receipt, OUTPUT.receipt.json, says how the "
          "output was made; --replay does it again and compares every byte.\n\n"
          "An output named as a file (.gguf, .safetensors, .bin, .pt, .pth, .ckpt, .npz) is that "
          "file alone; any other name is a folder, with configuration and tokenizer. GGUF holds "
          "both, and is one file unless --shard-size makes it several. --quant makes the file that "
          "llama-quantize makes, byte for byte.\n\n"
          "Interrupted work of more than a gigabyte is kept in OUTPUT.hallmark-partial; the same "
          "command goes on with it.",
      .operands =
          {{.name = "MODEL",
            .help = "a directory, a tar of one, any one shard, an index.json or a single file"}},
      .options = Joined(
          {{.name = "--to",
            .kind = ValueKind::kChoice,
            .value = "FORMAT",
            .help = "the container to write",
            .choices = {"safetensors", "gguf", "meta", "pytorch", "npz"}},
           OutputOption("the file or the folder to write"),
           {.name = "--dtype",
            .kind = ValueKind::kChoice,
            .value = "TYPE",
            .help = "cast floats to this type; what that loses is told",
            .choices = {"keep", "f32", "f16", "bf16"},
            .fallback = "keep"},
           {.name = "--quant",
            .kind = ValueKind::kText,
            .value = "NAME",
            .help = "quantise as llama-quantize does: Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K_S Q3_K_M "
                    "Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K IQ4_NL IQ4_XS TQ1_0 TQ2_0 MXFP4_MOE"},
           {.name = "--imatrix",
            .kind = ValueKind::kPath,
            .value = "FILE",
            .help = "weigh columns by this importance matrix when quantising"},
           {.name = "--requantize", .help = "take blocks that are quantised already apart"},
           {.name = "--shard-size",
            .kind = ValueKind::kText,
            .value = "SIZE",
            .help = "put at most so much of tensors into a file: 5GB, 4GiB"},
           {.name = "--model-parallel",
            .kind = ValueKind::kNumber,
            .value = "N",
            .help = "the number of ranks of a Meta set (default: 1)"},
           {.name = "--max-memory",
            .kind = ValueKind::kText,
            .value = "SIZE",
            .help = "use fewer threads rather than more memory",
            .fallback = "512MiB"},
           {.name = "--without-tokenizer", .help = "go on where no tokenizer is found"},
           {.name = "--replay",
            .kind = ValueKind::kPath,
            .value = "RECEIPT",
            .help = "do what this receipt says, and compare every byte"},
           {.name = "--discard", .help = "remove what an interrupted run left, and begin anew"},
           ForceOption(),
           VerboseOption("tell what was done to every tensor"),
           JsonOption()},
          WorkOptions()),
      .examples =
          {{"hallmark convert llama-2-7b/ --to safetensors -o llama-2-7b-hf/ --shard-size 5GB",
            "Meta's files as Hugging Face's"},
           {"hallmark convert llama-2-7b-hf/ --to gguf -o llama-2-7b.gguf", "for llama.cpp"},
           {"hallmark convert llama-2-7b.gguf --to gguf --quant Q4_K_M -o q4_k_m.gguf",
            "what llama-quantize makes"},
           {"hallmark convert model.ckpt --to safetensors -o model.safetensors", "no code is run"},
           {"hallmark convert llama-2-7b/ --replay llama-2-7b.gguf.receipt.json -o again.gguf",
            "is it what the receipt says?"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "written and proven"},
           {ExitCode::kMalformed, "a file breaks its format; or a replay gave other bytes"}}),
      .run = RunVerb,
  };
}

}  // namespace hallmark
