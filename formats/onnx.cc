#include "formats/onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "formats/onnx_tensors.h"
#include "formats/protobuf.h"
#include "formats/tensor_layout.h"
#include "src/io/file_cursor.h"

namespace hallmark {
namespace {

// Field numbers of onnx.proto.
namespace model {
constexpr std::uint32_t kIrVersion = 1, kProducerName = 2, kProducerVersion = 3, kDomain = 4,
                        kModelVersion = 5, kDocString = 6, kGraph = 7, kOpsetImport = 8,
                        kMetadataProps = 14;
}
namespace graph {
constexpr std::uint32_t kNode = 1, kName = 2, kInitializer = 5, kInput = 11,
                        kSparseInitializer = 15;
}
constexpr std::size_t kMaxMetadata = 10'000;     // entries
constexpr std::uint64_t kSmallNode = 64 * 1024;  // constants that shape a graph take less

struct OnnxContents {
  std::string detail;
  std::vector<OnnxTensor> tensors;
  std::vector<CompanionFile> companions;
  std::vector<MetadataEntry> metadata;
  std::vector<Finding> findings;
};

class OnnxReader final : public ModelReader {
 public:
  OnnxReader(const File& file, OnnxContents contents)
      : file_(file), contents_(std::move(contents)) {
    for (OnnxTensor& tensor : contents_.tensors) infos_.push_back(std::move(tensor.info));
  }

  std::string_view FormatName() const override { return "onnx"; }
  std::string FormatDetail() const override { return contents_.detail; }
  std::span<const TensorInfo> Tensors() const override { return infos_; }
  std::span<const MetadataEntry> Metadata() const override { return contents_.metadata; }
  std::span<const Finding> Findings() const override { return contents_.findings; }
  std::span<const CompanionFile> Companions() const override { return contents_.companions; }

  Result<void> ReadTensor(std::size_t index, std::uint64_t offset,
                          MutableByteSpan out) const override {
    if (out.empty()) return {};
    const TensorInfo& info = infos_[index];
    const std::optional<TypedData>& typed = contents_.tensors[index].typed;
    if (typed && !info.verbatim) return typed->Read(offset, out);
    const File& file = info.file == 0 ? file_ : *contents_.companions[info.file - 1].file;
    return file.Read(info.stored.offset + offset, out);
  }

 private:
  const File& file_;
  OnnxContents contents_;
  std::vector<TensorInfo> infos_;
};

// Reads one ModelProto. Lives for one OpenOnnx.
class ModelParser {
 public:
  explicit ModelParser(const File& file)
      : file_(file), cursor_(file), initialisers_{{}, Companions(file), {}} {}

  Result<OnnxContents> Read() {
    ProtobufMessage message(cursor_, file_.Size());
    std::uint64_t ir_version = 0;
    bool has_opset = false;
    while (!message.AtEnd()) {
      const ProtobufField field = HM_TRY(message.Next());
      switch (field.number) {
        case model::kIrVersion:
          HM_TRY(message.Once(field, WireType::kVarint, "ir_version"));
          ir_version = field.value;
          break;
        case model::kProducerName:
          HM_TRY(AddText(message, field, "producer_name"));
          break;
        case model::kProducerVersion:
          HM_TRY(AddText(message, field, "producer_version"));
          break;
        case model::kDomain:
          HM_TRY(AddText(message, field, "domain"));
          break;
        case model::kModelVersion:
          HM_TRY(message.Once(field, WireType::kVarint, "model_version"));
          AddMetadata("model_version", static_cast<std::int64_t>(field.value));
          break;
        case model::kGraph:
          HM_TRY(message.Once(field, WireType::kBytes, "the graph"));
          HM_TRY(ReadGraph(field));
          break;
        case model::kOpsetImport:
          HM_TRY(ReadOpset(field));
          has_opset = true;
          break;
        case model::kMetadataProps:
          HM_TRY(ReadProperty(field));
          break;
        default:
          break;
      }
    }
    if (!message.Saw(model::kGraph)) return Incomplete("it has no graph");
    // Every ModelProto must have one, and writers put it behind the graph.
    if (!has_opset) return Incomplete("it imports no set of operators");
    contents_.detail = fmt::format("ONNX, IR version {}", ir_version);
    HM_TRY(Finish());
    return std::move(contents_);
  }

 private:
  Error Incomplete(std::string message) const {
    return {Errc::kMalformed, file_.Name(), std::move(message), file_.Size(),
            "the file looks truncated; compare its size with the official listing"};
  }

  // --- metadata

  void AddMetadata(std::string key, MetadataValue value) {
    if (contents_.metadata.size() < kMaxMetadata) {
      contents_.metadata.push_back({std::move(key), std::move(value)});
    }
  }

  // A text that is only shown.
  Result<void> AddText(ProtobufMessage& message, const ProtobufField& field, std::string_view key) {
    HM_TRY(message.Once(field, WireType::kBytes, key));
    AddMetadata(std::string(key), field.content.size > kMaxOnnxText
                                      ? fmt::format("a text of {} bytes", field.content.size)
                                      : HM_TRY(message.Text(field, kMaxOnnxText, key)));
    return {};
  }

