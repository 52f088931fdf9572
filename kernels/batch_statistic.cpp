#include "kernels/batch_statistic.h"

#include <algorithm>
#include <vector>

#include "kernels/batch_statistic_math.h"
#include "kernels/error.h"

namespace qcal {
namespace {

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

double median(std::span<const double> sorted) {
  return median_of_sorted(sorted.data(), static_cast<std::int64_t>(sorted.size()));
}

}  // namespace

double batch_statistic(std::span<const double> values, Statistic statistic, ModalRule rule) {
  if (values.empty()) throw InvalidArgument("a statistic over no batches");
  if (statistic == Statistic::max) return *std::max_element(values.begin(), values.end());
  if (statistic == Statistic::mean) {
    const auto count = static_cast<std::int64_t>(values.size());
    return pairwise_sum(values.data(), count) / static_cast<double>(count);
  }
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  if (statistic == Statistic::median) return median(sorted);
  if (rule == ModalRule::exact) return fullest_run(sorted, [](double value) { return value; }).front();
  return median(fullest_run(sorted, octave_bin));
}

}  // namespace qcal
