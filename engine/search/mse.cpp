#include "engine/search/mse.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "engine/search/histogram_window.h"
#include "kernels/rounding_math.h"
#include "kernels/scale_math.h"

namespace qcal {
namespace {

// Elsewhere the smallest count of a level is 0, or nearly.
bool is_dense(const Histogram& histogram) {
  constexpr std::uint64_t some = 8;
  const auto filled =
      std::ranges::count_if(histogram.counts, [](std::uint64_t count) { return count >= some; });
  return 2 * filled >= histogram.bins();
}

// The smallest of the values from `reach` ahead of each to `reach` behind it.
std::vector<double> smallest_around(std::span<const double> values, std::size_t reach) {
  std::vector<double> smallest(values.size() + 2 * reach, std::numeric_limits<double>::infinity());
  std::ranges::copy(values, smallest.begin() + static_cast<std::ptrdiff_t>(reach));
  // smallest[i] of `width` values from i on, twice as many in each round.
  const std::size_t window = 2 * reach + 1;
  std::size_t width = 1;
  for (; 2 * width <= window; width *= 2) {
    for (std::size_t i = 0; i + width < smallest.size(); ++i)
      smallest[i] = std::min(smallest[i], smallest[i + width]);
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    smallest[i] = std::min(smallest[i], smallest[i + window - width]);
  smallest.resize(values.size());
  return smallest;
}

}  // namespace

SquaredErrorCosts::SquaredErrorCosts(const Histogram& histogram, int levels) : histogram_(&histogram) {
  const int bins = histogram.bins();
  const bool first_is_cut = histogram.low != histogram.origin;
  const bool last_is_cut = histogram.high != histogram.origin + bins * histogram.width;
  first_uniform_ = first_is_cut ? std::min(1, bins) : 0;
  end_uniform_ = last_is_cut ? std::max(first_uniform_, bins - 1) : bins;
  before_.resize(static_cast<std::size_t>(bins) + 1);
  for (std::size_t i = 0; i < static_cast<std::size_t>(bins); ++i) {
    const double count = static_cast<double>(histogram.counts[i]);
    const double position = static_cast<double>(i) + 0.5;
    before_[i + 1].zeroth = before_[i].zeroth + count;
    before_[i + 1].first = before_[i].first + count * position;
    before_[i + 1].second = before_[i].second + count * position * position;
  }
  if (levels == 0 || !is_dense(histogram)) return;
  widest_level_ = bins / levels;
  std::vector<double> counts(histogram.counts.begin(), histogram.counts.end());
  const std::vector<double> scarce = smallest_around(counts, static_cast<std::size_t>(widest_level_));
  scarce_before_.resize(before_.size());
  for (std::size_t i = 0; i < scarce.size(); ++i) scarce_before_[i + 1] = scarce_before_[i] + scarce[i];
}

// A level that holds n bins, n at least k = floor(step), costs at least its smallest count times what n
// places a bin apart cost at best, n (n^2 - 1) / 12. The smallest count is not below what scarce_before_ adds
// up for these bins. The first and the last level may be cut, so they are not counted.
class SquaredErrorCosts::Remainder {
 public:
  Remainder(const SquaredErrorCosts& costs, double step, int clipped) : before_(costs.scarce_before_) {
    if (costs.widest_level_ == 0) return;
    const double whole = std::floor(step);
    if (whole < 2.0 || whole > costs.widest_level_) return;
    const int end = std::min(clipped, costs.end_uniform_ - static_cast<int>(whole) - 1);
    if (end <= costs.first_uniform_) return;
    end_ = before_[static_cast<std::size_t>(end)];
    factor_ = (whole * whole - 1.0) / 12.0;
    // Costs are differences of sums, rounded by less than this.
    rounding_ = costs.before_.back().zeroth * 0x1p-20;
  }

  double from(int begin) const {
    if (factor_ == 0.0) return 0.0;
    return std::max(0.0, factor_ * (end_ - before_[static_cast<std::size_t>(begin)]) - rounding_);
  }

