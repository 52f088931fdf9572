// Part of a sorted list.
#pragma once

#include <cstdint>

namespace qcal {

struct ValueRun {
  std::int64_t begin = 0;
  std::int64_t length = 0;
};

}  // namespace qcal
