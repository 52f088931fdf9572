// vai_q_pytorch's power-of-two search: fix_pos = -log2(scale).
#pragma once

#include "engine/search/search_settings.h"
#include "kernels/scale_error.h"

namespace qcal {

// `errors`: costs of the five positions top..top+4 (diffs); null: take the first (maxmin, network inputs).
// The position is limited to 12 up to 8 bits, to 15 above; it has no lower limit.
ScaleChoice vitis_fix_pos_choice(const ValueRange& range, const CandidateErrors* errors,
                                 const SearchSettings& settings);

}  // namespace qcal
