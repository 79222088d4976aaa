// Reports of parts that somebody hands to merge-reports: what is accepted can be merged, written
// and read again, to the same report.
#include "cli/report/merge.h"
#include "cli/report/verify_report.h"
#include "tests/fuzz/source_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  auto part = ReadPartReport(FuzzText(data, size), "fuzz");
  if (!part) {
    HM_CHECK(!part.error().message.empty());
    return 0;
  }
  std::vector<PartReport> parts;
  parts.push_back(*std::move(part));
  if (!CheckParts(parts)) return 0;  // not the one part of one
  if (parts.front().verb != "verify") {
    (void)MergeLists(parts);
    return 0;
  }
  auto merged = MergeVerify(parts);
  if (!merged) return 0;
  // As a part again: its stamp is what merging takes away.
  merged->part = parts.front().stamp;
  const std::string text = VerifyJson(*merged, VerifyExit(*merged));
  auto again = ReadPartReport(text, "again");
  HM_CHECK(again.has_value());
  const auto report = ReadVerifyReport(*again);
  HM_CHECK(report.has_value());
  HM_CHECK(report->files.size() == merged->files.size());
  return 0;
}
