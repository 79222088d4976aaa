// Digests of tensors: element type found optimistically, tree hashed in pieces by several threads.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "src/base/checked.h"
#include "src/base/page_buffer.h"
#include "src/hash/hasher.h"
#include "src/hash/tree.h"
#include "src/kernels/narrow.h"
#include "weights/identity.h"

namespace hallmark {
namespace {

// docs/identity.md, 1.6: the first that holds every element.
constexpr Dtype kCandidates[] = {Dtype::kBf16, Dtype::kF16, Dtype::kF32, Dtype::kF64};

constexpr std::uint64_t kPiece = 512 * 1024;  // bytes read at once: two fit into a core's cache

// One tensor on its way. Spans of 4 MiB of canonical bytes are hashed independently.
struct Progress {
  const TensorToDigest* tensor = nullptr;
  std::uint64_t elements = 0;  // of `unit` bytes each
  std::uint64_t stored_unit = 1, canonical_unit = 1;
  Dtype canonical;
  std::vector<TreeNode> sub_roots;  // of spans; a single span's is the root
  // Candidates up to this index (exclusive) are known not to fit.
  std::atomic<std::size_t> refused = 0;
  std::uint64_t reported = 0;  // bytes of progress told in earlier rounds
  std::atomic<std::uint64_t> done = 0;

  std::uint64_t SpanElements() const { return kSubRootSpan / canonical_unit; }
  std::uint64_t Spans() const {
    return elements / SpanElements() + (elements % SpanElements() != 0);
  }
};

// Reused by whichever thread needs one.
struct Buffers {
  PageBuffer stored = MakePageBuffer(kPiece);
  PageBuffer canonical = MakePageBuffer(kPiece);
  std::vector<TreeNode> leaves = std::vector<TreeNode>(kSubRootSpan / kTreeBlock);
};

class BufferPool {
 public:
  std::unique_ptr<Buffers> Take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<Buffers>();
    auto buffers = std::move(free_.back());
    free_.pop_back();
    return buffers;
  }
  void Return(std::unique_ptr<Buffers> buffers) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(buffers));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Buffers>> free_;
};

class Digester {
 public:
  Digester(std::span<const TensorToDigest> tensors, const Task& task, std::size_t* failed)
      : tensors_(tensors), progress_(tensors.size()), task_(task), failed_(failed) {}

