// The line-based dialects: whatever the text, names stay inside the directory, digests have the
// length of their algorithm, one path is one file, and what is told of the list is bounded.
#include <algorithm>

#include "tests/fuzz/source_properties.h"
#include "verify/sources/lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text = FuzzText(data, size);
  for (const char* name : {"list.txt", "checklist.chk", "model.bin.b3", "files.sfv", "B2SUMS"}) {
    const auto source = ParseSource(text, name);
    CheckSource(source, name);
    const bool by_lines = source && !source->files.empty() && source->files.front().line > 0;
    HM_CHECK(!by_lines || source->findings.size() <= 110);
  }
  // A line is counted once: as a checksum line, as a problem, or as nothing.
  const ListText list = ReadLines(text, "list.txt");
  std::uint64_t last = 0;
  for (const ListLine& line : list.lines) {
    HM_CHECK(line.number > last);
    HM_CHECK(line.shape == LineShape::kLone || !line.name.empty());
    last = line.number;
  }
  for (const LineProblem& problem : list.problems) {
    HM_CHECK(std::none_of(list.lines.begin(), list.lines.end(),
                          [&](const ListLine& line) { return line.number == problem.number; }));
  }
  HM_CHECK(FirstShape(text, "list.txt").has_value() == !list.lines.empty());
  return 0;
}
