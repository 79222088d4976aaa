#include "cli/exit_code.h"

#include <map>
#include <sstream>

#include "cli/report/json.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

// The rows of the tables of docs/exit-codes.md whose first cell is `first`.
std::vector<std::vector<std::string>> DocumentedRows() {
  std::istringstream in(ReadFixture("../../../docs/exit-codes.md"));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| ")) continue;
    std::vector<std::string> cells;
    std::istringstream parts(line.substr(2));
    for (std::string cell; std::getline(parts, cell, '|');) {
      if (cell.starts_with(' ')) cell.erase(0, 1);
      if (cell.ends_with(' ')) cell.pop_back();
      cells.push_back(cell);
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

TEST(ExitCode, IsWhatThePageSays) {
  std::map<std::string, std::pair<std::string, std::string>> documented;
  for (const auto& row : DocumentedRows()) {
    if (row.size() == 3) documented[row[0]] = {row[1], row[2]};
  }
  documented.erase("code");
  documented.erase("---");

  std::map<std::string, std::pair<std::string, std::string>> ours;
  for (const ExitCodeInfo& info : AllExitCodes()) {
    ours[std::to_string(static_cast<int>(info.code))] = {std::string(info.name),
                                                         std::string(info.meaning)};
  }
  EXPECT_EQ(ours, documented);
}

TEST(ExitCode, OfEveryErrorIsWhatThePageSays) {
  std::map<std::string, std::string> documented;
  for (const auto& row : DocumentedRows()) {
    if (row.size() == 2) documented[row[0]] = row[1];
  }
  for (const Errc code :
       {Errc::kUsage, Errc::kNotFound, Errc::kIo, Errc::kMalformed, Errc::kUnsupported,
        Errc::kUntrusted, Errc::kDangerous, Errc::kInterrupted}) {
    const std::string name(ErrcName(code));
    const int status = static_cast<int>(ExitCodeFor(Error{code, "", ""}));
    EXPECT_EQ(documented[name], std::to_string(status)) << name;
  }
}

// The contract: 7 over 6 over 1 over 4 over 5 over 3 over 0.
TEST(ExitCode, WorseFollowsTheContract) {
  const int order[] = {7, 6, 1, 4, 5, 3, 0};
  for (std::size_t i = 0; i < std::size(order); ++i) {
    for (std::size_t j = i; j < std::size(order); ++j) {
      const auto a = static_cast<ExitCode>(order[i]), b = static_cast<ExitCode>(order[j]);
      EXPECT_EQ(Worse(a, b), a);
      EXPECT_EQ(Worse(b, a), a);
    }
  }
  EXPECT_EQ(Worse(ExitCode::kInterrupted, ExitCode::kDangerous), ExitCode::kInterrupted);
}

}  // namespace
}  // namespace hallmark