 private:
  const std::vector<double>& before_;
  double end_ = 0.0;
  double factor_ = 0.0;
  double rounding_ = 0.0;
};

double SquaredErrorCosts::bin_cost(int bin, double scale, double lowest, double highest) const {
  const double count = static_cast<double>(histogram_->counts[static_cast<std::size_t>(bin)]);
  const double center = histogram_->center(bin);
  const double difference = center - std::clamp(round_half_even(center / scale), lowest, highest) * scale;
  return count * difference * difference;
}

// Squared distance of the bins between two places from one quantized value, everything in bins from the
// origin.
inline double SquaredErrorCosts::run_cost(const Moments& begin, const Moments& end, double value) {
  const double sum = (end.second - begin.second) - 2.0 * value * (end.first - begin.first) +
                     value * value * (end.zeroth - begin.zeroth);
  return std::max(sum, 0.0);
}

double SquaredErrorCosts::operator()(double scale, std::int64_t zero_point, IntegerRange range,
                                     double limit) const {
  const double lowest = static_cast<double>(range.qmin - zero_point);
  const double highest = static_cast<double>(range.qmax - zero_point);
  const double width = histogram_->width;
  const double step = scale / width;                // one level, in bins
  const double zero = -histogram_->origin / width;  // real 0, in bins from the origin
  double cost = 0.0;
  for (int bin = 0; bin < first_uniform_; ++bin) cost += bin_cost(bin, scale, lowest, highest);
  for (int bin = end_uniform_; bin < histogram_->bins(); ++bin) cost += bin_cost(bin, scale, lowest, highest);

  // The first uniform bin whose center lies above the boundary ahead of `level`.
  const auto bin_above = [&](double boundary) {
    const double place = std::clamp(boundary - 0.5, -1.0, static_cast<double>(end_uniform_));
    const int whole = static_cast<int>(place);
    return static_cast<double>(whole) < place ? whole + 1 : whole;
  };
  // All that the highest level takes. Sums of what is not negative only grow, in floating point too, so no
  // cost is below what this and the levels so far cost.
  const int clipped = std::max(first_uniform_, bin_above(zero + (highest - 0.5) * step));
  const double clipping =
      clipped < end_uniform_ ? run_cost(before(clipped), before(end_uniform_), zero + highest * step) : 0.0;
  // What the runs may cost, in squared bins, with room for the rounding of what is returned.
  const double most = (limit * (1.0 + 0x1p-40) - cost) / (width * width);
  constexpr double too_much = std::numeric_limits<double>::infinity();
  if (clipping > most) return too_much;

  // Level of the first uniform bin, then on from boundary to boundary.
  double runs = 0.0;
  int begin = first_uniform_;
  double level = std::clamp(round_half_even((begin + 0.5 - zero) / step), lowest, highest);
  // Known to be added in the end where every level has its turn.
  const double ahead = step >= 1.0 && level < highest ? clipping : 0.0;
  const Remainder remainder(*this, step, clipped);
  while (begin < end_uniform_) {
    int end = end_uniform_;
    if (level < highest)
      end = bin_above(zero + (level + 0.5) * step);  // centers below it belong to this level
    if (end > begin) {
      runs += run_cost(before(begin), before(end), zero + level * step);
      begin = end;
      if (begin == end_uniform_) break;
      if (runs + (ahead + remainder.from(begin)) > most) return too_much;
      if (step < 1.0) {  // levels finer than bins: most of them are empty
        level =
            std::max(level, std::clamp(round_half_even((begin + 0.5 - zero) / step), lowest, highest) - 1.0);
      }
    }
    level += 1.0;
  }
  return cost + runs * width * width;
}

ClipRange mse_range(const Histogram& histogram, const SearchSettings& settings, const Preset& preset) {
  const SquaredErrorCosts costs(
      histogram, static_cast<int>(std::min<std::int64_t>(quantized_levels(settings), histogram.bins())));
  const Sweep sweep = sweep_for(histogram.bins(), quantized_levels(settings), preset.mse_start,
                                preset.mse_tie, preset, settings.search_start);
  return best_range(histogram, settings, sweep, [&](const Window& window, double limit) {
    const ClipRange clip = range_of_window(histogram, settings, window);
    if (settings.symmetric)
      return costs(symmetric_scale(clip.high, settings.range), 0, settings.range, limit);
    const double scale = asymmetric_scale(clip.low, clip.high, settings.range);
    const std::int64_t zero_point = asymmetric_zero_point(clip.low, scale, settings.range);
    return costs(scale, zero_point, settings.range, limit);
  });
}

double vitis_mse_threshold(const Histogram& histogram, const SearchSettings& settings, const Preset& preset) {
  const int bins = histogram.bins();
  std::vector<float> centers(static_cast<std::size_t>(bins));
  for (std::size_t i = 0; i < centers.size(); ++i) {
    centers[i] = (histogram.edges[i] + histogram.edges[i + 1]) / 2.0f;
  }
  const auto qmin = static_cast<float>(settings.range.qmin);
  const auto qmax = static_cast<float>(settings.range.qmax);
  const auto cost = [&](const Window& window, double) {
    const float threshold = centers[static_cast<std::size_t>(window.end)];
    const float inverse = qmax / threshold;
    double sum = 0.0;
    for (std::size_t i = 0; i < centers.size(); ++i) {
      float value = 0.0f;
      if (threshold > 0x1p-24f) {
        const float steps = round_to_integral<Rounding::half_even>(centers[i] * inverse);
        value = std::clamp(steps, qmin, qmax) / inverse;
      }
      const float difference = value - centers[i];
      sum += static_cast<double>(difference * difference * static_cast<float>(histogram.counts[i]));
    }
    return sum;
  };
  // Unlike edges, the last center has the index bins - 1.
  const Sweep sweep = sweep_for(bins - 1, quantized_levels(settings), preset.mse_start, preset.mse_tie,
                                preset, settings.search_start);
  return centers[static_cast<std::size_t>(best_upper_end(bins - 1, sweep, cost).end)];
}

}  // namespace qcal
