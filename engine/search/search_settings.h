// What the search is asked to do for one tensor or channel, free of configuration text and device rules.
#pragma once

#include <cstdint>
#include <optional>

#include "config/settings.h"
#include "kernels/integer_range.h"
#include "kernels/rounding.h"

namespace qcal {

struct SearchSettings {
  int bit_width = 8;
  IntegerRange range;
  bool is_signed = true;  // of the integers
  bool symmetric = true;
  Method method = Method::maxmin;
  Rounding rounding = Rounding::half_even;
  ScaleType scale_type = ScaleType::float_scale;
  double percentage = 99.99;
  double headroom = 0.0;  // share by which a range is widened; of float scales
  SearchStart search_start;
  bool per_channel = false;         // some of vai_q_pytorch's arithmetic differs there
  bool over_fix_positions = false;  // its DPU driver takes the statistic over fix positions, not over scales
};

// Parameters of one tensor or channel. real = scale * (q - zero_point).
struct ScaleChoice {
  double scale = 0.0;
  std::int64_t zero_point = 0;
  double amax = 0.0;  // largest magnitude that is represented without clipping (vai_q_pytorch: its float_max)
  // Asymmetric: the range that the choice is made for, 0 included. What the integers reach differs, by a
  // rounded zero point and the slack of a power of two. Rounded toward 0, so that it never takes a larger
  // power of two to cover it; float32 keeps a batch's record small.
  float low = 0.0f;
  float high = 0.0f;
  bool operator==(const ScaleChoice&) const = default;
};

}  // namespace qcal
