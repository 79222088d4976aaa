// Finds, among the bytes that several have of a span, those that have its digest.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "src/base/task.h"
#include "verify/repair/checked_span.h"
#include "verify/repair/offer.h"

namespace hallmark {

// What is offered of one official file; the first offer is the file as it is here (it covers
// nothing if there is none), the others come in the order in which they are to be tried.
using Offers = std::vector<Offer>;

// Bytes to be put into a file, as `offer` has them.
struct ChosenBytes {
  std::size_t file = 0;
  ByteRange range;
  std::size_t offer = 0;  // index into that file's offers
};

// What is to be put in so that the span has its digest: nothing if it has it already. nullopt:
// no choice that was tried gives it, or nobody has all of its bytes. Tries the file as it is
// (unless `is_wrong` says that this is in vain), then each offer by itself, then mixtures: where
// offers differ, what most of them have is tried first, until 32 times the span (of small
// spans: 2 GiB), or what is left in `pool`, was hashed. `pool`, bytes for the mixtures of several
// spans, may be null. A span may be as long as a file; memory is a few MiB. An offer that cannot be
// read offers nothing there. Errors: kInterrupted.
Result<std::optional<std::vector<ChosenBytes>>> SolveSpan(
    const CheckedSpan& span, std::span<const Offers> offers, bool is_wrong, const Task& task,
    std::atomic<std::uint64_t>* pool = nullptr);

// Whether the span has its digest in the first offers. False too where they can't be read.
Result<bool> HasDigest(const CheckedSpan& span, std::span<const Offers> offers, const Task& task);

}  // namespace hallmark
