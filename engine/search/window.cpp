#include "engine/search/window.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qcal {
namespace {

class Best {
 public:
  explicit Best(const Sweep& sweep) : sweep_(sweep) {}

  void offer(int candidate, double cost) {
    if (sweep_.nan_wins && std::isnan(cost)) cost = -std::numeric_limits<double>::infinity();
    if (std::isnan(cost)) cost = std::numeric_limits<double>::infinity();
    const bool wins = cost < cost_ || (sweep_.tie == Tie::last && cost == cost_);
    if (found_ && !wins) return;
    end_ = candidate;
    cost_ = cost;
    found_ = true;
  }
  int end_or(int fallback) const { return found_ ? end_ : fallback; }

 private:
  const Sweep& sweep_;
  int end_ = 0;
  double cost_ = 0.0;
  bool found_ = false;
};

}  // namespace

Sweep sweep_for(int bins, int levels, const StartRule& rule, Tie tie, const Preset& preset,
                const SearchStart& requested) {
  int start = std::max(static_cast<int>(std::ceil(rule.share_of_bins * bins)), rule.bins);
  if (rule.at_least_levels) start = std::max(start, levels);
  if (requested.kind == SearchStart::Kind::levels) start = levels;
  if (requested.kind == SearchStart::Kind::bins) start = requested.bins;
  return {std::clamp(start, 1, bins), preset.stride, tie, preset.nan_wins};
}

Window best_upper_end(int bins, const Sweep& sweep, const WindowCost& cost) {
  Best best(sweep);
  for (int end = sweep.start; end <= bins; end += sweep.stride) best.offer(end, cost({0, end}));
  return {0, best.end_or(bins)};
}

Window best_window(int bins, int zero_bin, const Sweep& sweep, const WindowCost& cost) {
  constexpr int most_rounds = 4;
  const int zero = std::clamp(zero_bin, 0, bins - 1);
  Window window{0, bins};
  for (int round = 0; round < most_rounds; ++round) {
    const Window before = window;
    Best upper(sweep);
    for (int end = std::max(window.begin + sweep.start, zero + 1); end <= bins; end += sweep.stride) {
      upper.offer(end, cost({window.begin, end}));
    }
    window.end = upper.end_or(window.end);
    Best lower(sweep);  // walks downwards, so that the wider window counts as the later one here too
    for (int begin = std::min(window.end - sweep.start, zero); begin >= 0; begin -= sweep.stride) {
      lower.offer(begin, cost({begin, window.end}));
    }
    window.begin = lower.end_or(window.begin);
    if (window == before) break;
  }
  return window;
}

}  // namespace qcal
