#include <fmt/format.h>

#include <algorithm>

#include "cli/report/inspect_report.h"
#include "cli/report/metadata_text.h"
#include "cli/report/text.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxSideFiles = 12;
constexpr std::size_t kMaxNameColumns = 160;  // of a tensor's name; --json has all of it

std::string ShownName(std::string_view name) {
  std::string text = EscapeForPeople(name);
  if (text.size() <= kMaxNameColumns) return text;
  std::size_t cut = kMaxNameColumns - 1;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return text.substr(0, cut) + "…";
}

std::vector<std::string> Split(const std::string& detail) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start < detail.size();) {
    const std::size_t end = std::min(detail.find(", ", start), detail.size());
    parts.push_back(detail.substr(start, end - start));
    start = end + 2;
  }
  return parts;
}

// "GGUF v3, alignment 32"; of several files, what they have in common.
std::string FormatText(const Model& model) {
  std::vector<std::string> common = Split(model.Files().front().reader->FormatDetail());
  for (const WeightFile& file : model.Files()) {
    const std::vector<std::string> parts = Split(file.reader->FormatDetail());
    const auto end = std::mismatch(common.begin(), common.end(), parts.begin(), parts.end()).first;
    common.erase(end, common.end());
  }
  if (common.empty()) common.emplace_back(model.Files().front().reader->FormatName());
  return EscapeForPeople(fmt::format("{}", fmt::join(common, ", ")));
}

std::string ConfigText(const ModelConfig& config) {
  std::string text;
  const auto add = [&](const std::optional<std::uint64_t>& value, std::string_view what) {
    if (!value) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", what, WithCommas(*value));
  };
  add(config.n_layers, "layers");
  add(config.hidden_size, "width");
  add(config.ffn_size, "ffn");
  add(config.n_heads, "heads");
  add(config.n_kv_heads, "kv heads");
  add(config.n_experts, "experts");
  add(config.vocab_size, "vocabulary");
  if (text.empty()) return text;
  if (!config.source.empty()) text += fmt::format(" ({})", EscapeForPeople(config.source));
  return text;
}

std::string Summary(const InspectReport& report) {
  const Model& model = *report.model;
  TextTable table(2);
  if (!model.Files().empty()) table.Add({"format", FormatText(model)});
  if (!report.architecture.empty()) {
    table.Add({"architecture", EscapeForPeople(report.architecture)});
  }
  if (const std::string config = ConfigText(model.Config()); !config.empty()) {
    table.Add({"shape", config});
  }
  const std::string quantised =
      QuantisationText(model.Config().quantisation, model.Config().source, model.Quantisation());
  if (!quantised.empty()) table.Add({"quantised", quantised});
  if (report.parameters) table.Add({"parameters", WithCommas(*report.parameters)});
  std::size_t files = model.Files().size();
  for (const WeightFile& file : model.Files()) files += file.reader->Companions().size();
  table.Add({"tensors", fmt::format("{} in {}, {}", WithCommas(report.tensors),
                                    Count(files, "file"), HumanBytes(report.stored_bytes))});
  for (std::size_t i = 0; i < report.dtypes.size(); ++i) {
    const InspectReport::DtypeCount& count = report.dtypes[i];
    table.Add(
        {i == 0 ? "element types" : "",
         fmt::format("{}: {} values in {}, {}", DtypeName(count.dtype), WithCommas(count.elements),
                     Count(count.tensors, "tensor"), HumanBytes(count.bytes))});
  }
  return fmt::format("{}\n{}", EscapeForPeople(model.Set().name), table.ToString(Style()));
}

std::string PatternsText(const InspectReport& report) {
  TextTable table(2);
  table.AlignRight(3);
  table.AlignRight(4);
  for (const TensorPattern& pattern : report.patterns) {
    table.Add({ShownName(pattern.pattern), std::string(DtypeName(pattern.dtype)),
               ShapeText(pattern.shape),
               pattern.tensors > 1 ? fmt::format("×{}", pattern.tensors) : "",
               HumanBytes(pattern.bytes)});
  }
  return "\ntensors, layer numbers folded\n" + table.ToString(Style());
}

std::string TensorsText(const InspectReport& report) {
  std::string text;
  for (const WeightFile& file : report.model->Files()) {
    const std::span<const TensorInfo> tensors = file.reader->Tensors();
    // One table for the container, if it holds any, and one for each of its companions.
    for (std::size_t i = 0; i < tensors.size();) {
      const std::size_t home = tensors[i].file;
      TextTable table(2);
      table.AlignRight(3);
      table.AlignRight(4);
      table.Add({"name", "type", "shape", "offset", "bytes"});
      for (; i < tensors.size() && tensors[i].file == home; ++i) {
        const TensorInfo& tensor = tensors[i];
        table.Add({ShownName(tensor.name), std::string(DtypeName(tensor.dtype)),
                   ShapeText(tensor.shape), fmt::format("{:#x}", tensor.stored.offset),
                   WithCommas(tensor.payload_bytes)});
      }
      text += fmt::format("\n{}\n{}", EscapeForPeople(report.model->PathOf(file, home)),
                          table.ToString(Style()));
    }
  }
  return text;
}

std::string MetadataSection(const InspectReport& report, bool abbreviated) {
  std::string text;
  const bool several = report.model->Files().size() > 1;
  for (const WeightFile& file : report.model->Files()) {
    if (file.reader->Metadata().empty()) continue;
    TextTable table(2);
    for (const MetadataEntry& entry : file.reader->Metadata()) {
      table.Add({ShownName(entry.key), MetadataText(entry, abbreviated)});
    }
    text +=
        several ? fmt::format("\nmetadata of {}\n", EscapeForPeople(file.path)) : "\nmetadata\n";
    text += table.ToString(Style());
  }
  return text;
}

std::string SideFilesText(const InspectReport& report, bool all) {
  if (report.side_files.empty()) return {};
  TextTable table(2);
  const std::size_t shown =
      all ? report.side_files.size() : std::min(report.side_files.size(), kMaxSideFiles);
  for (std::size_t i = 0; i < shown; ++i) {
    const DirectoryEntry& entry = report.side_files[i];
    table.Add({EscapeForPeople(entry.path), HumanBytes(entry.size)});
  }
  if (shown < report.side_files.size()) {
    table.Add({fmt::format("… and {} more; --verbose shows them",
                           Count(report.side_files.size() - shown, "file"))});
  }
  return "\nbeside them\n" + table.ToString(Style());
}

}  // namespace

std::string InspectText(const InspectReport& report, const InspectOptions& options,
                        const Style& style, std::size_t width) {
  std::string text = Summary(report);
  text += options.all_tensors ? TensorsText(report) : PatternsText(report);
  text += MetadataSection(report, !options.verbose);
  text += SideFilesText(report, options.verbose);
  const std::string findings = FindingsText(report.findings, style, std::min(width, kMaxTextWidth));
  if (!findings.empty()) text += "\n" + findings;
  if (!report.no_identity.empty()) {
    text += "\n" + Wrapped("no weight identity: " + EscapeForPeople(report.no_identity),
                           std::min(width, kMaxTextWidth), 2);
  }
  return text;
}

}  // namespace hallmark
