// Sources in JSON, as a server sent them: listings of hubs, manifests of OCI and Ollama.
#include "tests/fuzz/source_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  CheckSource(ParseSource(FuzzText(data, size), "tree.json"), "tree.json");
  return 0;
}
