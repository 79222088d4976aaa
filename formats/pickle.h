// Python's pickle format, protocols 0 to 5, interpreted without doing anything it asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/pickle_graph.h"
#include "src/base/byte_cursor.h"
#include "src/base/error.h"
#include "src/base/finding.h"

namespace hallmark {

// The most bytes of one pickle that those read who take it from an archive, all of it in memory. A
// deflated one can be far larger than its file, and its values larger again.
inline constexpr std::uint64_t kMaxPickle = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kMaxDeflatedPickle = std::uint64_t{32} << 20;

// One stream, read up to its STOP or to the first fault.
struct PickleReading {
  PickleGraph graph;
  PickleRef root = 0;          // of a stream without fault
  unsigned protocol = 0;       // the highest it declares
  std::optional<Error> fault;  // where and why reading stopped before STOP
  // kDanger "pickle-call": loading this stream elsewhere calls, or plants where it will be called,
  // something with effects. kWarning "unknown-global", "effectful-reference" (named, never called).
  std::vector<Finding> findings;
};

// Interprets the stream that starts at the cursor, on a fresh stack and memo, and leaves the cursor
// behind its STOP. Python's own rules hold (pickle.py, _pickle.c of 3.13), and where they are loose
// these are strict: no frame may cut an opcode, nothing may be left on the stack, marks and memo
// entries must exist. Time and memory grow with the bytes read only.
PickleReading InterpretPickle(ByteCursor& cursor);

// As above for those who want the value: kDangerous (the first danger, named with its offset)
// before kMalformed, kUnsupported.
Result<PickleReading> ReadPickle(ByteCursor& cursor);

}  // namespace hallmark
