// How far apart two results of a layer are.
#pragma once

#include <span>

namespace qcal {

// Sum of (a[i] - b[i])^2 in double, or of a[i]^2. By all threads of the caller's oneTBB arena, in an order
// that does not depend on how many there are. `a` and `b` are of one size.
double squared_distance(std::span<const float> a, std::span<const float> b);
double squared_length(std::span<const float> a);

}  // namespace qcal
