// Every instruction set of this machine that the kernels were compiled for.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

namespace qcal::testing {

// Calls work() once for each.
template <class Work>
void for_each_target(const Work& work) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    work();
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace qcal::testing
