#include "formats/onnx_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "formats/tensor_layout.h"
#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/io/directory.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxFindings = 1000;

// Field numbers of TensorProto in onnx.proto, and two of its enumerators.
namespace tensor {
constexpr std::uint32_t kDims = 1, kDataType = 2, kSegment = 3, kFloatData = 4, kInt32Data = 5,
                        kStringData = 6, kInt64Data = 7, kName = 8, kRawData = 9, kDoubleData = 10,
                        kUint64Data = 11, kExternalData = 13, kDataLocation = 14;
}

constexpr std::uint64_t kStringType = 8;  // DataType
constexpr std::uint64_t kExternal = 1;    // DataLocation

struct DataType {
  std::uint64_t id;
  Dtype dtype;
  std::uint32_t field;  // of data that is not raw
  TypedElement element;
};

constexpr TypedElement kFloats{WireType::kFixed32, 4};
constexpr TypedElement kDoubles{WireType::kFixed64, 8};
constexpr TypedElement Unsigned(std::uint32_t bytes) { return {WireType::kVarint, bytes}; }
constexpr TypedElement Signed(std::uint32_t bytes) { return {WireType::kVarint, bytes, true}; }

constexpr std::array kDataTypes = {
    DataType{1, Dtype::kF32, tensor::kFloatData, kFloats},
    DataType{2, Dtype::kU8, tensor::kInt32Data, Unsigned(1)},
    DataType{3, Dtype::kI8, tensor::kInt32Data, Signed(1)},
    DataType{4, Dtype::kU16, tensor::kInt32Data, Unsigned(2)},
    DataType{5, Dtype::kI16, tensor::kInt32Data, Signed(2)},
    DataType{6, Dtype::kI32, tensor::kInt32Data, Signed(4)},
    DataType{7, Dtype::kI64, tensor::kInt64Data, Signed(8)},
    DataType{9, Dtype::kBool, tensor::kInt32Data, Unsigned(1)},
    DataType{10, Dtype::kF16, tensor::kInt32Data, Unsigned(2)},
    DataType{11, Dtype::kF64, tensor::kDoubleData, kDoubles},
    DataType{12, Dtype::kU32, tensor::kUint64Data, Unsigned(4)},
    DataType{13, Dtype::kU64, tensor::kUint64Data, Unsigned(8)},
    DataType{14, Dtype::kC64, tensor::kFloatData, kFloats},
    DataType{15, Dtype::kC128, tensor::kDoubleData, kDoubles},
    DataType{16, Dtype::kBf16, tensor::kInt32Data, Unsigned(2)},
    DataType{17, Dtype::kF8E4m3, tensor::kInt32Data, Unsigned(1)},
    DataType{18, Dtype::kF8E4m3fnuz, tensor::kInt32Data, Unsigned(1)},
    DataType{19, Dtype::kF8E5m2, tensor::kInt32Data, Unsigned(1)},
    DataType{20, Dtype::kF8E5m2fnuz, tensor::kInt32Data, Unsigned(1)},
    DataType{23, Dtype::kF4E2m1, tensor::kInt32Data, Unsigned(1)},  // a pair of values an entry
    DataType{24, Dtype::kF8E8m0, tensor::kInt32Data, Unsigned(1)},
};

// For messages: types that are named, but not read.
constexpr std::array<std::pair<std::uint64_t, std::string_view>, 6> kUnreadTypes = {{
    {21, "uint4"},
    {22, "int4"},
    {25, "uint2"},
    {26, "int2"},
    {27, "float6e2m3"},
    {28, "float6e3m2"},
}};

const DataType* FindDataType(std::uint64_t id) {
  const auto found = std::ranges::find(kDataTypes, id, &DataType::id);
  return found == kDataTypes.end() ? nullptr : &*found;
}

// Reads one TensorProto. Lives for one ReadOnnxTensor.
class TensorParser {
 public:
  TensorParser(const File& file, ByteCursor& cursor, OnnxTensors& out)
      : file_(file), cursor_(cursor), out_(out) {}

