// Any bytes either open as an archive of numpy, and then its arrays lie in the file and apart from
// each other, or end in an error that says where.
#include "formats/npz.h"
#include "tests/fuzz/reader_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return hallmark::CheckOpening(data, size, hallmark::OpenNpz, true);
}
