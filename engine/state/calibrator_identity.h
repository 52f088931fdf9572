// What a calibrator's state must agree on with the calibrator that takes it.
#pragma once

#include <string>

#include "engine/collect/tensor_spec.h"
#include "engine/state/bytes.h"
#include "engine/state/sealed.h"

namespace qcal {

// Version of qcal, whose next one may give other bits; configuration; policy for NaN and infinities.
Identity calibrator_identity(const Configuration& configuration, NonFinite non_finite);

// Sixteen hexadecimal digits that differ between tensors that are calibrated differently.
std::string settings_fingerprint(const TensorSettings& settings, const TensorContext& context);

void write_identity(ByteWriter& to, const Identity& identity);
Identity read_identity(ByteReader& from);

}  // namespace qcal