  Result<void> Read(const ProtobufField& field) {
    Description tensor = HM_TRY(ReadDescription(field));
    if (!tensor.name || tensor.name->empty()) {
      return cursor_.MalformedAt(field.offset, "an initialiser without a name");
    }
    const DataType* const type = FindDataType(tensor.data_type);
    if (type == nullptr) return NoteUnreadType(field, tensor);
    OnnxTensor out;
    out.info.name = *tensor.name;
    out.info.dtype = type->dtype;
    out.info.shape = tensor.dims;
    if (type->dtype == Dtype::kF4E2m1 && !EvenCount(tensor.dims)) {
      out_.AddFinding(Severity::kWarning, "unsupported-tensor", *tensor.name,
                      "an odd number of 4-bit values, which fill no whole byte");
      return {};
    }
    const Result<std::uint64_t> payload = PayloadBytes(type->dtype, tensor.dims);
    if (!payload) return InTensor(field, tensor, payload.error().message);
    out.info.payload_bytes = *payload;
    HM_TRY(Locate(field, tensor, *type, out));
    out_.tensors.push_back(std::move(out));
    return {};
  }

 private:
  // What a TensorProto says, in whatever order its fields come.
  struct Description {
    std::optional<std::string> name;
    Shape dims;
    std::uint64_t data_type = 0;
    std::optional<ByteRange> raw;
    std::vector<ProtobufField> typed;  // of one field number
    bool has_strings = false;
    bool is_external = false;
    std::map<std::string, std::string> external;
  };

  Error InTensor(const ProtobufField& field, const Description& tensor,
                 std::string_view message) const {
    return cursor_.MalformedAt(
        field.offset, fmt::format("tensor {}: {}", QuoteName(tensor.name.value_or("")), message));
  }

  static bool EvenCount(const Shape& dims) {
    return std::ranges::any_of(dims, [](std::uint64_t size) { return size % 2 == 0; });
  }

  Result<void> NoteUnreadType(const ProtobufField& field, const Description& tensor) {
    if (tensor.data_type == kStringType) {
      out_.AddFinding(Severity::kNote, "string-tensor", *tensor.name,
                      "texts, no numbers: not read");
      return {};
    }
    for (const auto& [id, name] : kUnreadTypes) {
      if (id != tensor.data_type) continue;
      out_.AddFinding(Severity::kWarning, "unsupported-tensor", *tensor.name,
                      fmt::format("of type {}, which is not read", name));
      return {};
    }
    Error error =
        InTensor(field, tensor, fmt::format("its data type {} is not known", tensor.data_type));
    error.code = Errc::kUnsupported;
    return error;
  }

  Result<Description> ReadDescription(const ProtobufField& whole) {
    Description tensor;
    ProtobufMessage message(cursor_, whole.content.End());
    while (!message.AtEnd()) {
      const ProtobufField field = HM_TRY(message.Next());
      switch (field.number) {
        case tensor::kDims:
          HM_TRY(ReadDims(field, tensor.dims));
          break;
        case tensor::kDataType:
          HM_TRY(message.Once(field, WireType::kVarint, "a data type"));
          tensor.data_type = field.value;
          break;
        case tensor::kSegment:
          return Error{Errc::kUnsupported, file_.Name(), "a tensor stored in segments",
                       field.offset};
        case tensor::kName:
          HM_TRY(message.Once(field, WireType::kBytes, "a name"));
          tensor.name = HM_TRY(message.Text(field, kMaxOnnxName, "a name"));
          break;
        case tensor::kRawData:
          HM_TRY(message.Once(field, WireType::kBytes, "raw_data"));
          tensor.raw = field.content;
          break;
        case tensor::kStringData:
          tensor.has_strings = true;
          break;
        case tensor::kFloatData:
        case tensor::kInt32Data:
        case tensor::kInt64Data:
        case tensor::kDoubleData:
        case tensor::kUint64Data:
          if (!tensor.typed.empty() && tensor.typed[0].number != field.number) {
            return InTensor(field, tensor, "it has data of two kinds");
          }
          if (tensor.typed.size() == kMaxTypedParts) {
            return Error{Errc::kUnsupported, file_.Name(),
                         fmt::format("an array in more than {} parts", kMaxTypedParts),
                         field.offset};
          }
          tensor.typed.push_back(field);
          break;
        case tensor::kExternalData: {
          auto [key, value] = HM_TRY(ReadOnnxEntry(cursor_, field));
          if (!tensor.external.emplace(key, std::move(value)).second) {
            return InTensor(field, tensor, fmt::format("{} stands twice", QuoteName(key)));
          }
          break;
        }
        case tensor::kDataLocation:
          HM_TRY(message.Once(field, WireType::kVarint, "a data location"));
          tensor.is_external = field.value == kExternal;
          break;
        default:
          break;
      }
    }
    return tensor;
  }

