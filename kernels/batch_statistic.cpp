#include "kernels/batch_statistic.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/error.h"
#include "kernels/scale_math.h"

namespace qcal {
namespace {

// NumPy's order of additions: eight running sums up to 128 values, halves (rounded to eights) above.
double pairwise_sum(std::span<const double> values) {
  const std::size_t count = values.size();
  if (count < 8) {
    double sum = 0.0;
    for (const double value : values) sum += value;
    return sum;
  }
  if (count <= 128) {
    double r[8];
    for (std::size_t i = 0; i < 8; ++i) r[i] = values[i];
    std::size_t i = 8;
    for (; i < count - count % 8; i += 8) {
      for (std::size_t j = 0; j < 8; ++j) r[j] += values[i + j];
    }
    double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < count; ++i) sum += values[i];
    return sum;
  }
  std::size_t half = count / 2;
  half -= half % 8;
  return pairwise_sum(values.first(half)) + pairwise_sum(values.subspan(half));
}

double median_of_sorted(std::span<const double> sorted) {
  const std::size_t middle = sorted.size() / 2;
  if (sorted.size() % 2 == 1) return sorted[middle];
  return (sorted[middle - 1] + sorted[middle]) / 2.0;
}

// Which eighth of an octave a magnitude lies in, by comparisons alone; 0 has a bin below all others, negative
// values mirror positive ones.
int octave_bin(double value) {
  constexpr double eighths[] = {0x1.172b83c7d517bp+0, 0x1.306fe0a31b715p+0, 0x1.4bfdad5362a27p+0,
                                0x1.6a09e667f3bcdp+0, 0x1.8ace5422aa0dbp+0, 0x1.ae89f995ad3adp+0,
                                0x1.d5818dcfba487p+0};  // 2^(1/8) ...
  const double magnitude = std::fabs(value);
  if (magnitude == 0.0) return 0;
  const int exponent = binary_exponent(magnitude);
  const double mantissa = magnitude / exact_power_of_two(exponent);
  int bin = (exponent + 1100) * 8;
  for (const double edge : eighths) bin += mantissa >= edge ? 1 : 0;
  return value < 0.0 ? -bin : bin;
}

// Longest run of equal keys in a sorted list; the first (smallest) of equally long ones.
template <class Key>
std::span<const double> fullest_run(std::span<const double> sorted, const Key& key) {
  std::span<const double> best;
  std::size_t begin = 0;
  for (std::size_t end = 1; end <= sorted.size(); ++end) {
    if (end < sorted.size() && key(sorted[end]) == key(sorted[begin])) continue;
    if (end - begin > best.size()) best = sorted.subspan(begin, end - begin);
    begin = end;
  }
  return best;
}

}  // namespace

double batch_statistic(std::span<const double> values, Statistic statistic, ModalRule rule) {
  if (values.empty()) throw InvalidArgument("a statistic over no batches");
  if (statistic == Statistic::max) return *std::max_element(values.begin(), values.end());
  if (statistic == Statistic::mean) return pairwise_sum(values) / static_cast<double>(values.size());
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  if (statistic == Statistic::median) return median_of_sorted(sorted);
  if (rule == ModalRule::exact) return fullest_run(sorted, [](double value) { return value; }).front();
  return median_of_sorted(fullest_run(sorted, octave_bin));
}

}  // namespace qcal
