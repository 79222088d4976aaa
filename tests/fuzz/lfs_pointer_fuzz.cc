// git-lfs pointers: one file with one sha256 and a size, or an error.
#include "tests/fuzz/source_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  // Most mutations break the first line, and then nothing of interest is read.
  std::string text = "version https://git-lfs.github.com/spec/v1\n";
  text += FuzzText(data, size);
  for (const std::string_view input : {std::string_view(text), FuzzText(data, size)}) {
    const auto source = ParseSource(input, "model.bin");
    CheckSource(source, "model.bin");
    if (!source || source->dialect != "lfs-pointer") continue;
    HM_CHECK(source->files.size() == 1 && source->files[0].size.has_value());
    HM_CHECK(source->files[0].digests.size() == 1);
    HM_CHECK(!source->complete);
  }
  return 0;
}
