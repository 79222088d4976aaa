#include "weights/tensor_data.h"

#include <utility>

#include "src/base/checked.h"
#include "src/hash/hash_sources.h"
#include "weights/views.h"

namespace hallmark {
namespace {

// Nothing, for a file without tensors.
class NoBytes final : public BlockSource {
 public:
  std::uint64_t Size() const override { return 0; }
  Result<void> Read(std::uint64_t, MutableByteSpan) const override { return {}; }
};

Result<Bytes> AllTensors(const ModelReader& reader) {
  std::vector<Bytes> parts;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < reader.Tensors().size(); ++i) {
    const auto sum = CheckedAdd(total, reader.Tensors()[i].payload_bytes);
    if (!sum) return Error{Errc::kUnsupported, "", "tensors of more than 2^64 bytes together"};
    total = *sum;
    parts.push_back(StoredBytes(reader, i));
  }
  if (parts.empty()) return Bytes(std::make_unique<NoBytes>());
  return JoinRows(std::move(parts));
}

}  // namespace

Result<std::vector<std::vector<Digest>>> HashTensorData(const ModelReader& reader,
                                                        std::span<const TensorDataRequest> requests,
                                                        const Task& task) {
  std::vector<Bytes> data;
  std::vector<HashRequest> hashes;
  for (const TensorDataRequest& request : requests) {
    data.push_back(request.tensor ? StoredBytes(reader, *request.tensor)
                                  : HM_TRY(AllTensors(reader)));
    hashes.push_back({data.back().get(), request.algorithms});
  }
  std::vector<std::vector<Digest>> digests(requests.size());
  HM_TRY(HashSources(hashes, task, [&](std::size_t i, Result<HashOutcome> outcome) -> Result<void> {
    digests[i] = HM_TRY(std::move(outcome)).digests;
    return {};
  }));
  return digests;
}

}  // namespace hallmark
