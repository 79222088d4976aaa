// Any bytes either open as an array of numpy, and then its values are all that follows the header,
// or end in an error that says where.
#include "formats/npy.h"
#include "tests/fuzz/reader_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return hallmark::CheckOpening(data, size, hallmark::OpenNpy, true);
}
