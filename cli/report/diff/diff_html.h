// The report of `hallmark diff` as a page for people: verdict, heat map, plots, tables.
#pragma once

#include <string>

#include "verify/diff/diff_report.h"

namespace hallmark {

// One offline HTML file. Deterministic: the same report gives the same bytes.
std::string DiffHtml(const DiffReport& report);

}  // namespace hallmark
