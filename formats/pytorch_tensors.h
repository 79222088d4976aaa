// The storages and tensors that an interpreted pickle describes, one by one: what torch._utils
// would rebuild from the arguments of a call.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/pickle_graph.h"
#include "formats/pytorch.h"
#include "src/base/error.h"
#include "src/base/finding.h"

namespace hallmark {

// "bfloat16", as torch spells the name of a dtype; nullopt: not known here.
std::optional<Dtype> DtypeOfTorch(std::string_view name);
std::string_view NameInTorch(Dtype dtype);  // its inverse; empty: torch has no such type
// The legacy class of storages of such elements, "BFloat16Storage"; empty if there is none.
std::string_view StorageClassInTorch(Dtype dtype);

// The shape in values of a tensor of these sizes: those of float4_e2m1fn_x2 count pairs of values.
// nullopt if that overflows.
std::optional<Shape> ShapeOfTorch(Dtype dtype, Shape sizes);
// Its inverse; nullopt where a row is half a pair more than pairs.
std::optional<Shape> SizesInTorch(Dtype dtype, Shape shape);

// Findings, so many of each code that none can crowd out another.
class FindingLog {
 public:
  void Add(Severity severity, std::string code, std::string subject, std::string message);
  // All of them, and a note "findings-cut" about `file` for each code that had more.
  std::vector<Finding> Take(const std::string& file);
  std::size_t Size() const { return findings_.size(); }

 private:
  std::vector<Finding> findings_;
  std::map<std::string, std::size_t> counts_;  // by code
};

// A call that makes a tensor, with wrappers that add nothing to the numbers taken off.
struct TensorCall {
  std::string_view function;  // of torch._utils; empty: not a call that makes a tensor
  std::span<const PickleRef> arguments;
  std::uint64_t offset = 0;
  std::string_view obstacle = {};  // why its numbers cannot be told, if they cannot
};

// Adds to one checkpoint while somebody walks the pickle. The graph, the checkpoint and the log
// outlive it. Not thread-safe.
class TensorBuilder {
 public:
  TensorBuilder(const PickleGraph& graph, PytorchLayout layout, const std::string& subject,
                PytorchCheckpoint& checkpoint, FindingLog& log)
      : graph_(graph), layout_(layout), subject_(subject), out_(checkpoint), log_(log) {}

  // Every persistent id of the stream, also where no tensor uses it. Comes first.
  // Errors: kMalformed (an id of the wrong form, a storage described in two ways), kUnsupported (a
  // type of storage that is not known).
  Result<void> CollectStorages();

  // What tensor the object `ref` is, with its wrappers taken off. It then counts as read.
  TensorCall Unwrap(PickleRef ref);

  // Adds the tensor under `name`, or a finding why it cannot be read. kMalformed: see
  // RebuildCheckpoint.
  Result<void> AddTensor(const std::string& name, const TensorCall& call);

  // kUnsupported if the tensors take far more bytes than they are made from.
  Result<void> CheckTotal() const;

  // Reports storages and tensors that nothing above has read.
  void ReportUnread();

 private:
  // A storage, or a stretch of one, as one persistent id names it.
  struct StorageView {
    std::size_t storage = 0;
    std::uint64_t offset = 0;  // items
    std::uint64_t count = 0;
    friend bool operator==(const StorageView&, const StorageView&) = default;
  };

  Error Malformed(std::string message, std::optional<std::uint64_t> offset = {}) const;
  Result<std::uint64_t> Count(PickleRef ref, std::string_view what) const;
  Result<void> CollectStorage(PickleRef ref);
  Result<void> CheckViewKeys() const;
  bool MayChangeNumbers(PickleRef state);
  bool AreSetOnNumbers(PickleRef state) const;
  void Unsupported(const std::string& name, std::string_view why);
  Result<void> ReadSizes(PickleRef ref, std::vector<std::uint64_t>& sizes,
                         const std::string& name) const;
  void ReportUnreadTensors();
  std::vector<bool> FindTensorHolders() const;
  // The optional last argument of a tensor: {"conj": True}, {"neg": True}.
  struct ViewBits {
    bool is_conjugated = false, is_negated = false;
    bool is_strange = false;  // something else is in there
  };
  Result<ViewBits> ReadViewBits(PickleRef ref, const std::string& name);

  const PickleGraph& graph_;
  const PytorchLayout layout_;
  const std::string& subject_;
  PytorchCheckpoint& out_;
  FindingLog& log_;
  std::unordered_map<std::string_view, std::size_t> by_key_;
  std::vector<std::uint32_t> view_of_;  // by value: which of views_ a persistent id is
  std::vector<StorageView> views_;
  // torch keeps views of storages under keys of their own, among those of the storages.
  std::map<std::string_view, std::size_t> view_keys_;  // into views_
  std::vector<bool> visited_;                          // objects that make tensors and were met
  // By value, for what many tensors can share: found out once.
  std::map<PickleRef, ViewBits> view_bits_;
  std::map<PickleRef, bool> may_change_;
  double total_bytes_ = 0;
};

}  // namespace hallmark
