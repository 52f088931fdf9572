// Window operators for a library that pads both ends of an axis alike: where a network pads them differently,
// zeros are put around the values, or the result is cut out of a larger one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/correct/window_axes.h"

namespace qcal {

// One axis of the side that is padded: a convolution's input, a transposed convolution's output.
struct EvenAxis {
  std::int64_t extent = 1;   // the caller's
  std::int64_t fitted = 1;   // the library's; shorter where no window reaches the end
  std::int64_t offset = 0;   // the caller's first value in the library's
  std::int64_t padding = 0;  // at both ends, the library's own
  bool operator==(const EvenAxis&) const = default;
};

// Absent where a transposed convolution's output is longer than any input of that convolution could be: an
// output padding of a stride or more.
std::optional<EvenAxis> even_axis(const WindowAxis& axis, bool is_transposed);

// Whether the library takes the values as the caller gives them.
bool is_as_given(const std::vector<EvenAxis>& axes);

// Of [planes, extent...] and [planes, fitted...] in C order; what the other has no value for is 0. At most
// three axes.
void fit(std::span<const float> callers, const std::vector<EvenAxis>& axes, std::span<float> fitted);
void cut_out(std::span<const float> fitted, const std::vector<EvenAxis>& axes, std::span<float> callers);

}  // namespace qcal
