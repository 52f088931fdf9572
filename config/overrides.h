// Laying what a block sets over what was there before.
#pragma once

#include "config/settings.h"

namespace qcal {

// True where no setting is present.
bool empty(const TensorOverrides& overrides);

// Replaces each setting that `overrides` has.
//
// Compatibility::vitis: a block of a tensor whose method is then percentile and that does not say the
// percentage resets it to 99.99, as vai_q_pytorch does; otherwise it is inherited like any other setting.
void lay_over(const TensorOverrides& overrides, Compatibility compatibility, TensorSettings& settings);

// Lays an entry's blocks over `settings` of `role`, whether or not its quantizable_data_type lists the role.
void lay_over(const LayerEntry& entry, Role role, Compatibility compatibility, TensorSettings& settings);

}  // namespace qcal
