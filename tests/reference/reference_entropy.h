// The entropy cost of one window by its definition, O(bins) memory and time, in double and with libm's
// logarithm.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace qcal::testing {

// Counts as the method sees them: the bin of 0 takes the larger of its neighbours' counts.
inline std::vector<double> without_zero_spike(const std::vector<std::uint64_t>& counts,
                                              std::size_t zero_bin) {
  std::vector<double> replaced(counts.begin(), counts.end());
  if (replaced.size() == 1) return replaced;
  const double left = zero_bin > 0 ? replaced[zero_bin - 1] : 0.0;
  const double right = zero_bin + 1 < replaced.size() ? replaced[zero_bin + 1] : 0.0;
  replaced[zero_bin] = std::max(left, right);
  return replaced;
}

// KL divergence in nats of the window [begin, end) of `counts` quantized to `levels` levels.
//
// P: the window's counts, with the counts below it added to its first bin and those above to its last.
// Q: every non-empty bin of the window holds the mean of the non-empty bins of its level; level of bin k of n
// is floor(k * levels / n). Both are normalised. P > 0 where Q = 0 costs infinity; no counts at all, NaN.
inline double reference_entropy(const std::vector<double>& counts, int levels, std::size_t begin,
                                std::size_t end) {
  const std::size_t size = end - begin;
  std::vector<double> p(counts.begin() + static_cast<std::ptrdiff_t>(begin),
                        counts.begin() + static_cast<std::ptrdiff_t>(end));
  std::vector<double> sum_of_level(static_cast<std::size_t>(levels));
  std::vector<double> bins_of_level(static_cast<std::size_t>(levels));
  const auto level_of = [&](std::size_t k) { return k * static_cast<std::size_t>(levels) / size; };
  double kept = 0.0;
  for (std::size_t k = 0; k < size; ++k) {
    kept += p[k];
    if (p[k] == 0.0) continue;
    sum_of_level[level_of(k)] += p[k];
    bins_of_level[level_of(k)] += 1.0;
  }
  if (kept == 0.0) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> q(size);
  for (std::size_t k = 0; k < size; ++k) {
    if (p[k] > 0.0) q[k] = sum_of_level[level_of(k)] / bins_of_level[level_of(k)];
  }
  for (std::size_t k = 0; k < begin; ++k) p.front() += counts[k];
  for (std::size_t k = end; k < counts.size(); ++k) p.back() += counts[k];
  double total_p = 0.0;
  double total_q = 0.0;
  for (std::size_t k = 0; k < size; ++k) {
    total_p += p[k];
    total_q += q[k];
  }
  double divergence = 0.0;
  for (std::size_t k = 0; k < size; ++k) {
    if (p[k] == 0.0) continue;
    if (q[k] == 0.0) return std::numeric_limits<double>::infinity();
    divergence += p[k] / total_p * std::log((p[k] / total_p) / (q[k] / total_q));
  }
  return divergence;
}

}  // namespace qcal::testing
