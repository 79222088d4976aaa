// What `repair` tells, as text and JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "verify/repair/mend.h"
#include "verify/repair/plan_repair.h"

namespace hallmark {

struct RepairReport {
  RepairPlan plan;
  std::optional<MendReport> mended;  // none: only planned
  std::string output;                // of a mended copy; empty: in place
  bool went_on = false;              // an earlier repair was finished first

  // "intact", "repairable", "partly-repairable", "beyond-repair", "repaired", "partly-repaired"
  std::string_view Verdict() const;
  ExitCode Exit() const;
};

std::string RepairText(const RepairReport& report, bool verbose, const Style& style,
                       std::size_t width);
std::string RepairJson(const RepairReport& report);

}  // namespace hallmark
