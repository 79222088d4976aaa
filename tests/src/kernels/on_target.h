// Tests that run on every set of vector instructions this machine has, one after the other.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hallmark {

// Derive a suite from it for each subject, and instantiate that with ValuesIn(Targets()).
class OnTarget : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

inline std::vector<std::int64_t> Targets() {
  std::vector<std::int64_t> targets;
  std::int64_t left = hwy::SupportedTargets();
  for (; left != 0; left &= left - 1) targets.push_back(left & -left);
  return targets;
}

inline std::string TargetName(const testing::TestParamInfo<std::int64_t>& target) {
  return hwy::TargetName(target.param);
}

}  // namespace hallmark