  // One by one as proto2 writes them, or packed.
  Result<void> ReadDims(const ProtobufField& field, Shape& dims) {
    const auto add = [&](std::uint64_t size) -> Result<void> {
      if (size > INT64_MAX) return cursor_.MalformedAt(field.offset, "a negative dimension");
      dims.push_back(size);
      return {};
    };
    if (field.type == WireType::kVarint) return add(field.value);
    if (field.type != WireType::kBytes) {
      return cursor_.MalformedAt(field.offset, "a dimension is of another wire type");
    }
    while (cursor_.Offset() < field.content.End()) HM_TRY(add(HM_TRY(ReadVarint(cursor_))));
    if (cursor_.Offset() == field.content.End()) return {};
    return cursor_.MalformedAt(field.offset, "the last dimension is cut short");
  }

  // Where the numbers are: in exactly one of the three ways.
  Result<void> Locate(const ProtobufField& field, const Description& tensor, const DataType& type,
                      OnnxTensor& out) {
    const int ways = static_cast<int>(tensor.raw.has_value()) +
                     static_cast<int>(!tensor.typed.empty()) +
                     static_cast<int>(!tensor.external.empty());
    if (tensor.has_strings) return InTensor(field, tensor, "texts for a tensor of numbers");
    if (tensor.is_external != !tensor.external.empty()) {
      return InTensor(field, tensor, "data_location and external_data contradict each other");
    }
    if (ways > 1) return InTensor(field, tensor, "its data stands in two places");
    out.info.stored = {field.offset, 0};
    std::uint64_t given = 0;
    if (tensor.raw) {
      out.info.stored = *tensor.raw;
      given = tensor.raw->size;
    } else if (!tensor.external.empty()) {
      return LocateExternal(field, tensor, out);
    } else if (!tensor.typed.empty()) {
      if (tensor.typed[0].number != type.field) {
        return InTensor(field, tensor, "its data is in the field of another data type");
      }
      TypedData& typed = out.typed.emplace(file_, type.element);
      for (const ProtobufField& part : tensor.typed) HM_TRY(typed.Add(part));
      given = typed.Bytes();
      out.info.verbatim = typed.IsEmpty() || typed.IsVerbatim();
      if (!typed.IsEmpty()) out.info.stored = typed.Hull();
    }
    if (given == out.info.payload_bytes) return {};
    return InTensor(field, tensor,
                    fmt::format("{} {} takes {} bytes, its data has {}", DtypeName(out.info.dtype),
                                ShapeText(out.info.shape), out.info.payload_bytes, given));
  }

