// Any bytes are interpreted in bounded time and memory and end in values or in an error that says
// where; checkpoints rebuilt from them have tensors that lie in their storages.
#include <algorithm>

#include "formats/pickle.h"
#include "formats/pytorch.h"
#include "tests/fuzz/reader_properties.h"

namespace hallmark {
namespace {

void CheckGraph(const PickleReading& reading) {
  const PickleGraph& graph = reading.graph;
  HM_CHECK(reading.root < graph.Size());
  for (PickleRef ref = 0; ref < graph.Size(); ++ref) {
    for (const PickleRef item : graph.Items(ref)) HM_CHECK(item < graph.Size());
    for (const auto& [key, value] : graph.Pairs(ref)) {
      HM_CHECK(key < graph.Size() && value < graph.Size());
    }
  }
  for (const Finding& finding : reading.findings) {
    HM_CHECK(!finding.message.empty() && finding.subject == "fuzz");
  }
}

void CheckRebuilt(const PickleReading& reading, PytorchLayout layout) {
  const auto checkpoint = RebuildCheckpoint(reading, layout, "fuzz");
  if (!checkpoint) {
    HM_CHECK(checkpoint.error().subject == "fuzz" && !checkpoint.error().message.empty());
    return;
  }
  for (const StridedTensor& tensor : checkpoint->tensors) {
    const PytorchStorage& storage = checkpoint->storages[tensor.storage];
    const auto items = TouchedItems(tensor.view);
    HM_CHECK(items && items->end <= storage.Bytes() / tensor.view.item_bytes);
  }
}

}  // namespace
}  // namespace hallmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;  // NOLINT: the entry point has no namespace
  const std::vector<std::byte> bytes = FuzzBytes(data, size);
  ByteCursor cursor(bytes, "fuzz");
  const PickleReading reading = InterpretPickle(cursor);
  CheckGraph(reading);
  if (reading.fault) {
    HM_CHECK(reading.fault->subject == "fuzz" && reading.fault->offset <= size);
    return 0;
  }
  CheckRebuilt(reading, PytorchLayout::kZip);
  CheckRebuilt(reading, PytorchLayout::kLegacy);
  return 0;
}
