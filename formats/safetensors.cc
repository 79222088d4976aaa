#include "formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/contents_reader.h"
#include "formats/safetensors_types.h"
#include "formats/tensor_layout.h"
#include "src/base/byte_cursor.h"
#include "src/base/text.h"
#include "src/json/json_reader.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kJsonDepth = 32;

std::optional<Dtype> DtypeOf(std::string_view name) {
  const auto type = std::ranges::find(kSafetensorsTypes, name, &SafetensorsType::name);
  if (type == kSafetensorsTypes.end()) return std::nullopt;
  return type->dtype;
}

// How often something odd was seen, told once, by its first example.
struct Oddity {
  std::uint64_t count = 0;
  std::string example;

  void Add(std::string_view name) {
    if (count++ == 0) example = QuoteName(name);
  }
};

// Turns the parsed header into tensors. Lives for one OpenSafetensors.
class HeaderReader {
 public:
  HeaderReader(const File& file, std::string_view text, const JsonDocument& document)
      : file_(file),
        text_(text),
        document_(document),
        data_begin_(kLengthBytes + text.size()),
        data_size_(file.Size() - data_begin_) {}

  Result<ContainerContents> Read() {
    ContainerContents contents;
    contents.format_name = "safetensors";
    const std::vector<JsonMember> members = document_.Root().Members();
    contents.tensors.reserve(members.size());
    for (const JsonMember& member : members) {
      if (member.key == kSafetensorsMetadataKey) {
        contents.metadata = HM_TRY(ReadMetadata(member.value));
      } else {
        contents.tensors.push_back(HM_TRY(ReadTensorInfo(member)));
      }
    }
    HM_TRY(SortByPlace(contents.tensors, file_.Name()));
    HM_TRY(CheckNoHoles(contents.tensors));
    contents.format_detail =
        fmt::format("safetensors{}, header of {} bytes",
                    IsForMlx(contents.metadata) ? " for MLX" : "", text_.size());
    contents.findings = TakeFindings();
    return contents;
  }

 private:
  // mlx-lm writes so what others write as "pt".
  static bool IsForMlx(const std::vector<MetadataEntry>& metadata) {
    return std::ranges::any_of(metadata, [](const MetadataEntry& entry) {
      return entry.key == "format" && std::get<std::string>(entry.value) == "mlx";
    });
  }

  Error Malformed(std::string message, std::optional<std::uint64_t> offset,
                  std::string hint = {}) const {
    return Error{Errc::kMalformed, file_.Name(), std::move(message), offset, std::move(hint)};
  }

  // Where the header's JSON has `key` as a key; its start if that cannot be told by plain search
  // (the key is written with escapes, or is a word that stands in every tensor).
  std::uint64_t OffsetOfKey(std::string_view key) const {
    if (key == "dtype" || key == "shape" || key == "data_offsets") return kLengthBytes;
    const std::string quoted = fmt::format("\"{}\"", key);
    for (std::size_t found = text_.find(quoted); found != std::string_view::npos;
         found = text_.find(quoted, found + 1)) {
      const std::size_t next = text_.find_first_not_of(" \t\r\n", found + quoted.size());
      if (next != std::string_view::npos && text_[next] == ':') return kLengthBytes + found;
    }
    return kLengthBytes;
  }

  Error InTensor(std::string_view name, std::string_view message) const {
    return Malformed(fmt::format("tensor {}: {}", QuoteName(name), message), OffsetOfKey(name));
  }

  // JSON can write half of a surrogate pair, which is no text; the reference reader refuses it too.
  Result<void> CheckText(std::string_view text, std::string_view what) const {
    if (IsValidUtf8(text)) return {};
    return Malformed(fmt::format("{} {} is not valid Unicode", what, QuoteName(text)),
                     kLengthBytes);
  }

  Result<std::vector<MetadataEntry>> ReadMetadata(JsonValue value) const {
    if (!value.IsObject()) {
      return Malformed("__metadata__ is not an object", OffsetOfKey(kSafetensorsMetadataKey));
    }
    std::vector<MetadataEntry> entries;
    for (const JsonMember& member : value.Members()) {
      const std::optional<std::string_view> text = member.value.AsString();
      if (!text) {
        return Malformed(
            fmt::format("__metadata__ has a value that is not a string, for the key {}",
                        QuoteName(member.key)),
            OffsetOfKey(member.key));
      }
      HM_TRY(CheckText(member.key, "the metadata key"));
      HM_TRY(CheckText(*text, "a metadata value"));
      entries.push_back({std::string(member.key), std::string(*text), MetadataType::kString});
    }
    return entries;
  }