  // Keys beside these, such as a checksum, say nothing about the place.
  Result<void> LocateExternal(const ProtobufField& field, const Description& tensor,
                              OnnxTensor& out) {
    const auto text = [&](const char* key) -> const std::string* {
      const auto found = tensor.external.find(key);
      return found == tensor.external.end() ? nullptr : &found->second;
    };
    const auto number = [&](const char* key, std::uint64_t absent) -> Result<std::uint64_t> {
      const std::string* const given = text(key);
      if (given == nullptr) return absent;
      if (const auto value = ParseDecimal(*given)) return *value;
      return InTensor(field, tensor, fmt::format("its {} is no number", key));
    };
    const std::string* const location = text("location");
    if (location == nullptr) return InTensor(field, tensor, "its external data has no location");
    Result<std::string> path = CheckRelativePath(*location);
    if (!path) return InTensor(field, tensor, path.error().message);
    const std::uint64_t offset = HM_TRY(number("offset", 0));
    const std::uint64_t length = HM_TRY(number("length", out.info.payload_bytes));
    if (length != out.info.payload_bytes) {
      return InTensor(
          field, tensor,
          fmt::format("{} {} takes {} bytes, its data has {}", DtypeName(out.info.dtype),
                      ShapeText(out.info.shape), out.info.payload_bytes, length));
    }
    out.info.file = HM_TRY(out_.companions.Open(*path));
    out.info.stored = {offset, length};
    const CompanionFile& companion = out_.companions.At(out.info.file);
    const auto end = CheckedAdd(offset, length);
    if (end && *end <= companion.file->Size()) return {};
    Error error = InTensor(field, tensor,
                           fmt::format("its data ends beyond the {} bytes of {}",
                                       companion.file->Size(), QuoteName(companion.path)));
    error.hint = "that file looks truncated; compare its size with the official listing";
    return error;
  }

  const File& file_;
  ByteCursor& cursor_;
  OnnxTensors& out_;
};

Error NoMessage(ByteCursor& cursor, const ProtobufField& field, std::string_view what) {
  return cursor.MalformedAt(field.offset, fmt::format("{} is of another wire type", what));
}

}  // namespace

void OnnxTensors::AddFinding(Severity severity, std::string code, std::string subject,
                             std::string message) {
  if (findings.size() > kMaxFindings) return;
  if (findings.size() == kMaxFindings) {
    severity = Severity::kWarning;
    code = "more-findings";
    message = "there are more findings than are listed";
  }
  findings.push_back({severity, std::move(code), std::move(subject), std::move(message)});
}

Result<void> ReadOnnxTensor(const File& file, ByteCursor& cursor, const ProtobufField& field,
                            OnnxTensors& out) {
  if (field.type != WireType::kBytes) return NoMessage(cursor, field, "an initialiser");
  return TensorParser(file, cursor, out).Read(field);
}

// values = 1, a TensorProto that has the name.
Result<void> NoteSparseOnnxTensor(ByteCursor& cursor, const ProtobufField& field,
                                  OnnxTensors& out) {
  if (field.type != WireType::kBytes) return NoMessage(cursor, field, "a sparse initialiser");
  std::string name;
  ProtobufMessage message(cursor, field.content.End());
  while (!message.AtEnd()) {
    const ProtobufField part = HM_TRY(message.Next());
    if (part.number != 1 || part.type != WireType::kBytes) continue;
    ProtobufMessage values(cursor, part.content.End());
    while (!values.AtEnd()) {
      const ProtobufField value = HM_TRY(values.Next());
      if (value.number == tensor::kName) {
        name = HM_TRY(values.Text(value, kMaxOnnxName, "a name"));
      }
    }
  }
  out.AddFinding(Severity::kWarning, "unsupported-tensor", std::move(name),
                 "a sparse initialiser; only dense ones are read");
  return {};
}

// key = 1, value = 2.
Result<std::pair<std::string, std::string>> ReadOnnxEntry(ByteCursor& cursor,
                                                          const ProtobufField& field) {
  if (field.type != WireType::kBytes) return NoMessage(cursor, field, "a pair of texts");
  std::pair<std::string, std::string> pair;
  ProtobufMessage message(cursor, field.content.End());
  while (!message.AtEnd()) {
    const ProtobufField part = HM_TRY(message.Next());
    if (part.number == 1) {
      HM_TRY(message.Once(part, WireType::kBytes, "a key"));
      pair.first = HM_TRY(message.Text(part, kMaxOnnxName, "a key"));
    } else if (part.number == 2) {
      HM_TRY(message.Once(part, WireType::kBytes, "a value"));
      pair.second = part.content.size > kMaxOnnxText
                        ? fmt::format("a text of {} bytes", part.content.size)
                        : HM_TRY(message.Text(part, kMaxOnnxText, "a value"));
    }
  }
  return pair;
}

}  // namespace hallmark
