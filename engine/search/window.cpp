#include "engine/search/window.h"

#include <algorithm>
#include <cmath>

namespace qcal {
namespace {

struct Best {
  int end = 0;
  double cost = std::nan("");
  bool found = false;

  void offer(int candidate, double candidate_cost, Tie tie) {
    const bool better = candidate_cost < cost || (tie == Tie::last && candidate_cost == cost);
    const bool nothing_yet = !found || (std::isnan(cost) && (!std::isnan(candidate_cost) || tie == Tie::last));
    if (!better && !nothing_yet) return;
    end = candidate;
    cost = candidate_cost;
    found = true;
  }
};

}  // namespace

Sweep sweep_for(int bins, int levels, const StartRule& rule, int stride, Tie tie, const SearchStart& requested) {
  int start = std::max(static_cast<int>(std::ceil(rule.share_of_bins * bins)), rule.bins);
  if (rule.at_least_levels) start = std::max(start, levels);
  if (requested.kind == SearchStart::Kind::levels) start = levels;
  if (requested.kind == SearchStart::Kind::bins) start = requested.bins;
  return {std::clamp(start, 1, bins), stride, tie};
}

Window best_upper_end(int bins, const Sweep& sweep, const WindowCost& cost) {
  Best best;
  for (int end = sweep.start; end <= bins; end += sweep.stride) best.offer(end, cost({0, end}), sweep.tie);
  return {0, best.end};
}

Window best_window(int bins, int zero_bin, const Sweep& sweep, const WindowCost& cost) {
  constexpr int most_rounds = 4;
  const int zero = std::clamp(zero_bin, 0, bins - 1);
  Window window{0, bins};
  for (int round = 0; round < most_rounds; ++round) {
    const Window before = window;
    Best upper;
    for (int end = std::max(window.begin + sweep.start, zero + 1); end <= bins; end += sweep.stride) {
      upper.offer(end, cost({window.begin, end}), sweep.tie);
    }
    if (upper.found) window.end = upper.end;
    Best lower;  // walks downwards, so that the wider window counts as the later one here too
    for (int begin = std::min(window.end - sweep.start, zero); begin >= 0; begin -= sweep.stride) {
      lower.offer(begin, cost({begin, window.end}), sweep.tie);
    }
    if (lower.found) window.begin = lower.end;
    if (window == before) break;
  }
  return window;
}

}  // namespace qcal
