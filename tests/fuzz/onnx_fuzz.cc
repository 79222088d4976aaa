// A model and one file of external data, of any bytes, either open, and then every tensor lies in
// one of them, or end in an error. The same bytes as a model alone.
#include "formats/onnx.h"
#include "tests/fuzz/reader_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hallmark::CheckOpening(data, size, hallmark::OpenOnnx, false);
  return hallmark::CheckOpeningWithCompanion(data, size, hallmark::OpenOnnx);
}