  Result<void> ReadProperty(const ProtobufField& field) {
    auto [key, value] = HM_TRY(ReadOnnxEntry(cursor_, field));
    AddMetadata("metadata_props." + key, std::move(value));
    return {};
  }

  // OperatorSetIdProto: domain = 1, version = 2.
  Result<void> ReadOpset(const ProtobufField& opset) {
    if (opset.type != WireType::kBytes) {
      return cursor_.MalformedAt(opset.offset, "an opset_import is of another wire type");
    }
    std::string domain = "ai.onnx";
    std::uint64_t version = 0;
    ProtobufMessage message(cursor_, opset.content.End());
    while (!message.AtEnd()) {
      const ProtobufField field = HM_TRY(message.Next());
      if (field.number == 1) {
        HM_TRY(message.Once(field, WireType::kBytes, "a domain"));
        const std::string given = HM_TRY(message.Text(field, kMaxOnnxName, "a domain"));
        if (!given.empty()) domain = given;
      } else if (field.number == 2) {
        HM_TRY(message.Once(field, WireType::kVarint, "a version"));
        version = field.value;
      }
    }
    AddMetadata("opset_import." + domain, static_cast<std::int64_t>(version));
    return {};
  }

  // --- the graph

  Result<void> ReadGraph(const ProtobufField& whole) {
    ProtobufMessage message(cursor_, whole.content.End());
    std::uint64_t large_nodes = 0;
    while (!message.AtEnd()) {
      const ProtobufField field = HM_TRY(message.Next());
      switch (field.number) {
        case graph::kName:
          HM_TRY(AddText(message, field, "graph"));
          break;
        case graph::kNode:
          large_nodes += field.content.size > kSmallNode;
          break;
        case graph::kInitializer:
          HM_TRY(ReadOnnxTensor(file_, cursor_, field, initialisers_));
          break;
        case graph::kSparseInitializer:
          HM_TRY(NoteSparseOnnxTensor(cursor_, field, initialisers_));
          break;
        default:
          break;
      }
    }
    if (large_nodes != 0) {
      initialisers_.AddFinding(
          Severity::kWarning, "unread-tensor", file_.Name(),
          fmt::format("{} nodes hold more than {} bytes each: numbers in nodes are not read",
                      large_nodes, kSmallNode));
    }
    return {};
  }

  // --- the whole

  Result<void> Finish() {
    std::vector<std::string_view> names;
    double payload = 0;
    for (const OnnxTensor& tensor : initialisers_.tensors) {
      names.push_back(tensor.info.name);
      payload += static_cast<double>(tensor.info.payload_bytes);
    }
    HM_TRY(initialisers_.companions.CheckTotal(payload));
    HM_TRY(CheckUnique(names, "tensor name", file_.Name()));
    std::ranges::stable_sort(initialisers_.tensors, {}, [](const OnnxTensor& tensor) {
      return std::pair(tensor.info.file, tensor.info.stored.offset);
    });
    contents_.tensors = std::move(initialisers_.tensors);
    contents_.companions = initialisers_.companions.Take();
    contents_.findings = std::move(initialisers_.findings);
    return {};
  }

  const File& file_;
  FileCursor cursor_;
  OnnxTensors initialisers_;
  OnnxContents contents_;
};

bool IsPrintable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; });
}

}  // namespace

bool SniffOnnx(const FileHead& head) {
  ByteCursor cursor(head.bytes, "");
  ProtobufMessage message(cursor, UINT64_MAX);  // a damaged length is the reader's to name
  bool has_producer = false;
  for (std::uint32_t before = 0;;) {
    if (cursor.AtEnd()) return has_producer && before > model::kProducerName;
    const Result<ProtobufField> field = message.Next();
    if (!field || field->number < before) return false;
    if (before == 0) {
      // ir_version, 3 to 13 by now.
      if (field->number != model::kIrVersion || field->type != WireType::kVarint ||
          field->value == 0 || field->value > 64) {
        return false;
      }
      before = field->number;
      continue;
    }
    before = field->number;
    if (field->number == model::kModelVersion) {
      if (field->type != WireType::kVarint) return false;
      continue;
    }
    if (field->type != WireType::kBytes) return false;
    if (field->number == model::kGraph) {
      const Result<ByteSpan> key = cursor.Peek(1);
      // A GraphProto begins with a node, its name, an initialiser, an input.
      return key && std::ranges::any_of(
                        std::array{graph::kNode, graph::kName, graph::kInitializer, graph::kInput},
                        [&](std::uint32_t number) {
                          return std::to_integer<std::uint32_t>((*key)[0]) == (number << 3 | 2);
                        });
    }
    if (field->number > model::kDocString || field->content.size > cursor.Remaining()) return false;
    const Result<std::string_view> text = cursor.TakeText(field->content.size);
    if (!text || (field->number == model::kProducerName && !IsPrintable(*text))) return false;
    has_producer |= field->number == model::kProducerName && !text->empty();
  }
}

Result<std::unique_ptr<ModelReader>> OpenOnnx(const File& file) {
  return std::make_unique<OnnxReader>(file, HM_TRY(ModelParser(file).Read()));
}

}  // namespace hallmark
