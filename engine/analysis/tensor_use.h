// What a quantizer makes of the values that it meets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/dumps/dump_source.h"
#include "engine/export/quantization_parameters.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

struct TensorUse {
  std::string tensor;
  std::string layer;
  Role role = Role::activation;
  int bit_width = 8;
  bool is_signed = true;
  std::uint64_t values = 0;  // looked at
  double levels_used = 0.0;  // share of the integers that it has that occur, over all channels
  double clipped = 0.0;      // share of the values more than half a step beyond the range
  double lowest = 0.0;       // value; with `highest` of those that are finite
  double highest = 0.0;
  // How many times larger the largest scale of a batch is than the smallest; where the calibration noted
  // none a batch (accumulated scope), the same of the largest magnitudes. Absent for parameters, and where
  // a batch is all zero.
  std::optional<double> spread{};
};

// Of `parameters`, with scales and at most 16 bits, of the tensor `planned`. A parameter's values are the
// plan's; others' those of at most `most_batches` recorded batches, evenly spread (0: all). Absent where
// nothing was recorded. Cost: one pass over the values.
std::optional<TensorUse> tensor_use(const TensorParameters& parameters, const PlannedTensor& planned,
                                    const DumpSource& dumps, std::size_t most_batches,
                                    Compatibility compatibility);

}  // namespace qcal
