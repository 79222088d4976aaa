// Any bytes either open as a PyTorch checkpoint, ZIP or legacy, whose tensors lie in the file and
// can be read, or end in an error that says where.
#include "formats/pytorch_legacy.h"
#include "formats/pytorch_zip.h"
#include "tests/fuzz/reader_properties.h"

namespace {

hallmark::Result<std::unique_ptr<hallmark::ModelReader>> OpenEither(const hallmark::File& file) {
  const std::vector<std::byte> head = HM_TRY(hallmark::ReadHead(file));
  if (hallmark::SniffPytorchLegacy({head, file.Size()})) return hallmark::OpenPytorchLegacy(file);
  return hallmark::OpenPytorchZip(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return hallmark::CheckOpening(data, size, OpenEither, false);
}
