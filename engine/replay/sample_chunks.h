// A recorded batch as runs of whole samples that fit in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "kernels/tensor_parts.h"

namespace qcal {

// Samples that follow each other in a batch, in C order; NaN and infinities are 0.
struct SampleChunk {
  std::span<const float> values;
  std::int64_t samples = 0;
};

// Visits the samples of a batch (its slices along axis 0; a tensor of rank 0 or 1 is one sample) in order, as
// many at a time as fit in `most_values` numbers, and at least one. Memory: one such run.
void for_each_sample_chunk(const TensorParts& batch, std::size_t most_values,
                           const std::function<void(const SampleChunk&)>& visit);

}  // namespace qcal
