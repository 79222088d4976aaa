#include "weights/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/model/architecture.h"
#include "weights/equal_bytes.h"

namespace hallmark {
namespace {

constexpr std::string_view kGlobals = "globals";

IdentityDigest Take(Hasher* hasher) {
  IdentityDigest digest;
  std::ranges::copy(hasher->Finish().Bytes(), digest.begin());
  return digest;
}

// s(x) of docs/identity.md, section 2.
void UpdateText(Hasher* hasher, std::string_view text) {
  std::array<std::byte, 4> length;
  StoreLittle(length.data(), static_cast<std::uint32_t>(text.size()));
  hasher->Update(length);
  hasher->Update(AsBytes(text));
}

// A key cut into the bytes before its number, and the number.
struct SplitKey {
  std::string_view before;
  std::uint64_t number = 0;
};
SplitKey Split(std::string_view key) {
  SplitKey split;
  const std::size_t start = key.rfind('.') + 1;  // npos + 1 is 0
  split.before = key.substr(0, start);
  for (const char c : key.substr(start)) {
    split.number = split.number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return split;
}

// Puts the tensors into their order and fills the groups.
void Group(WeightIdentity* identity) {
  std::ranges::stable_sort(identity->tensors, [](const TensorIdentity& a, const TensorIdentity& b) {
    if (a.group != b.group) return GroupKeyLess(a.group, b.group);
    return a.name < b.name;
  });
  const auto weights = MakeHasher(Algorithm::kSha256);
  weights->Update(AsBytes("hallmark weights 1\n"));
  for (std::size_t i = 0; i < identity->tensors.size();) {
    const std::string& key = identity->tensors[i].group;
    const auto group = MakeHasher(Algorithm::kSha256);
    group->Update(AsBytes("hallmark group 1\n"));
    for (; i < identity->tensors.size() && identity->tensors[i].group == key; ++i) {
      UpdateText(group.get(), identity->tensors[i].name);
      group->Update(identity->tensors[i].digest);
    }
    identity->groups.push_back({key, Take(group.get())});
    UpdateText(weights.get(), key);
    weights->Update(identity->groups.back().digest);
  }
  identity->weights = Take(weights.get());
}

// docs/identity.md, 1.5: a repeated output embedding says nothing new.
void DropTiedOutput(WeightIdentity* identity) {
  const auto find = [&](std::string_view name) {
    return std::ranges::find(identity->tensors, name, &TensorIdentity::name);
  };
  const auto output = find(kOutputEmbedding);
  const auto input = find(kInputEmbedding);
  if (output == identity->tensors.end() || input == identity->tensors.end()) return;
  if (output->digest != input->digest) return;
  identity->left_out.push_back(
      {output->stored_name, fmt::format("equal to the input embedding {}", input->stored_name)});
  identity->tensors.erase(output);
}

// A model whose tensors are about to be hashed.
struct Hashing {
  const Model* model;
  CanonicalModel canonical;  // tensors by place: files are read front to back
  std::vector<TensorDigest> digests;

  const TensorInfo& InfoOf(const TensorPart& part) const {
    return model->Files()[part.file].reader->Tensors()[part.tensor];
  }
};

Result<Hashing> Prepare(const Model& model, const Task& task) {
  Hashing hashing{&model, HM_TRY(Canonicalise(model, task)), {}};
  std::ranges::stable_sort(hashing.canonical.tensors, {}, [&](const CanonicalTensor& tensor) {
    const TensorInfo& info = hashing.InfoOf(tensor.parts.front());
    return std::tuple(tensor.parts.front().file, info.file, info.stored.offset);
  });
  return hashing;
}

std::uint64_t BytesOfReplicas(const Hashing& hashing) {
  std::uint64_t total = 0;
  for (const CanonicalTensor& tensor : hashing.canonical.tensors) {
    for (const TensorReplica& replica : tensor.replicas) {
      total = CheckedAdd(total, hashing.InfoOf(replica.part).payload_bytes).value_or(UINT64_MAX);
    }
  }
  return total;
}

Result<void> CheckAllReplicas(const Hashing& hashing, const Task& task) {
  return ParallelFor(task, hashing.canonical.tensors.size(), [&](std::uint64_t i) {
    return CheckReplicas(*hashing.model, hashing.canonical.tensors[i], task);
  });
}

Result<WeightIdentity> Assemble(Hashing hashing) {
  HM_TRY(hashing.model->CheckUnchanged());
  WeightIdentity identity;
  CanonicalModel& canonical = hashing.canonical;
  identity.raw = canonical.raw;
  identity.architecture = std::move(canonical.architecture);
  identity.scheme = std::move(canonical.scheme);
  identity.left_out = std::move(canonical.left_out);
  identity.findings = std::move(canonical.findings);
  for (std::size_t i = 0; i < canonical.tensors.size(); ++i) {
    CanonicalTensor& tensor = canonical.tensors[i];
    const Dtype stored_dtype = hashing.InfoOf(tensor.parts[0]).dtype;
    const TensorDigest& digest = hashing.digests[i];
    identity.tensors.push_back({tensor.name, std::move(tensor.stored_name), GroupKey(tensor.name),
                                stored_dtype, digest.dtype, std::move(tensor.shape), digest.digest,
                                std::move(tensor.parts), std::move(tensor.relations)});
  }
  DropTiedOutput(&identity);
  Group(&identity);
  return identity;
}

// Tensors to digest, and where the digests go.
class DigestWork {
 public:
  void Add(const CanonicalTensor& tensor, TensorDigest* to) {
    work_.push_back({tensor.bytes.get(), tensor.dtype, tensor.shape, tensor.random_access});
    tensors_.push_back(&tensor);
    to_.push_back(to);
    bytes_ = CheckedAdd(bytes_, tensor.bytes->Size()).value_or(UINT64_MAX);
  }
  std::uint64_t TotalBytes() const { return bytes_; }

  Result<void> Run(const Task& task) const {
    std::size_t failed = work_.size();
    auto digests = DigestTensors(work_, task, &failed);
    if (!digests) {
      Error error = std::move(digests).error();
      if (error.subject.empty() && failed < tensors_.size()) {
        error.subject = EscapeForPeople(tensors_[failed]->stored_name);
      }
      return error;
    }
    for (std::size_t i = 0; i < to_.size(); ++i) *to_[i] = (*digests)[i];
    return {};
  }

 private:
  std::vector<TensorToDigest> work_;
  std::vector<const CanonicalTensor*> tensors_;
  std::vector<TensorDigest*> to_;
  std::uint64_t bytes_ = 0;
};

// Whether equal bytes mean equal tensors.
bool AreComparable(const CanonicalTensor& a, const CanonicalTensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.bytes->Size() == b.bytes->Size();
}

}  // namespace

std::string WeightIdentity::ToString() const { return (raw ? "hm1raw:" : "hm1:") + ToHex(weights); }

std::string GroupKey(std::string_view canonical_name) {
  for (std::size_t start = 0; start <= canonical_name.size();) {
    const std::size_t end = std::min(canonical_name.find('.', start), canonical_name.size());
    if (IsNumberComponent(canonical_name.substr(start, end - start))) {
      return std::string(canonical_name.substr(0, end));
    }
    start = end + 1;
  }
  return std::string(kGlobals);
}

bool GroupKeyLess(std::string_view a, std::string_view b) {
  if (a == kGlobals || b == kGlobals) return a == kGlobals && b != kGlobals;
  const SplitKey left = Split(a), right = Split(b);
  if (left.before != right.before) return left.before < right.before;
  return left.number < right.number;
}

Result<WeightIdentity> ComputeIdentity(const Model& model, const Task& task) {
  Hashing hashing = HM_TRY(Prepare(model, task));
  const std::vector<CanonicalTensor>& tensors = hashing.canonical.tensors;
  hashing.digests.resize(tensors.size());
  DigestWork work;
  for (std::size_t i = 0; i < tensors.size(); ++i) work.Add(tensors[i], &hashing.digests[i]);
  task.Begin("hashing tensors",
             CheckedAdd(work.TotalBytes(), BytesOfReplicas(hashing)).value_or(UINT64_MAX), 0);
  HM_TRY(CheckAllReplicas(hashing, task));
  HM_TRY(work.Run(task));
  return Assemble(std::move(hashing));
}

Result<WeightIdentity> ComputeIdentityOfCopy(const Model& copy, const Model& model,
                                             const WeightIdentity& known, const Task& task) {
  Hashing copied = HM_TRY(Prepare(copy, task));
  const Hashing original = HM_TRY(Prepare(model, task));
  std::map<std::string_view, const TensorIdentity*> digests;
  for (const TensorIdentity& tensor : known.tensors) digests.emplace(tensor.name, &tensor);
  std::map<std::string_view, const CanonicalTensor*> originals;
  for (const CanonicalTensor& tensor : original.canonical.tensors) {
    if (digests.contains(tensor.name)) originals.emplace(tensor.name, &tensor);
  }

  const std::vector<CanonicalTensor>& tensors = copied.canonical.tensors;
  copied.digests.resize(tensors.size());
  std::vector<std::size_t> compared;
  std::vector<BytesPair> pairs;
  DigestWork to_hash;
  std::uint64_t bytes = BytesOfReplicas(copied);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto found = originals.find(tensors[i].name);
    if (found == originals.end() || !AreComparable(tensors[i], *found->second)) {
      to_hash.Add(tensors[i], &copied.digests[i]);
      continue;
    }
    const bool random_access = tensors[i].random_access && found->second->random_access;
    pairs.push_back({tensors[i].bytes.get(), found->second->bytes.get(), random_access});
    compared.push_back(i);
    bytes = CheckedAdd(bytes, tensors[i].bytes->Size()).value_or(UINT64_MAX);
  }
  task.Begin("comparing weights", CheckedAdd(bytes, to_hash.TotalBytes()).value_or(UINT64_MAX), 0);
  HM_TRY(CheckAllReplicas(copied, task));
  const std::vector<bool> equal = HM_TRY(FindEqual(pairs, task));
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const std::size_t i = compared[p];
    if (equal[p]) {
      const TensorIdentity& same = *digests.at(tensors[i].name);
      copied.digests[i] = {same.dtype, same.digest};
    } else {
      to_hash.Add(tensors[i], &copied.digests[i]);
    }
  }
  HM_TRY(to_hash.Run(task));
  HM_TRY(model.CheckUnchanged());
  return Assemble(std::move(copied));
}

}  // namespace hallmark
