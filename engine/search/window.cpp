#include "engine/search/window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

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
  int end() const { return end_; }

 private:
  const Sweep& sweep_;
  int end_ = 0;
  double cost_ = 0.0;
  bool found_ = false;
};

// first, first + stride, ... up to (stride < 0: down to) last.
struct Candidates {
  int first = 0;
  int last = 0;
  int stride = 1;

  int count() const { return (last - first) / stride + 1; }
  bool empty() const { return stride > 0 ? first > last : first < last; }
  int at(int index) const { return first + index * stride; }
};

// The cheapest candidate, or `otherwise` where there is none. A few are looked at first: what they cost rules
// out most of the others early, which all have their turn.
template <class WindowTo>
int cheapest(const Candidates& candidates, const Sweep& sweep, int otherwise, const WindowTo& window_to,
             const WindowCosts& costs) {
  constexpr int probes = 16;
  if (candidates.empty()) return otherwise;
  const int count = candidates.count();
  std::vector<Window> windows;
  std::vector<double> found(static_cast<std::size_t>(count));
  double limit = std::numeric_limits<double>::infinity();
  if (count > 4 * probes) {
    for (int probe = probes; probe > 0; --probe)
      windows.push_back(window_to(candidates.at(count * probe / probes - 1)));
    costs(windows, limit, std::span(found).first(probes));
    for (int probe = 0; probe < probes; ++probe) {
      const double cost = found[static_cast<std::size_t>(probe)];
      if (cost < limit) limit = cost;
    }
    windows.clear();
  }
  for (int i = 0; i < count; ++i) windows.push_back(window_to(candidates.at(i)));
  costs(windows, limit, found);
  Best best(sweep);
  for (int i = 0; i < count; ++i) best.offer(candidates.at(i), found[static_cast<std::size_t>(i)]);
  return best.end();
}

}  // namespace

Sweep sweep_for(int bins, int levels, const StartRule& rule, Tie tie, const Preset& preset,
                const SearchStart& requested) {
  int start = std::max(static_cast<int>(std::ceil(rule.share_of_bins * bins)), rule.bins);
  if (rule.at_least_levels) start = std::max(start, levels);
  if (requested.kind == SearchStart::Kind::levels) start = levels;
  if (requested.kind == SearchStart::Kind::bins) start = requested.bins;
  return {std::clamp(start, 1, bins), preset.stride, tie, preset.nan_wins};
}

Window best_upper_end(int bins, const Sweep& sweep, const WindowCosts& costs) {
  const Candidates ends{sweep.start, bins, sweep.stride};
  const auto up_to = [](int end) { return Window{0, end}; };
  return up_to(cheapest(ends, sweep, bins, up_to, costs));
}

Window best_window(int bins, int zero_bin, const Sweep& sweep, const WindowCosts& costs) {
  constexpr int most_rounds = 4;
  const int zero = std::clamp(zero_bin, 0, bins - 1);
  Window window{0, bins};
  const auto up_to = [&](int end) { return Window{window.begin, end}; };
  const auto from = [&](int begin) { return Window{begin, window.end}; };
  for (int round = 0; round < most_rounds; ++round) {
    const Window before = window;
    const Candidates ends{std::max(window.begin + sweep.start, zero + 1), bins, sweep.stride};
    window = up_to(cheapest(ends, sweep, window.end, up_to, costs));
    // Downwards, so that the wider window counts as the later one here too.
    const Candidates begins{std::min(window.end - sweep.start, zero), 0, -sweep.stride};
    window = from(cheapest(begins, sweep, window.begin, from, costs));
    if (window == before) break;
  }
  return window;
}

}  // namespace qcal
