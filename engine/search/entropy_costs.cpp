#include "engine/search/entropy_costs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/log_math.h"
#include "kernels/search_logs.h"

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/search/entropy_costs.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_log-inl.h"
#include "kernels/simd_table-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
constexpr std::size_t most_lanes = 8;
using Tag = hn::CappedTag<double, most_lanes>;
using Reals = hn::Vec<Tag>;

HWY_INLINE Reals real(double value) {
  return hn::Set(Tag(), value);
}

// Above what rounding does to a divergence: 6 roundings of ln(2^64) for each of 2048 bins and as many levels
// make 1.2e-10.
constexpr double rounding = 1e-9;

// x * ln x of x >= 1; 0 for 0.
HWY_INLINE Reals x_log_x(Reals x) {
  const Tag d;
  return hn::Mul(x, log_lanes(d, hn::Max(x, real(1.0))));
}

// What of a divergence is due to `tail` clipped counts that a level with `count` takes in, times the total:
// the divergence of the distributions of levels has that and the share that is kept, and no sum of bins has
// less.
HWY_INLINE Reals clipping(Reals tail, Reals count) {
  const Tag d;
  const Reals all = hn::Add(count, tail);
  const auto counts = hn::And(hn::Gt(tail, real(0.0)), hn::Gt(count, real(0.0)));
  const Reals ratio = hn::IfThenElse(counts, hn::Div(all, count), real(1.0));
  return hn::Mul(all, log_lanes(d, ratio));
}

// Windows, as many as a vector has lanes, and what they clip.
struct Windows {
  Reals begin;
  Reals end;
  Reals size;
  Reals inside;  // counts
  Reals below;
  Reals above;
  Reals log_kept;
  Reals bins_each;  // level g holds those from g * bins_each on, where floor(k * levels / size) = g
  Reals levels;     // that hold some
};

HWY_INLINE Reals counts_up_to(const EntropySums& sums, Reals bin) {
  return look_up(Tag(), sums.counts_before.data(), bin);
}

HWY_INLINE Windows windows_of(const EntropySums& sums, int levels, Reals begin, Reals end) {
  Windows windows;
  windows.begin = begin;
  windows.end = end;
  windows.size = hn::Sub(end, begin);
  windows.below = counts_up_to(sums, begin);
  const Reals up_to_end = counts_up_to(sums, end);
  windows.above = hn::Sub(real(sums.total), up_to_end);
  windows.inside = hn::Sub(up_to_end, windows.below);
  windows.log_kept =
      hn::Sub(log_lanes(Tag(), hn::Max(windows.inside, real(1.0))), real(search_log(sums.total)));
  windows.bins_each = hn::Max(hn::Mul(windows.size, real(1.0 / levels)), real(1.0));
  windows.levels = hn::Min(windows.size, real(levels));
  return windows;
}

HWY_INLINE Reals level_begin(const Windows& windows, Reals level) {
  const Reals bins = hn::Min(hn::Ceil(hn::Mul(level, windows.bins_each)), windows.size);
  return hn::Add(windows.begin, bins);
}

// What is known of divergences before any level is looked at: no divergence is less, and what is infinite or
// NaN is known to be.
HWY_INLINE Reals least_divergences(const EntropySums& sums, const Windows& windows) {
  const Tag d;
  const Reals zero = real(0.0);
  const Reals first = hn::Sub(counts_up_to(sums, level_begin(windows, real(1.0))), windows.below);
  const Reals last_begin = level_begin(windows, hn::Sub(windows.levels, real(1.0)));
  const Reals last = hn::Sub(counts_up_to(sums, windows.end), counts_up_to(sums, last_begin));
  const Reals clipped = hn::Add(clipping(windows.below, first), clipping(windows.above, last));
  Reals least = hn::Add(windows.log_kept, hn::Div(clipped, real(sums.total)));
  least = hn::IfThenElse(hn::Gt(windows.levels, real(1.0)), least, zero);
  const Reals first_count = look_up(d, sums.counts.data(), windows.begin);
  const Reals last_count = look_up(d, sums.counts.data(), hn::Sub(windows.end, real(1.0)));
  const auto on_empty = hn::Or(hn::And(hn::Gt(windows.below, zero), hn::Eq(first_count, zero)),
                               hn::And(hn::Gt(windows.above, zero), hn::Eq(last_count, zero)));
  least = hn::IfThenElse(on_empty, real(std::numeric_limits<double>::infinity()), least);
  const auto is_empty = hn::Eq(windows.inside, zero);
  return hn::IfThenElse(is_empty, real(std::numeric_limits<double>::quiet_NaN()), least);
}

