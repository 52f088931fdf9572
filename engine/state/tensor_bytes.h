// The state of one tensor as bytes (README.md says how), and back.
#pragma once

#include "engine/collect/tensor_spec.h"
#include "engine/collect/tensor_state.h"
#include "engine/export/quantization_parameters.h"
#include "engine/state/bytes.h"

namespace qcal {

void write_indices(ByteWriter& to, const IndexSet& indices);
IndexSet read_indices(ByteReader& from);

// Before the search has ended. The spec says what is there, so both sides must have the same.
void write_state(ByteWriter& to, const TensorState& state, const TensorSpec& spec);
// Throws InputError for what no calibration of that spec could have written and a search might stumble over.
TensorState read_state(ByteReader& from, const TensorSpec& spec);

// Afterwards: what the search put into `parameters`. Reading leaves the rest as it was planned.
void write_found(ByteWriter& to, const TensorParameters& parameters);
TensorParameters read_found(ByteReader& from, TensorParameters planned);

}  // namespace qcal
