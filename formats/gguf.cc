#include "formats/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "formats/contents_reader.h"
#include "formats/gguf_metadata.h"
#include "formats/gguf_types.h"
#include "formats/tensor_layout.h"
#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/io/file_cursor.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kVersionOffset = 4;

// Takes one file from magic to checked contents. Lives for one OpenGguf.
class GgufParser {
 public:
  explicit GgufParser(const File& file) : file_(file), cursor_(file) {}

  Result<ContainerContents> Parse() {
    HM_TRY(ReadVersion());
    GgufHeaderCursor header(cursor_, layout_);
    const std::uint64_t tensor_count = HM_TRY(header.Count(SmallestTensorInfo(), "tensors"));
    const std::uint64_t entry_count =
        HM_TRY(header.Count(header.SmallestEntry(), "metadata entries"));
    HM_TRY(ReadMetadata(header, entry_count));
    alignment_ = HM_TRY(GgufAlignment(contents_.metadata, file_.Name()));
    HM_TRY(ReadTensorInfos(header, tensor_count));
    HM_TRY(PlaceTensors());
    HM_TRY(CheckTail());
    contents_.format_name = "gguf";
    contents_.format_detail =
        fmt::format("GGUF v{}, {}alignment {}", version_,
                    layout_.order == ByteOrder::kBig ? "big-endian, " : "", alignment_);
    return std::move(contents_);
  }

 private:
  // An empty name, no dimensions, type and offset.
  std::uint64_t SmallestTensorInfo() const { return layout_.length_bytes + 4 + 4 + 8; }

  Result<void> ReadVersion() {
    if (HM_TRY(cursor_.TakeText(kGgufMagic.size())) != kGgufMagic) {
      return cursor_.MalformedAt(0, "the file does not begin with GGUF");
    }
    version_ = HM_TRY(cursor_.U32());
    if (version_ == 0) return cursor_.MalformedAt(kVersionOffset, "GGUF version 0");
    // The version counts the releases of the format: a number this large is one read the wrong way
    // round, which is how ggml and gguf-py tell as well.
    if ((version_ & 0xffff) == 0) {
      layout_.order = ByteOrder::kBig;
      version_ = __builtin_bswap32(version_);
    }
    if (version_ > 3) {
      return Error{Errc::kUnsupported, file_.Name(),
                   fmt::format("this is GGUF version {}, versions 1 to 3 are read", version_),
                   kVersionOffset};
    }
    if (version_ == 1) layout_.length_bytes = 4;
    return {};
  }