  Result<TensorInfo> ReadTensorInfo(const JsonMember& member) {
    const std::string_view name = member.key;
    HM_TRY(CheckText(name, "the tensor name"));
    if (!member.value.IsObject()) return InTensor(name, "its description is not an object");
    std::optional<Dtype> dtype;
    std::optional<Shape> shape;
    std::optional<ByteRange> range;
    for (const JsonMember& field : member.value.Members()) {
      if (field.key == "dtype") {
        dtype = HM_TRY(ReadDtype(name, field.value));
      } else if (field.key == "shape") {
        shape = HM_TRY(ReadNumbers(name, "shape", field.value));
      } else if (field.key == "data_offsets") {
        range = HM_TRY(ReadRange(name, field.value));
      } else {
        unknown_fields_.Add(name);
      }
    }
    if (!dtype) return InTensor(name, "it has no dtype");
    if (!shape) return InTensor(name, "it has no shape");
    if (!range) return InTensor(name, "it has no data_offsets");

    const Result<std::uint64_t> payload = PayloadBytes(*dtype, *shape);
    if (!payload) return InTensor(name, payload.error().message);
    if (*payload != range->size) {
      return InTensor(
          name, fmt::format("{} {} takes {} bytes, but its data_offsets span {}", DtypeName(*dtype),
                            ShapeText(*shape), *payload, range->size));
    }
    if (range->offset % std::max(InfoOf(*dtype).component_bytes, 1u) != 0) unaligned_.Add(name);
    range->offset += data_begin_;
    return TensorInfo{.name = std::string(name),
                      .dtype = *dtype,
                      .shape = *std::move(shape),
                      .payload_bytes = *payload,
                      .stored = *range};
  }

  Result<Dtype> ReadDtype(std::string_view name, JsonValue value) const {
    const std::optional<std::string_view> text = value.AsString();
    if (!text) return InTensor(name, "its dtype is not a string");
    if (const std::optional<Dtype> dtype = DtypeOf(*text)) return *dtype;
    Error error = InTensor(name, fmt::format("its dtype {} is not known", QuoteName(*text)));
    error.code = Errc::kUnsupported;
    return error;
  }

  Result<std::vector<std::uint64_t>> ReadNumbers(std::string_view name, std::string_view field,
                                                 JsonValue value) const {
    if (!value.IsArray()) return InTensor(name, fmt::format("its {} is not an array", field));
    std::vector<std::uint64_t> numbers;
    for (const JsonValue item : value.Items()) {
      const std::optional<std::uint64_t> number = item.AsU64();
      if (!number) {
        return InTensor(name, fmt::format("its {} holds something other than whole numbers from 0 "
                                          "to 2^64 - 1",
                                          field));
      }
      numbers.push_back(*number);
    }
    return numbers;
  }

  // Relative to the start of the data, and inside it.
  Result<ByteRange> ReadRange(std::string_view name, JsonValue value) const {
    const std::vector<std::uint64_t> ends = HM_TRY(ReadNumbers(name, "data_offsets", value));
    if (ends.size() != 2) {
      return InTensor(name, fmt::format("data_offsets has {} numbers, 2 are needed", ends.size()));
    }
    if (ends[0] > ends[1]) {
      return InTensor(name,
                      fmt::format("its data ends at {} before it begins at {}", ends[1], ends[0]));
    }
    if (ends[1] > data_size_) {
      Error error = InTensor(name, fmt::format("its data ends at {}, but only {} bytes follow the "
                                               "header",
                                               ends[1], data_size_));
      error.hint = kTruncatedHint;
      return error;
    }
    return ByteRange{ends[0], ends[1] - ends[0]};
  }

