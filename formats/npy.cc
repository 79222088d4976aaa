#include "formats/npy.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "formats/pickle.h"
#include "src/base/checked.h"

namespace hallmark {
namespace {

Error About(Error error, const std::string& subject) {
  error.subject = subject;
  return error;
}

StridedView ViewOf(const NpyHeader& header) {
  StridedView view;
  view.sizes = header.shape;
  view.item_bytes = InfoOf(*header.dtype).block_bytes;
  view.strides.resize(header.shape.size());
  std::uint64_t stride = 1;
  for (std::size_t i = 0; i < header.shape.size(); ++i) {
    const std::size_t axis = header.is_fortran ? i : header.shape.size() - 1 - i;
    view.strides[axis] = stride;
    stride *= header.shape[axis];  // the product of all was checked
  }
  return view;
}

// What would be unpickled if somebody allowed it. Only of an array of nothing but objects it is
// certain that the values are a pickle.
Result<void> InspectObjects(const NpyPlace& place, const NpyHeader& header,
                            StridedContents& contents) {
  const bool is_certain = header.type == "|O";
  const ByteRange values{header.data_offset, place.size - header.data_offset};
  const StorageBytes pickled = place.storage(values);
  if (values.size > place.pickle_bytes) {
    return Error{Errc::kUnsupported, place.subject,
                 fmt::format("a pickle of {} bytes, limit {}", values.size, place.pickle_bytes),
                 values.offset};
  }
  place.pickle_bytes -= values.size;
  std::vector<std::byte> bytes(values.size);
  HM_TRY(pickled.source->Read(0, bytes));
  ByteCursor cursor(bytes, place.subject, values.offset);
  const Result<PickleReading> reading = ReadPickle(cursor);
  if (!reading) {
    if (is_certain || reading.error().code == Errc::kDangerous) return reading.error();
    return {};
  }
  if (is_certain && !cursor.AtEnd()) {
    return cursor.Malformed(fmt::format("{} bytes follow the pickle", cursor.Remaining()));
  }
  contents.findings.insert(contents.findings.end(), reading->findings.begin(),
                           reading->findings.end());
  return {};
}

}  // namespace

bool SniffNpy(const FileHead& head) { return HeadStartsWith(head, kNpyMagic); }

Result<NpyHeader> AddNpy(const NpyPlace& place, StridedContents& contents) {
  Result<NpyHeader> read = ReadNpyHeader(*place.storage({0, place.size}).source);
  if (!read) return About(std::move(read).error(), place.subject);
  const NpyHeader& header = *read;
  if (!header.dtype) {
    if (header.may_hold_objects) HM_TRY(InspectObjects(place, header, contents));
    if (header.HoldsTexts()) {
      contents.findings.push_back({Severity::kNote, "string-tensor", place.name,
                                   "an array of texts, which are no numbers: not read"});
    } else {
      contents.findings.push_back({Severity::kWarning, "unsupported-tensor", place.name,
                                   WhyNoDtype(header) + ": not read"});
    }
    return read;
  }
  const Result<std::uint64_t> payload = PayloadBytes(*header.dtype, header.shape);
  if (!payload) return About(payload.error(), place.subject);
  const std::uint64_t follow = place.size - header.data_offset;
  if (*payload > follow) {
    return Error{Errc::kMalformed, place.subject,
                 fmt::format("the values take {} bytes, {} follow the header", *payload, follow),
                 header.data_offset, kTruncatedHint};
  }
  if (*payload < follow) {
    return Error{Errc::kMalformed, place.subject,
                 fmt::format("{} bytes follow the array", follow - *payload),
                 header.data_offset + *payload, "numpy ignores them; save each array by itself"};
  }
  StridedTensor tensor;
  tensor.info.name = place.name;
  tensor.info.dtype = *header.dtype;
  tensor.info.shape = header.shape;
  tensor.info.payload_bytes = *payload;
  tensor.storage = contents.storages.size();
  tensor.view = ViewOf(header);
  tensor.is_big_endian = header.is_big_endian;
  contents.storages.push_back(place.storage({header.data_offset, *payload}));
  contents.tensors.push_back(std::move(tensor));
  return read;
}

void NoteUnnamedTypes(std::size_t arrays, const std::string& subject, StridedContents& contents) {
  if (arrays == 0) return;
  contents.findings.push_back(
      {Severity::kNote, "unnamed-type", subject,
       fmt::format("{} of a type that numpy has no name for: '<V2' is read as bfloat16, '<f1' as "
                   "float8_e5m2, which ml_dtypes writes so",
                   arrays == 1 ? "an array" : fmt::format("{} arrays", arrays))});
}

Result<std::unique_ptr<ModelReader>> OpenNpy(const File& file) {
  StridedContents contents;
  std::uint64_t pickle_bytes = kMaxObjects;
  const NpyPlace place{"", file.Name(), file.Size(),
                       [&](ByteRange part) { return StorageInFile(file, part); }, pickle_bytes};
  const NpyHeader header = HM_TRY(AddNpy(place, contents));
  NoteUnnamedTypes(header.IsUnnamed() ? 1 : 0, file.Name(), contents);
  contents.format_name = "npy";
  contents.format_detail = fmt::format("numpy array, format {}.0, {} order", header.version,
                                       header.is_fortran ? "Fortran" : "C");
  return MakeStridedReader(std::move(contents));
}

}  // namespace hallmark