  Result<void> ReadMetadata(GgufHeaderCursor& header, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      contents_.metadata.push_back(HM_TRY(header.Entry()));
    }
    std::vector<std::string_view> keys;
    for (const MetadataEntry& entry : contents_.metadata) keys.push_back(entry.key);
    return CheckUnique(keys, "metadata key", file_.Name());
  }

  Result<void> ReadTensorInfos(GgufHeaderCursor& header, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      info_offsets_.push_back(header.Offset());
      contents_.tensors.push_back(HM_TRY(ReadTensorInfo(header)));
    }
    std::vector<std::string_view> names;
    names.reserve(count);
    for (const TensorInfo& tensor : contents_.tensors) names.push_back(tensor.name);
    HM_TRY(CheckUnique(names, "tensor name", file_.Name()));
    NoteOddNames();
    return {};
  }

  // `stored.offset` is relative to the data until PlaceTensors.
  Result<TensorInfo> ReadTensorInfo(GgufHeaderCursor& header) {
    const std::uint64_t begin = header.Offset();
    const std::string name(HM_TRY(header.Text("a tensor name")));
    const auto in_tensor = [&](std::string_view message) {
      return cursor_.MalformedAt(begin, fmt::format("tensor {}: {}", QuoteName(name), message));
    };
    const std::uint32_t dimensions = HM_TRY(header.U32());
    if (dimensions > kGgmlMostDimensions) {
      return in_tensor(fmt::format("{} dimensions, limit {}", dimensions, kGgmlMostDimensions));
    }
    Shape shape(dimensions);
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      shape[dimensions - 1 - i] = HM_TRY(header.Length());
    }
    const std::uint32_t type = HM_TRY(header.U32());
    const std::optional<Dtype> dtype = DtypeOfGgmlType(type);
    if (!dtype) {
      const std::string_view removed = RemovedGgmlType(type);
      Error error = in_tensor(
          removed.empty() ? fmt::format("its type {} is not known", type)
                          : fmt::format("its type {} ({}) was removed from ggml", type, removed));
      error.code = Errc::kUnsupported;
      return error;
    }
    const std::uint64_t offset = HM_TRY(header.U64());
    if (offset % alignment_ != 0) {
      return in_tensor(
          fmt::format("its offset {} is no multiple of the alignment {}", offset, alignment_));
    }
    const Result<std::uint64_t> payload = PayloadBytes(*dtype, shape);
    if (!payload) return in_tensor(payload.error().message);
    const bool is_big = layout_.order == ByteOrder::kBig;
    if (is_big && !HasByteOrder(*dtype)) {
      Error error =
          in_tensor(fmt::format("the byte order of big-endian blocks of type {} is not "
                                "settled: ggml does not read what it writes",
                                DtypeName(*dtype)));
      error.code = Errc::kUnsupported;
      return error;
    }
    return TensorInfo{.name = name,
                      .dtype = *dtype,
                      .shape = std::move(shape),
                      .payload_bytes = *payload,
                      .stored = {offset, *payload},
                      .verbatim = !is_big || !HoldsWideNumbers(*dtype)};
  }

  void NoteOddNames() {
    std::uint64_t count_long = 0, count_odd = 0;
    const TensorInfo* first_long = nullptr;
    const TensorInfo* first_odd = nullptr;
    for (const TensorInfo& tensor : contents_.tensors) {
      if (tensor.name.size() > kGgmlLongestName && count_long++ == 0) first_long = &tensor;
      if (!IsValidUtf8(tensor.name) && count_odd++ == 0) first_odd = &tensor;
    }
    if (count_long != 0) {
      AddFinding("long-tensor-name",
                 fmt::format("tensor names longer than the {} bytes llama.cpp takes: {}, first {}",
                             kGgmlLongestName, count_long, QuoteName(first_long->name)));
    }
    if (count_odd != 0) {
      AddFinding("name-not-utf8", fmt::format("tensor names that are not UTF-8: {}, first {}",
                                              count_odd, QuoteName(first_odd->name)));
    }
  }

  void AddFinding(std::string code, std::string message,
                  std::optional<std::uint64_t> offset = std::nullopt) {
    contents_.findings.push_back(
        {Severity::kWarning, std::move(code), file_.Name(), std::move(message), offset});
  }

  // Turns offsets into places in the file, checks them, and brings the tensors in file order.
  Result<void> PlaceTensors() {
    std::vector<TensorInfo>& tensors = contents_.tensors;
    if (tensors.empty()) return {};
    HM_TRY(SkipHeaderPadding());
    data_begin_ = cursor_.Offset();
    const std::uint64_t data_size = file_.Size() - data_begin_;
    std::uint64_t listed_end = 0;  // where the data of the tensor listed before ends
    bool in_order = true;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      ByteRange& stored = tensors[i].stored;
      if (stored.offset > data_size || stored.size > data_size - stored.offset) {
        Error error = cursor_.MalformedAt(
            info_offsets_[i],
            fmt::format("tensor {}: its {} bytes at offset {} exceed the {} bytes of data",
                        QuoteName(tensors[i].name), stored.size, stored.offset, data_size));
        error.hint = kTruncatedHint;
        return error;
      }
      in_order = in_order && stored.offset >= listed_end;
      listed_end = stored.End();
      stored.offset += data_begin_;
    }
    HM_TRY(SortByPlace(tensors, file_.Name()));
    if (!in_order) {
      AddFinding("tensor-order",
                 "the tensors do not lie in the order in which the header lists them, which "
                 "llama.cpp refuses");
    }
    NoteGaps();
    return {};
  }

  // `offset` of a place in the file, which cannot overflow, rounded up to the alignment.
  std::uint64_t Padded(std::uint64_t offset) const { return *CheckedRoundUp(offset, alignment_); }

  // Up to the alignment. What lies there is declared to be zero.
  Result<void> SkipHeaderPadding() {
    const std::uint64_t offset = cursor_.Offset();
    return CheckZero(HM_TRY(cursor_.Take(Padded(offset) - offset)), offset);
  }

  Result<void> CheckZero(ByteSpan padding, std::uint64_t offset) const {
    for (std::size_t i = 0; i < padding.size(); ++i) {
      if (padding[i] != std::byte{0}) {
        return cursor_.MalformedAt(offset + i, "the padding holds something other than zeros");
      }
    }
    return {};
  }

  // Where a tensor ends, padding included.
  std::uint64_t PaddedEnd(const TensorInfo& tensor) const {
    return data_begin_ + Padded(tensor.stored.End() - data_begin_);
  }

  void NoteGaps() {
    std::uint64_t gaps = 0, bytes = 0, first = 0;
    std::uint64_t expected = data_begin_;
    for (const TensorInfo& tensor : contents_.tensors) {
      if (tensor.stored.offset > expected) {
        if (gaps++ == 0) first = expected;
        bytes += tensor.stored.offset - expected;
      }
      expected = std::max(expected, PaddedEnd(tensor));
    }
    if (gaps == 0) return;
    AddFinding("undeclared-bytes",
               fmt::format("{} bytes in {} gaps between tensors belong to nothing, which llama.cpp "
                           "refuses",
                           bytes, gaps),
               first);
  }

  // Nothing but the padding of the last tensor follows it.
  Result<void> CheckTail() {
    std::uint64_t reached = cursor_.Offset();
    std::uint64_t end = reached;
    if (contents_.tensors.empty()) {
      // Writers differ in whether a header without tensors is padded.
      end = std::min(file_.Size(), Padded(reached));
    } else {
      for (const TensorInfo& tensor : contents_.tensors) {
        reached = std::max(reached, tensor.stored.End());
        end = std::max(end, PaddedEnd(tensor));
      }
    }
    if (file_.Size() < end) {
      return Error{
          Errc::kMalformed, file_.Name(),
          fmt::format("the file ends at byte {}, the padding of its last tensor at byte {}",
                      file_.Size(), end),
          file_.Size(), kTruncatedHint};
    }
    if (file_.Size() > end) {
      return Error{
          Errc::kMalformed, file_.Name(),
          fmt::format("{} bytes after the last tensor belong to nothing", file_.Size() - end), end};
    }
    std::vector<std::byte> padding(end - reached);
    HM_TRY(file_.Read(reached, padding));
    return CheckZero(padding, reached);
  }

  const File& file_;
  FileCursor cursor_;
  std::uint32_t version_ = 0;
  GgufLayout layout_ = {.length_bytes = 8, .order = ByteOrder::kLittle};
  std::uint64_t alignment_ = 0;
  std::uint64_t data_begin_ = 0;
  ContainerContents contents_;
  std::vector<std::uint64_t> info_offsets_;  // where the header describes each tensor
};

}  // namespace

bool SniffGguf(const FileHead& head) { return HeadStartsWith(head, kGgufMagic); }

Result<std::unique_ptr<ModelReader>> OpenGguf(const File& file) {
  return MakeContentsReader(file, HM_TRY(GgufParser(file).Parse()));
}

}  // namespace hallmark