// Where they are finite. With P the clipped and Q the quantized distribution: sum P ln(P/Q)
//   = (sum p ln p - sum over levels of (level's p) ln(level's mean count)) / total + ln(kept / total).
HWY_INLINE Reals divergences(const EntropySums& sums, const Windows& windows) {
  const Tag d;
  const Reals zero = real(0.0);
  const Reals total = real(sums.total);
  Reals sum = hn::Sub(look_up(d, sums.plogp_before.data(), windows.end),
                      look_up(d, sums.plogp_before.data(), windows.begin));
  const auto add_tail = [&](Reals tail, Reals bin) HWY_ATTR {
    const Reals count = look_up(d, sums.counts.data(), bin);
    const Reals more = hn::Sub(x_log_x(hn::Add(count, tail)), x_log_x(count));
    sum = hn::Add(sum, hn::IfThenElseZero(hn::Gt(tail, zero), more));
  };
  add_tail(windows.below, windows.begin);
  add_tail(windows.above, hn::Sub(windows.end, real(1.0)));
  sum = hn::IfThenElse(hn::Eq(windows.size, real(1.0)), x_log_x(total), sum);
  Reals from = windows.begin;
  Reals counts_before = windows.below;
  Reals nonempty_before = look_up(d, sums.nonempty_before.data(), from);
  Reals tail_below = windows.below;
  for (Reals level = real(1.0); !hn::AllTrue(d, hn::Eq(from, windows.end));
       level = hn::Add(level, real(1.0))) {
    const Reals to = level_begin(windows, level);
    const Reals counts = counts_up_to(sums, to);
    const Reals nonempty = look_up(d, sums.nonempty_before.data(), to);
    const Reals count = hn::Sub(counts, counts_before);
    const Reals tail_above = hn::IfThenElseZero(hn::Eq(to, windows.end), windows.above);
    const Reals weight = hn::Add(hn::Add(count, tail_below), tail_above);
    const Reals log_of_bins = look_up(d, sums.log_of.data(), hn::Sub(nonempty, nonempty_before));
    const Reals log_of_mean = hn::Sub(log_lanes(d, hn::Max(count, real(1.0))), log_of_bins);
    sum = hn::Sub(sum, hn::IfThenElseZero(hn::Gt(count, zero), hn::Mul(weight, log_of_mean)));
    from = to;
    counts_before = counts;
    nonempty_before = nonempty;
    tail_below = zero;
  }
  return hn::Add(hn::Div(sum, total), windows.log_kept);
}

// A few of the windows: divergences_of(Windows), written to their `costs`.
template <class Divergences>
HWY_INLINE void some_costs(const EntropySums& sums, int levels, std::span<const Window> windows,
                           std::span<const std::size_t> some, std::span<double> costs,
                           const Divergences& divergences_of) {
  const Tag d;
  HWY_ALIGN double begins[most_lanes];
  HWY_ALIGN double ends[most_lanes];
  HWY_ALIGN double found[most_lanes] = {};
  for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) {
    const Window& window = windows[some[std::min(lane, some.size() - 1)]];
    begins[lane] = window.begin;
    ends[lane] = window.end;
  }
  hn::Store(divergences_of(windows_of(sums, levels, hn::Load(d, begins), hn::Load(d, ends))), d, found);
  for (std::size_t lane = 0; lane < some.size(); ++lane) costs[some[lane]] = found[lane];
}

void costs_of(const EntropySums& sums, int levels, std::span<const Window> windows, double limit,
              std::span<double> costs) {
  const Tag d;
  std::size_t some[most_lanes];
  for (std::size_t i = 0; i < windows.size(); i += hn::Lanes(d)) {
    const std::size_t size = std::min(hn::Lanes(d), windows.size() - i);
    std::iota(some, some + size, i);
    some_costs(sums, levels, windows, std::span(some, size), costs,
               [&](const Windows& w) HWY_ATTR { return least_divergences(sums, w); });
  }
  // The others have what they cost, or enough of it.
  std::size_t size = 0;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const bool may_win = std::isfinite(costs[i]) && costs[i] <= limit + rounding;
    if (may_win) some[size++] = i;
    if (size == hn::Lanes(d) || (i + 1 == windows.size() && size > 0)) {
      some_costs(sums, levels, windows, std::span(some, size), costs,
                 [&](const Windows& w) HWY_ATTR { return divergences(sums, w); });
      for (std::size_t lane = 0; lane < size; ++lane) limit = std::min(limit, costs[some[lane]]);
      size = 0;
    }
  }
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {
namespace {

HWY_EXPORT(costs_of);

}  // namespace

EntropyCosts::EntropyCosts(const Histogram& histogram, int levels, int zero_bin) : levels_(levels) {
  const auto bins = histogram.counts.size();
  std::vector<double>& counts = sums_.counts;
  counts.assign(histogram.counts.begin(), histogram.counts.end());
  const auto zero = static_cast<std::size_t>(std::clamp(zero_bin, 0, histogram.bins() - 1));
  const double above = zero + 1 < bins ? counts[zero + 1] : 0.0;
  if (bins > 1) counts[zero] = zero > 0 ? std::max(counts[zero - 1], above) : above;

  std::vector<double> numbers(bins + 1, 1.0);
  for (std::size_t i = 1; i <= bins; ++i) numbers[i] = static_cast<double>(i);
  sums_.log_of.resize(bins + 1);
  search_logs(numbers, sums_.log_of);
  std::ranges::transform(counts, numbers.begin(), [](double count) { return std::max(count, 1.0); });
  std::vector<double> logs(bins + 1);
  search_logs(numbers, logs);
  sums_.counts_before.resize(bins + 1);
  sums_.plogp_before.resize(bins + 1);
  sums_.nonempty_before.resize(bins + 1);
  for (std::size_t i = 0; i < bins; ++i) {
    sums_.counts_before[i + 1] = sums_.counts_before[i] + counts[i];
    sums_.plogp_before[i + 1] = sums_.plogp_before[i] + counts[i] * logs[i];
    sums_.nonempty_before[i + 1] = sums_.nonempty_before[i] + (counts[i] > 0.0 ? 1.0 : 0.0);
  }
  sums_.total = sums_.counts_before[bins];
}

void EntropyCosts::operator()(std::span<const Window> windows, double limit, std::span<double> costs) const {
  HWY_DYNAMIC_DISPATCH(costs_of)(sums_, levels_, windows, limit, costs);
}

double EntropyCosts::operator()(const Window& window, double limit) const {
  double cost = 0.0;
  (*this)({&window, 1}, limit, {&cost, 1});
  return cost;
}

}  // namespace qcal
#endif
