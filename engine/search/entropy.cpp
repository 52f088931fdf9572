#include "engine/search/entropy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/search/histogram_window.h"
#include "kernels/log_math.h"
#include "kernels/search_logs.h"

namespace qcal {
namespace {

double x_log_x(double x) {
  return x > 0.0 ? x * search_log(x) : 0.0;
}

}  // namespace

EntropyCosts::EntropyCosts(const Histogram& histogram, int levels, int zero_bin) : levels_(levels) {
  const auto bins = histogram.counts.size();
  counts_.assign(histogram.counts.begin(), histogram.counts.end());
  const auto zero = static_cast<std::size_t>(std::clamp(zero_bin, 0, histogram.bins() - 1));
  const double above = zero + 1 < bins ? counts_[zero + 1] : 0.0;
  if (bins > 1) counts_[zero] = zero > 0 ? std::max(counts_[zero - 1], above) : above;

  counts_before_.assign(bins + 1, 0.0);
  plogp_before_.assign(bins + 1, 0.0);
  nonempty_before_.assign(bins + 1, 0);
  log_of_count_.assign(bins + 1, 0.0);
  for (std::size_t i = 0; i < bins; ++i) {
    counts_before_[i + 1] = counts_before_[i] + counts_[i];
    plogp_before_[i + 1] = plogp_before_[i] + x_log_x(counts_[i]);
    nonempty_before_[i + 1] = nonempty_before_[i] + (counts_[i] > 0.0 ? 1 : 0);
    log_of_count_[i + 1] = search_log(static_cast<double>(i + 1));
  }
}

// With P the clipped and Q the quantized distribution: sum P ln(P/Q)
//   = (sum p ln p - sum over levels of (level's p) ln(level's mean count)) / total + ln(kept / total).
double EntropyCosts::operator()(const Window& window) {
  const auto begin = static_cast<std::size_t>(window.begin);
  const auto end = static_cast<std::size_t>(window.end);
  const double total = counts_before_.back();
  const double inside = kept(window.begin, window.end);
  const double tail_below = counts_before_[begin];
  const double tail_above = total - counts_before_[end];
  if (inside == 0.0) return std::numeric_limits<double>::quiet_NaN();
  if ((tail_below > 0.0 && counts_[begin] == 0.0) || (tail_above > 0.0 && counts_[end - 1] == 0.0)) {
    return std::numeric_limits<double>::infinity();
  }
  double sum = plogp_before_[end] - plogp_before_[begin];
  if (window.size() == 1) {
    sum = x_log_x(total);
  } else {
    if (tail_below > 0.0) sum += x_log_x(counts_[begin] + tail_below) - x_log_x(counts_[begin]);
    if (tail_above > 0.0) sum += x_log_x(counts_[end - 1] + tail_above) - x_log_x(counts_[end - 1]);
  }
  // Level g holds the bins k of the window with floor(k * levels / size) = g.
  const std::int64_t size = window.size();
  const std::int64_t used_levels = std::min<std::int64_t>(levels_, size);
  std::int64_t from = 0;
  level_counts_.clear();
  level_weights_.clear();
  level_bins_.clear();
  for (std::int64_t level = 0; from < size; ++level) {
    std::int64_t to = levels_ > size ? from + 1 : ((level + 1) * size + levels_ - 1) / levels_;
    if (level + 1 == used_levels) to = size;
    const int first = window.begin + static_cast<int>(from);
    const int last = window.begin + static_cast<int>(to);
    from = to;
    const double count = kept(first, last);
    if (count == 0.0) continue;
    const int nonempty =
        nonempty_before_[static_cast<std::size_t>(last)] - nonempty_before_[static_cast<std::size_t>(first)];
    double weight = count;
    if (first == window.begin) weight += tail_below;
    if (last == window.end) weight += tail_above;
    level_counts_.push_back(count);
    level_weights_.push_back(weight);
    level_bins_.push_back(nonempty);
  }
  level_logs_.resize(level_counts_.size());
  search_logs(level_counts_, level_logs_);
  for (std::size_t i = 0; i < level_counts_.size(); ++i)
    sum -= level_weights_[i] * (level_logs_[i] - log_of_count_[static_cast<std::size_t>(level_bins_[i])]);
  return sum / total + (search_log(inside) - search_log(total));
}

ClipRange entropy_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset) {
  const int levels = quantized_levels(settings);
  EntropyCosts costs(histogram, levels, zero_bin(histogram));
  const Sweep sweep = sweep_for(histogram.bins(), levels, preset.entropy_start, preset.entropy_tie, preset,
                                settings.search_start);
  return best_range(histogram, settings, sweep, [&](const Window& window, double) { return costs(window); });
}

}  // namespace qcal
