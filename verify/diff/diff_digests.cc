#include "verify/diff/diff_digests.h"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <utility>

#include "src/model/architecture.h"
#include "weights/identity.h"

namespace hallmark {
namespace {

constexpr std::string_view kByDigest = "compared by digest: one side is a manifest";

class DigestAlignment {
 public:
  DigestAlignment(std::vector<DigestedTensor> a, std::vector<DigestedTensor> b)
      : a_(std::move(a)), b_(std::move(b)), used_a_(a_.size()), used_b_(b_.size()) {}

  std::vector<TensorDiff> Run() {
    ByName();
    ByDigest();
    TiedOutput(a_, used_a_, b_, "B");
    TiedOutput(b_, used_b_, a_, "A");
    Rest();
    return std::move(tensors_);
  }

 private:
  void Add(const DigestedTensor* a, const DigestedTensor* b, std::vector<std::string> relations) {
    TensorDiff& tensor = tensors_.emplace_back();
    if (a != nullptr) tensor.a = a->side;
    if (b != nullptr) tensor.b = b->side;
    tensor.group = (a != nullptr ? a : b)->group;
    tensor.relations = std::move(relations);
    tensor.reason = kByDigest;
    if (a == nullptr || b == nullptr) {
      tensor.state = a != nullptr ? TensorState::kOnlyInA : TensorState::kOnlyInB;
    } else if (a->digest != b->digest) {
      tensor.state = TensorState::kDifferent;
    } else {
      tensor.state = tensor.relations.empty() ? TensorState::kEqual : TensorState::kRelated;
    }
  }

  void ByName() {
    std::map<std::string_view, std::size_t> names;
    for (std::size_t i = 0; i < b_.size(); ++i) names.emplace(b_[i].side.name, i);
    for (std::size_t i = 0; i < a_.size(); ++i) {
      const auto found = names.find(a_[i].side.name);
      // What differs under this name may stand under another.
      if (found == names.end() || a_[i].digest != b_[found->second].digest) continue;
      used_a_[i] = used_b_[found->second] = true;
      Add(&a_[i], &b_[found->second], {});
    }
  }

  void ByDigest() {
    std::map<IdentityDigest, std::size_t> digests;
    std::map<std::string_view, std::size_t> names;
    for (std::size_t i = 0; i < b_.size(); ++i) {
      if (used_b_[i]) continue;
      digests.emplace(b_[i].digest, i);
      names.emplace(b_[i].side.name, i);
    }
    for (std::size_t i = 0; i < a_.size(); ++i) {
      if (used_a_[i]) continue;
      const auto found = digests.find(a_[i].digest);
      if (found == digests.end() || used_b_[found->second]) continue;
      const DigestedTensor& b = b_[found->second];
      used_a_[i] = used_b_[found->second] = true;
      Add(&a_[i], &b, {fmt::format("called {} in B", b.side.name)});
      tensors_.back().moved = true;
      tensors_.back().state = TensorState::kDifferent;
    }
    for (std::size_t i = 0; i < a_.size(); ++i) {
      if (used_a_[i]) continue;
      const auto found = names.find(a_[i].side.name);
      if (found == names.end() || used_b_[found->second]) continue;
      used_a_[i] = used_b_[found->second] = true;
      Add(&a_[i], &b_[found->second], {});
    }
  }

  // An identity leaves out an output embedding that repeats the input's.
  void TiedOutput(const std::vector<DigestedTensor>& side, std::vector<bool>& used,
                  const std::vector<DigestedTensor>& other, std::string_view where) {
    for (std::size_t i = 0; i < side.size(); ++i) {
      if (used[i] || side[i].side.name != kOutputEmbedding) continue;
      for (const DigestedTensor& input : other) {
        if (input.side.name != kInputEmbedding || input.side.shape != side[i].side.shape) continue;
        used[i] = true;
        const bool side_is_a = &side == &a_;
        Add(side_is_a ? &side[i] : &input, side_is_a ? &input : &side[i],
            {fmt::format("tied to the input embedding in {}", where)});
        tensors_.back().group = side[i].group;
      }
    }
  }

  void Rest() {
    for (std::size_t i = 0; i < a_.size(); ++i) {
      if (!used_a_[i]) Add(&a_[i], nullptr, {});
    }
    for (std::size_t i = 0; i < b_.size(); ++i) {
      if (!used_b_[i]) Add(nullptr, &b_[i], {});
    }
  }

  std::vector<DigestedTensor> a_, b_;
  std::vector<bool> used_a_, used_b_;
  std::vector<TensorDiff> tensors_;
};

}  // namespace

std::vector<DigestedTensor> Digested(const WeightIdentity& identity) {
  std::vector<DigestedTensor> tensors;
  for (const TensorIdentity& tensor : identity.tensors) {
    tensors.push_back({{tensor.name, tensor.stored_name, tensor.dtype, tensor.shape},
                       tensor.group,
                       tensor.digest});
  }
  return tensors;
}

std::vector<DigestedTensor> Digested(const Manifest& manifest) {
  std::vector<DigestedTensor> tensors;
  for (const ManifestTensor& tensor : manifest.tensors) {
    const std::string stored = tensor.places.empty() ? "" : tensor.places.front().stored_name;
    tensors.push_back(
        {{tensor.name, stored, tensor.dtype, tensor.shape}, GroupKey(tensor.name), tensor.digest});
  }
  return tensors;
}

void DiffByDigests(std::vector<DigestedTensor> a, std::vector<DigestedTensor> b,
                   DiffReport* report) {
  report->tensors = DigestAlignment(std::move(a), std::move(b)).Run();
}

}  // namespace hallmark
