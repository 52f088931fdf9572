#include "kernels/moments.h"
#include "kernels/ordered_sum_math.h"

namespace qcal {

std::array<double, moment_terms> chunk_moments(std::span<const float> chunk) {
  float sums[ordered_sum_lanes] = {};
  float squares[ordered_sum_lanes] = {};
  std::size_t at = 0;
  for (; at + ordered_sum_lanes <= chunk.size(); at += ordered_sum_lanes) {
    for (std::size_t lane = 0; lane < ordered_sum_lanes; ++lane) {
      add_moments(chunk[at + lane], sums[lane], squares[lane]);
    }
  }
  for (std::size_t lane = 0; at + lane < chunk.size(); ++lane) {
    add_moments(chunk[at + lane], sums[lane], squares[lane]);
  }
  return {add_lanes(sums), add_lanes(squares)};
}

}  // namespace qcal
