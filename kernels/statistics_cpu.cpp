#include "kernels/statistics.h"

namespace qcal {
namespace {

constexpr int lanes = 16;

ValueRange range_of_finite_only(std::span<const float> values) {
  ValueRange range;
  for (const float x : values) {
    if (!is_finite(x)) {
      ++range.non_finite;
      continue;
    }
    range.min = x < range.min ? x : range.min;
    range.max = x > range.max ? x : range.max;
  }
  return range;
}

}  // namespace

ValueRange range_of(std::span<const float> values) {
  // Independent lanes, because a float minimum is no reduction that a compiler may reorder on its own.
  float low[lanes];
  float high[lanes];
  float suspect[lanes] = {};  // x - x: 0, or NaN once a value is not finite
  for (int lane = 0; lane < lanes; ++lane) {
    low[lane] = std::numeric_limits<float>::infinity();
    high[lane] = -std::numeric_limits<float>::infinity();
  }
  const std::size_t whole = values.size() - values.size() % lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (int lane = 0; lane < lanes; ++lane) {
      const float x = values[i + static_cast<std::size_t>(lane)];
      low[lane] = x < low[lane] ? x : low[lane];
      high[lane] = x > high[lane] ? x : high[lane];
      suspect[lane] += x - x;
    }
  }
  bool all_finite = true;
  for (const float lane : suspect) all_finite = all_finite && lane == 0.0f;

  ValueRange range;
  if (all_finite) {
    range = range_of_finite_only(values.subspan(whole));
    for (int lane = 0; lane < lanes; ++lane) {
      range.min = low[lane] < range.min ? low[lane] : range.min;
      range.max = high[lane] > range.max ? high[lane] : range.max;
    }
  } else {
    range = range_of_finite_only(values);
  }
  range.elements = values.size();
  range.min += 0.0f;
  range.max += 0.0f;
  return range;
}

}  // namespace qcal
