// Metadata and one file of items, of any bytes, either open as a distributed checkpoint, and then
// every piece lies in the file, or end in an error. The same bytes as metadata alone.
#include "formats/dcp.h"
#include "tests/fuzz/reader_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hallmark::CheckOpening(data, size, hallmark::OpenDcp, false);
  return hallmark::CheckOpeningWithCompanion(data, size, hallmark::OpenDcp);
}
