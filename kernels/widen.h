// Runs of stored elements as float32.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qcal {

// The values of half_math.h's functions; NaN stays NaN, of any payload. `from` is aligned to its elements.
void widen_float16(const std::uint16_t* from, std::size_t count, float* to);
void widen_bfloat16(const std::uint16_t* from, std::size_t count, float* to);
// To the nearest float32.
void narrow_float64(const double* from, std::size_t count, float* to);

}  // namespace qcal
