// Collects the differing fields of a comparison: long lists are told by their first differences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "verify/diff/fields/compare_fields.h"

namespace hallmark {

// The two sides, as text for people calls them.
inline constexpr const char* kSideNames[] = {"A", "B"};

// The entries of one list, of which both sides have many: a vocabulary, merges. Lives for one
// comparison; `out` outlives it. Finish() is called once, at the end.
class FieldList {
 public:
  static constexpr std::uint64_t kShown = 10;

  FieldList(FieldComparison& out, std::string area, std::string name)
      : out_(out), area_(std::move(area)), name_(std::move(name)) {}

  void Compared(std::uint64_t entries = 1) { out_.compared += entries; }
  // Whether the next difference is shown: its texts need not be made otherwise.
  bool Shows() const { return differing_ < kShown; }
  // Of an entry that differs; `entry` stands behind the list's name: "17".
  void Add(const std::string& entry, std::string a, std::string b) {
    if (Shows()) out_.differing.push_back({area_, name_ + " " + entry, std::move(a), std::move(b)});
    ++differing_;
  }
  void AddUnshown() { ++differing_; }
  // `size_a` and `size_b` are the lengths of the lists.
  void Finish(std::uint64_t size_a, std::uint64_t size_b) {
    if (differing_ <= kShown) return;
    out_.differing.push_back({area_,
                              name_ + ": " + std::to_string(differing_) +
                                  " entries differ, the first " + std::to_string(kShown) +
                                  " of them shown",
                              std::to_string(size_a), std::to_string(size_b)});
  }
  std::uint64_t Differing() const { return differing_; }

 private:
  FieldComparison& out_;
  std::string area_, name_;
  std::uint64_t differing_ = 0;
};

}  // namespace hallmark
