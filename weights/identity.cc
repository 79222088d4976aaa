#include "weights/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/model/architecture.h"

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
  CanonicalModel canonical = HM_TRY(Canonicalise(model, task));

  std::uint64_t total = 0;
  for (const CanonicalTensor& tensor : canonical.tensors) {
    total = CheckedAdd(total, tensor.bytes->Size()).value_or(UINT64_MAX);
    for (const TensorReplica& replica : tensor.replicas) {
      const auto& info = model.Files()[replica.part.file].reader->Tensors()[replica.part.tensor];
      total = CheckedAdd(total, info.payload_bytes).value_or(UINT64_MAX);
    }
  }
  task.Begin("hashing tensors", total, 0);
  const auto check = [&](std::uint64_t i) {
    return CheckReplicas(model, canonical.tensors[i], task);
  };
  HM_TRY(ParallelFor(task, canonical.tensors.size(), check));

  // Files are read front to back: by place, not by name.
  std::ranges::stable_sort(canonical.tensors, {}, [&](const CanonicalTensor& tensor) {
    const TensorPart part = tensor.parts.front();
    const auto& info = model.Files()[part.file].reader->Tensors()[part.tensor];
    return std::tuple(part.file, info.file, info.stored.offset);
  });
  std::vector<TensorToDigest> work;
  for (const CanonicalTensor& tensor : canonical.tensors) {
    work.push_back({tensor.bytes.get(), tensor.dtype, tensor.shape, tensor.random_access});
  }
  std::size_t failed = work.size();
  auto digests = DigestTensors(work, task, &failed);
  if (!digests) {
    Error error = std::move(digests).error();
    if (error.subject.empty() && failed < canonical.tensors.size()) {
      error.subject = EscapeForPeople(canonical.tensors[failed].stored_name);
    }
    return error;
  }

  HM_TRY(model.CheckUnchanged());

  WeightIdentity identity;
  identity.raw = canonical.raw;
  identity.architecture = std::move(canonical.architecture);
  identity.scheme = std::move(canonical.scheme);
  identity.left_out = std::move(canonical.left_out);
  identity.findings = std::move(canonical.findings);
  for (std::size_t i = 0; i < canonical.tensors.size(); ++i) {
    CanonicalTensor& tensor = canonical.tensors[i];
    const Dtype stored_dtype =
        model.Files()[tensor.parts[0].file].reader->Tensors()[tensor.parts[0].tensor].dtype;
    identity.tensors.push_back({tensor.name, std::move(tensor.stored_name), GroupKey(tensor.name),
                                stored_dtype, (*digests)[i].dtype, std::move(tensor.shape),
                                (*digests)[i].digest, std::move(tensor.parts),
                                std::move(tensor.relations)});
  }
  DropTiedOutput(&identity);
  Group(&identity);
  return identity;
}

}  // namespace hallmark
