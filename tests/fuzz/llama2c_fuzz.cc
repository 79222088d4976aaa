// Any bytes either open as a llama2.c checkpoint, and then every view lies in the file and apart
// from the others, or end in an error that says where.
#include "formats/llama2c.h"
#include "tests/fuzz/reader_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return hallmark::CheckOpening(data, size, hallmark::OpenLlama2c, true);
}
