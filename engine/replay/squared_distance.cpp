#include "engine/replay/squared_distance.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace qcal {
namespace {

constexpr std::size_t block = std::size_t{1} << 15;
constexpr std::size_t lanes = 8;  // sums that do not wait for each other

// Of difference(i) over [0, size).
template <class Difference>
double sum_of_squares(std::size_t size, const Difference& difference) {
  std::vector<double> blocks((size + block - 1) / block);
  tbb::parallel_for(std::size_t{0}, blocks.size(), [&](std::size_t number) {
    const std::size_t end = std::min(size, (number + 1) * block);
    std::array<double, lanes> sums{};
    std::size_t i = number * block;
    for (; i + lanes <= end; i += lanes) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const double d = difference(i + lane);
        sums[lane] += d * d;
      }
    }
    for (; i < end; ++i) sums[0] += difference(i) * difference(i);
    blocks[number] = std::accumulate(sums.begin(), sums.end(), 0.0);
  });
  return std::accumulate(blocks.begin(), blocks.end(), 0.0);
}

}  // namespace

double squared_distance(std::span<const float> a, std::span<const float> b) {
  return sum_of_squares(a.size(),
                        [&](std::size_t i) { return static_cast<double>(a[i]) - static_cast<double>(b[i]); });
}

double squared_length(std::span<const float> a) {
  return sum_of_squares(a.size(), [&](std::size_t i) { return static_cast<double>(a[i]); });
}

}  // namespace qcal
