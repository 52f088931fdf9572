#include "engine/search/fix_pos.h"

#include <algorithm>

#include "kernels/scale_math.h"

namespace qcal {

ScaleChoice vitis_fix_pos_choice(const ValueRange& range, const CandidateErrors* errors,
                                 const SearchSettings& settings) {
  int fix_pos = vitis_top_fix_pos(range.min, range.max, settings.bit_width);
  if (errors != nullptr) {
    fix_pos += static_cast<int>(std::min_element(errors->begin(), errors->end()) - errors->begin());
  }
  fix_pos = std::min(fix_pos, settings.bit_width <= 8 ? 12 : 15);
  const double scale = exact_power_of_two(-fix_pos);
  return {scale, 0, scale * static_cast<double>(settings.range.qmax)};
}

}  // namespace qcal