  Result<std::vector<TensorDigest>> Run() {
    std::vector<std::size_t> waiting;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      auto prepared = Prepare(i);
      if (!prepared) return Failed(i, std::move(prepared).error());
      waiting.push_back(i);
    }
    // A tensor whose assumed type proves too small goes into the next round with a larger one.
    while (!waiting.empty()) {
      HM_TRY(Round(waiting));
      std::erase_if(waiting, [&](std::size_t i) { return !Widen(&progress_[i]); });
    }
    std::vector<TensorDigest> digests;
    for (const Progress& progress : progress_) digests.push_back(Finish(progress));
    return digests;
  }

 private:
  Error Failed(std::size_t index, Error error) {
    const std::lock_guard lock(mutex_);
    if (failed_ != nullptr) *failed_ = index;
    return error;
  }

  Result<void> Prepare(std::size_t index) {
    const TensorToDigest& tensor = tensors_[index];
    Progress& progress = progress_[index];
    const std::uint64_t size = HM_TRY(PayloadBytes(tensor.dtype, tensor.shape));
    if (tensor.bytes->Size() != size) {
      return Error{Errc::kMalformed, "",
                   fmt::format("got {} bytes, {} {} takes {}", tensor.bytes->Size(),
                               DtypeName(tensor.dtype), ShapeText(tensor.shape), size)};
    }
    progress.tensor = &tensor;
    progress.canonical = tensor.dtype;
    progress.elements = size;
    if (IsFloatFamily(tensor.dtype)) {
      progress.stored_unit = InfoOf(tensor.dtype).block_bytes;
      progress.elements = size / progress.stored_unit;
      const std::size_t candidate = HM_TRY(FirstThatFits(tensor, size));
      progress.refused = candidate;
      Assume(&progress, candidate);
    }
    progress.sub_roots.resize(progress.Spans());
    return {};
  }

  // The first candidate that holds the first elements of a large tensor: what they refuse need not
  // be tried on all of it.
  static Result<std::size_t> FirstThatFits(const TensorToDigest& tensor, std::uint64_t size) {
    constexpr std::size_t kProbe = 4096;  // bytes
    if (size < kPiece) return std::size_t{0};
    alignas(8) std::byte stored[kProbe], cast[kProbe / sizeof(std::uint16_t) * sizeof(double)];
    HM_TRY(tensor.bytes->Read(0, stored));
    for (std::size_t i = 0;; ++i) {
      const std::size_t elements = kProbe / InfoOf(tensor.dtype).block_bytes;
      const MutableByteSpan out(cast, elements * InfoOf(kCandidates[i]).block_bytes);
      if (kCandidates[i] == tensor.dtype ||
          CastExactly(tensor.dtype, kCandidates[i], stored, out)) {
        return i;
      }
    }
  }

  static void Assume(Progress* progress, std::size_t candidate) {
    progress->canonical = kCandidates[candidate];
    progress->canonical_unit = InfoOf(progress->canonical).block_bytes;
  }

  // Takes the next type for a tensor that did not fit; false if it did.
  static bool Widen(Progress* progress) {
    const std::size_t refused = progress->refused;
    if (!IsFloatFamily(progress->tensor->dtype) || kCandidates[refused] == progress->canonical) {
      return false;
    }
    Assume(progress, refused);
    progress->sub_roots.assign(progress->Spans(), {});
    progress->reported = std::max(progress->reported, progress->done.exchange(0));
    return true;
  }

  // Hashes all spans of the tensors in `waiting`, in order, so that files are read front to back.
  Result<void> Round(const std::vector<std::size_t>& waiting) {
    std::vector<std::uint64_t> first_item(waiting.size() + 1, 0);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      const Progress& progress = progress_[waiting[i]];
      const std::uint64_t items = progress.tensor->random_access
                                      ? progress.Spans()
                                      : std::min<std::uint64_t>(1, progress.Spans());
      first_item[i + 1] = first_item[i] + items;
    }
    return ParallelFor(task_, first_item.back(), [&](std::uint64_t item) -> Result<void> {
      const auto after = std::ranges::upper_bound(first_item, item);
      const auto i = static_cast<std::size_t>(after - first_item.begin()) - 1;
      Progress& progress = progress_[waiting[i]];
      auto buffers = pool_.Take();
      const std::uint64_t span = item - first_item[i];
      const std::uint64_t end = progress.tensor->random_access ? span + 1 : progress.Spans();
      for (std::uint64_t s = span; s < end; ++s) {
        auto hashed = HashSpan(&progress, s, buffers.get());
        if (!hashed) return Failed(waiting[i], std::move(hashed).error());
      }
      pool_.Return(std::move(buffers));
      return {};
    });
  }

  static bool Obsolete(const Progress& progress) {
    return IsFloatFamily(progress.tensor->dtype) &&
           kCandidates[progress.refused.load(std::memory_order_relaxed)] != progress.canonical;
  }

  Result<void> HashSpan(Progress* progress, std::uint64_t span, Buffers* buffers) {
    const std::uint64_t begin = span * progress->SpanElements();
    const std::uint64_t count = std::min(progress->SpanElements(), progress->elements - begin);
    // A piece is as many whole leaves of canonical bytes as its stored bytes allow.
    const std::uint64_t piece = kPiece / std::max(progress->stored_unit, progress->canonical_unit);
    std::size_t leaf = 0;
    for (std::uint64_t done = 0; done < count;) {
      if (Obsolete(*progress)) return {};
      HM_TRY(task_.CheckStopped());
      const std::uint64_t n = std::min(piece, count - done);
      const MutableByteSpan stored(buffers->stored.get(), n * progress->stored_unit);
      HM_TRY(progress->tensor->bytes->Read((begin + done) * progress->stored_unit, stored));
      const auto canonical = Canonical(progress, stored, n, buffers);
      if (!canonical) return {};
      const std::uint64_t leaves = CountLeaves(canonical->size());
      HashLeaves(*canonical, std::span(buffers->leaves).subspan(leaf, leaves));
      leaf += leaves;
      done += n;
      Report(progress, stored.size());
    }
    const auto leaves = std::span<const TreeNode>(buffers->leaves).first(leaf);
    progress->sub_roots[span] = progress->sub_roots.size() == 1
                                    ? TreeRoot(leaves, 0)
                                    : SubtreeRoot(leaves, 0, kSubRootHeight);
    return {};
  }

  // The canonical bytes of `n` elements; nullopt if they need a wider type, which is then noted.
  static std::optional<ByteSpan> Canonical(Progress* progress, MutableByteSpan stored,
                                           std::uint64_t n, Buffers* buffers) {
    const Dtype from = progress->tensor->dtype;
    if (from == Dtype::kBool) {
      for (std::byte& value : stored) value = static_cast<std::byte>(value != std::byte{0});
    }
    if (from == progress->canonical) return stored;
    const auto cast = [&](Dtype to) {
      const MutableByteSpan out(buffers->canonical.get(), n * InfoOf(to).block_bytes);
      return CastExactly(from, to, stored, out) ? std::optional<ByteSpan>(out) : std::nullopt;
    };
    if (auto fitting = cast(progress->canonical)) return fitting;
    std::size_t next = 0;
    while (kCandidates[next] != progress->canonical) ++next;
    do {
      ++next;
    } while (kCandidates[next] != from && !cast(kCandidates[next]));
    std::size_t known = progress->refused;
    while (known < next && !progress->refused.compare_exchange_weak(known, next)) {
    }
    return std::nullopt;
  }

  void Report(Progress* progress, std::uint64_t bytes) {
    const std::uint64_t before = progress->done.fetch_add(bytes);
    const std::uint64_t told = std::min(progress->reported, before + bytes);
    task_.Advance(before + bytes - std::max(before, told));
  }

  static TensorDigest Finish(const Progress& progress) {
    TreeNode root{};
    if (progress.sub_roots.size() == 1) root = progress.sub_roots[0];
    if (progress.sub_roots.size() > 1) root = TreeRoot(progress.sub_roots, kSubRootHeight);

    std::string dims;
    for (const std::uint64_t dimension : progress.tensor->shape) {
      if (dimension != 1) dims += fmt::format("{}{}", dims.empty() ? "" : "x", dimension);
    }
    const auto hasher = MakeHasher(Algorithm::kSha256);
    hasher->Update(
        AsBytes(fmt::format("hallmark tensor 1\n{}\n{}\n", DtypeName(progress.canonical), dims)));
    hasher->Update(root);
    TensorDigest digest{progress.canonical, {}};
    std::ranges::copy(hasher->Finish().Bytes(), digest.digest.begin());
    return digest;
  }

  std::span<const TensorToDigest> tensors_;
  std::vector<Progress> progress_;
  const Task& task_;
  std::size_t* failed_;
  std::mutex mutex_;
  BufferPool pool_;
};

}  // namespace

Result<std::vector<TensorDigest>> DigestTensors(std::span<const TensorToDigest> tensors,
                                                const Task& task, std::size_t* failed) {
  return Digester(tensors, task, failed).Run();
}

Result<TensorDigest> DigestTensor(const BlockSource& bytes, Dtype dtype, const Shape& shape,
                                  const Task& task) {
  const TensorToDigest tensor{&bytes, dtype, shape};
  const auto digests = HM_TRY(DigestTensors({&tensor, 1}, task, nullptr));
  return digests.front();
}

}  // namespace hallmark