  Result<void> CheckNoHoles(const std::vector<TensorInfo>& tensors) const {
    std::uint64_t reached = data_begin_;
    for (const TensorInfo& tensor : tensors) {
      if (tensor.stored.offset != reached) {
        return Malformed(fmt::format("{} bytes before tensor {} belong to no tensor",
                                     tensor.stored.offset - reached, QuoteName(tensor.name)),
                         reached);
      }
      reached = tensor.stored.End();
    }
    if (reached != file_.Size()) {
      return Malformed(
          fmt::format("{} bytes after the last tensor belong to no tensor", file_.Size() - reached),
          reached);
    }
    return {};
  }

  std::vector<Finding> TakeFindings() const {
    std::vector<Finding> findings;
    if (unknown_fields_.count != 0) {
      findings.push_back(
          {Severity::kWarning, "unknown-tensor-field", file_.Name(),
           fmt::format("{} fields that the format does not define, first in tensor {}",
                       unknown_fields_.count, unknown_fields_.example),
           kLengthBytes});
    }
    if (unaligned_.count != 0) {
      findings.push_back({Severity::kNote, "unaligned-tensor", file_.Name(),
                          fmt::format("{} tensors begin at no multiple of their element size, "
                                      "first {}",
                                      unaligned_.count, unaligned_.example),
                          data_begin_});
    }
    return findings;
  }

  const File& file_;
  std::string_view text_;
  const JsonDocument& document_;
  std::uint64_t data_begin_;
  std::uint64_t data_size_;
  Oddity unknown_fields_;
  Oddity unaligned_;
};

// The header's JSON, as many bytes as its length says.
Result<std::string> ReadHeaderText(const File& file) {
  if (file.Size() < kLengthBytes) {
    return Error{
        Errc::kMalformed, file.Name(),
        fmt::format("{} bytes are too short for the 8 bytes of the header length", file.Size()), 0,
        kTruncatedHint};
  }
  std::array<std::byte, kLengthBytes> length_bytes;
  HM_TRY(file.Read(0, length_bytes));
  const auto length = LoadLittle<std::uint64_t>(length_bytes.data());
  const std::uint64_t follow = file.Size() - kLengthBytes;
  if (length > follow) {
    return Error{
        Errc::kMalformed, file.Name(),
        fmt::format("header length {} exceeds the {} bytes that follow it", length, follow), 0,
        kTruncatedHint};
  }
  if (length > kSafetensorsHeaderLimit) {
    return Error{Errc::kMalformed, file.Name(),
                 fmt::format("header length {}, limit {}", length, kSafetensorsHeaderLimit), 0};
  }
  std::string text(length, '\0');
  HM_TRY(file.Read(kLengthBytes, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
  if (AsText(length_bytes).starts_with("PK\3\4")) {
    return Error{Errc::kMalformed, file.Name(),
                 "it can be read as safetensors and as a ZIP archive, and may hold two models", 0,
                 "do not use it: what a program sees in it depends on the program"};
  }
  if (!text.starts_with('{')) {
    return Error{Errc::kMalformed, file.Name(), "the header does not begin with {", kLengthBytes};
  }
  return text;
}

}  // namespace

bool SniffSafetensors(const FileHead& head) {
  if (head.bytes.size() <= kLengthBytes) return false;
  // A damaged length is still told from text, whose first 8 bytes make a number beyond 2^48.
  const auto length = LoadLittle<std::uint64_t>(head.bytes.data());
  return length < std::uint64_t{1} << 48 && AsText(head.bytes)[kLengthBytes] == '{';
}

Result<bool> LooksLikeSafetensors(const File& file) {
  std::array<std::byte, kLengthBytes + 1> start;
  if (file.Size() < start.size()) return false;
  HM_TRY(file.Read(0, start));
  const auto length = LoadLittle<std::uint64_t>(start.data());
  return start.back() == std::byte{'{'} && length <= kSafetensorsHeaderLimit &&
         length <= file.Size() - kLengthBytes;
}

Result<std::unique_ptr<ModelReader>> OpenSafetensors(const File& file) {
  const std::string text = HM_TRY(ReadHeaderText(file));
  const JsonDocument document =
      HM_TRY(JsonDocument::Parse(text, file.Name(), kLengthBytes,
                                 {.max_bytes = kSafetensorsHeaderLimit, .max_depth = kJsonDepth}));
  return MakeContentsReader(file, HM_TRY(HeaderReader(file, text, document).Read()));
}

}  // namespace hallmark
