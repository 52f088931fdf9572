#include "engine/search/entropy.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "engine/search/histogram_window.h"
#include "kernels/log_math.h"
#include "kernels/search_logs.h"

namespace qcal {
namespace {

double x_log_x(double x) {
  return x > 0.0 ? x * search_log(x) : 0.0;
}

// What of a divergence is due to `tail` clipped counts that a level with `count` takes in, times the total:
// the divergence of the distributions of levels has that and the share that is kept, and no sum of bins has
// less.
double clipping(double tail, double count) {
  return tail > 0.0 ? (count + tail) * search_log((count + tail) / count) : 0.0;
}

// Above what rounding does to a divergence: 6 roundings of ln(2^64) for each of 2048 bins and as many levels
// make 1.2e-10.
constexpr double rounding = 1e-9;

// Of a window's `size` bins level g holds those k with floor(k * levels / size) = g.
class Levels {
 public:
  Levels(int size, int levels) : size_(size), levels_(levels), used_(std::min(levels, size)) {}

  int used() const { return used_; }
  // Where the first one ends and the last one begins.
  int first() const { return used_ == size_ ? 1 : (size_ + levels_ - 1) / levels_; }
  int last() const {
    if (used_ == size_) return size_ - 1;
    return static_cast<int>((std::int64_t{used_ - 1} * size_ + levels_ - 1) / levels_);
  }

  // visit(from, to) of each, to = ceil((g + 1) * size / levels) without a division.
  template <class Visit>
  void for_each(const Visit& visit) const {
    if (used_ == size_) {
      for (int level = 0; level < used_; ++level) visit(level, level + 1);
      return;
    }
    const int whole = size_ / levels_;
    const int part = size_ % levels_;
    int from = 0;
    int floor = 0;
    int rest = 0;  // g * size = floor * levels + rest
    for (int level = 0; level < used_; ++level) {
      floor += whole;
      rest += part;
      if (rest >= levels_) {
        rest -= levels_;
        ++floor;
      }
      const int to = floor + (rest > 0 ? 1 : 0);
      visit(from, to);
      from = to;
    }
  }

 private:
  int size_;
  int levels_;
  int used_;
};

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
double EntropyCosts::operator()(const Window& window, double limit) {
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
  const Levels levels(window.size(), levels_);
  const double log_kept = search_log(inside) - search_log(total);
  if (limit < std::numeric_limits<double>::infinity() && levels.used() > 1) {
    const double least = log_kept + (clipping(tail_below, kept(window.begin, window.begin + levels.first())) +
                                     clipping(tail_above, kept(window.begin + levels.last(), window.end))) /
                                        total;
    if (least > limit + rounding) return least;
  }
  double sum = plogp_before_[end] - plogp_before_[begin];
  if (window.size() == 1) {
    sum = x_log_x(total);
  } else {
    if (tail_below > 0.0) sum += x_log_x(counts_[begin] + tail_below) - x_log_x(counts_[begin]);
    if (tail_above > 0.0) sum += x_log_x(counts_[end - 1] + tail_above) - x_log_x(counts_[end - 1]);
  }
  level_counts_.clear();
  level_weights_.clear();
  level_bins_.clear();
  levels.for_each([&](int from, int to) {
    const int first = window.begin + from;
    const int last = window.begin + to;
    const double count = kept(first, last);
    if (count == 0.0) return;
    const int nonempty =
        nonempty_before_[static_cast<std::size_t>(last)] - nonempty_before_[static_cast<std::size_t>(first)];
    double weight = count;
    if (first == window.begin) weight += tail_below;
    if (last == window.end) weight += tail_above;
    level_counts_.push_back(count);
    level_weights_.push_back(weight);
    level_bins_.push_back(nonempty);
  });
  level_logs_.resize(level_counts_.size());
  search_logs(level_counts_, level_logs_);
  for (std::size_t i = 0; i < level_counts_.size(); ++i)
    sum -= level_weights_[i] * (level_logs_[i] - log_of_count_[static_cast<std::size_t>(level_bins_[i])]);
  return sum / total + log_kept;
}

ClipRange entropy_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset) {
  const int levels = quantized_levels(settings);
  EntropyCosts costs(histogram, levels, zero_bin(histogram));
  const Sweep sweep = sweep_for(histogram.bins(), levels, preset.entropy_start, preset.entropy_tie, preset,
                                settings.search_start);
  return best_range(histogram, settings, sweep, std::ref(costs));
}

}  // namespace qcal
