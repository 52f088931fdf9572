#include "engine/search/squared_error_costs.h"

#include <algorithm>

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/search/squared_error_costs.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_table-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::CappedTag<double, squared_error_lanes>;
using Reals = hn::Vec<Tag>;

HWY_INLINE Reals real(double value) {
  return hn::Set(Tag(), value);
}

// round_half_even() of scale_math.h.
HWY_INLINE Reals rounded(Reals x) {
  const Reals shifter = real(0x1.8p52);
  return hn::Sub(hn::Add(x, shifter), shifter);
}

// Sums over all bins ahead of one.
struct Moments {
  Reals zeroth;
  Reals first;
  Reals second;
};

HWY_INLINE Moments moments_ahead_of(const SquaredErrorSums& sums, const NearPlaces<Tag>& bins) {
  return {bins.in(sums.zeroth_before.data()), bins.in(sums.first_before.data()),
          bins.in(sums.second_before.data())};
}

// Squared distance of the bins between two places from one quantized value, everything in bins from the
// origin.
HWY_INLINE Reals run_cost(const Moments& begin, const Moments& end, Reals value) {
  const Reals second = hn::Sub(end.second, begin.second);
  const Reals first = hn::Mul(hn::Mul(real(2.0), value), hn::Sub(end.first, begin.first));
  const Reals zeroth = hn::Mul(hn::Mul(value, value), hn::Sub(end.zeroth, begin.zeroth));
  return hn::Max(hn::Add(hn::Sub(second, first), zeroth), real(0.0));
}

// Quantizers, as many as a vector has lanes.
struct Quantizers {
  Reals scale;
  Reals lowest;  // integers, less the zero point
  Reals highest;
};

// What a bin costs that is cut off, whose center is not where its number says.
HWY_INLINE Reals bin_cost(const Histogram& histogram, int bin, const Quantizers& quantizers) {
  const Reals center = real(histogram.center(bin));
  const Reals level =
      hn::Clamp(rounded(hn::Div(center, quantizers.scale)), quantizers.lowest, quantizers.highest);
  const Reals difference = hn::Sub(center, hn::Mul(level, quantizers.scale));
  const Reals count = real(static_cast<double>(histogram.counts[static_cast<std::size_t>(bin)]));
  return hn::Mul(hn::Mul(count, difference), difference);
}

// The first uniform bin whose center lies above `boundary`.
HWY_INLINE Reals bin_above(const SquaredErrorSums& sums, Reals boundary) {
  const Reals place = hn::Sub(boundary, real(0.5));
  return hn::Ceil(hn::Clamp(place, real(0.0), real(sums.end_uniform)));
}

// What the levels to come cost at least, in squared bins.
//
// A level that holds n bins, n at least k = floor(step), costs at least its smallest count times what n
// places a bin apart cost at best, n (n^2 - 1) / 12. The smallest count is not below what scarce_before adds
// up for these bins. The first and the last level may be cut, so they are not counted.
class Remainder {
 public:
  HWY_INLINE Remainder(const SquaredErrorSums& sums, Reals step, Reals clipped) : sums_(sums) {
    if (sums.widest_level == 0) return;
    const Tag d;
    const Reals whole = hn::Floor(step);
    const Reals last = hn::Sub(real(sums.end_uniform - 1), whole);
    const Reals end = hn::Min(clipped, last);
    const auto known = hn::And(hn::And(hn::Ge(whole, real(2.0)), hn::Le(whole, real(sums.widest_level))),
                               hn::Gt(end, real(sums.first_uniform)));
    end_ = look_up(d, sums.scarce_before.data(), hn::IfThenElseZero(known, end));
    const Reals places = hn::Div(hn::Sub(hn::Mul(whole, whole), real(1.0)), real(12.0));
    factor_ = hn::IfThenElseZero(known, places);
  }

  HWY_INLINE Reals from(const NearPlaces<Tag>& begin) const {
    if (sums_.widest_level == 0) return real(0.0);
    const Reals scarce = hn::Sub(end_, begin.in(sums_.scarce_before.data()));
    // Costs are differences of sums, rounded by less than this.
    const Reals rounding = real(sums_.total * 0x1p-20);
    return hn::Max(real(0.0), hn::Sub(hn::Mul(factor_, scarce), rounding));
  }

 private:
  const SquaredErrorSums& sums_;
  Reals end_ = real(0.0);
  Reals factor_ = real(0.0);
};

HWY_INLINE Reals squared_errors(const SquaredErrorSums& sums, const Quantizers& quantizers, double limit) {
  const Tag d;
  const Histogram& histogram = *sums.histogram;
  const double width = histogram.width;
  const Reals step = hn::Div(quantizers.scale, real(width));  // one level, in bins
  const Reals zero = real(-histogram.origin / width);         // real 0, in bins from the origin
  Reals cost = real(0.0);
  for (int bin = 0; bin < sums.first_uniform; ++bin)
    cost = hn::Add(cost, bin_cost(histogram, bin, quantizers));
  for (int bin = sums.end_uniform; bin < histogram.bins(); ++bin)
    cost = hn::Add(cost, bin_cost(histogram, bin, quantizers));

  const auto boundary_above = [&](Reals level) HWY_ATTR {
    return hn::Add(zero, hn::Mul(hn::Add(level, real(0.5)), step));
  };
  const auto value_of = [&](Reals level) HWY_ATTR { return hn::Add(zero, hn::Mul(level, step)); };
  // Of a bin's center.
  const auto nearest_level = [&](Reals bin) HWY_ATTR {
    const Reals place = hn::Sub(hn::Add(bin, real(0.5)), zero);
    return hn::Clamp(rounded(hn::Div(place, step)), quantizers.lowest, quantizers.highest);
  };
  const Reals first = real(sums.first_uniform);
  const Reals last = real(sums.end_uniform);
  const Moments all = moments_ahead_of(sums, NearPlaces(d, last));
  // All that the highest level takes. Sums of what is not negative only grow, in floating point too, so no
  // cost is below what this and the levels so far cost.
  const Reals clipped =
      hn::Max(first, bin_above(sums, boundary_above(hn::Sub(quantizers.highest, real(1.0)))));
  const Reals clipping =
      run_cost(moments_ahead_of(sums, NearPlaces(d, clipped)), all, value_of(quantizers.highest));
  // What the runs may cost, in squared bins, with room for the rounding of what is returned.
  const Reals most = hn::Div(hn::Sub(real(limit * (1.0 + 0x1p-40)), cost), real(width * width));

  // Level of the first uniform bin, then on from boundary to boundary.
  Reals runs = real(0.0);
  Reals begin = first;
  Moments ahead_of_begin = moments_ahead_of(sums, NearPlaces(d, begin));
  Reals level = nearest_level(begin);
  // Known to be added in the end where every level has its turn.
  const auto coarse = hn::Ge(step, real(1.0));
  const bool all_coarse = hn::AllTrue(d, coarse);
  const Reals ahead = hn::IfThenElseZero(hn::And(coarse, hn::Lt(level, quantizers.highest)), clipping);
  const Remainder remainder(sums, step, clipped);
  auto too_much = hn::Gt(clipping, most);
  while (!hn::AllTrue(d, hn::Or(too_much, hn::Eq(begin, last)))) {
    const Reals above = bin_above(sums, boundary_above(level));  // centers below it belong to this level
    const Reals end = hn::Max(begin, hn::IfThenElse(hn::Lt(level, quantizers.highest), above, last));
    const NearPlaces at_end(d, end);
    const Moments ahead_of_end = moments_ahead_of(sums, at_end);
    runs = hn::Add(runs, run_cost(ahead_of_begin, ahead_of_end, value_of(level)));
    begin = end;
    ahead_of_begin = ahead_of_end;
    const auto is_between = hn::And(hn::Gt(begin, first), hn::Lt(begin, last));
    const Reals least = hn::Add(runs, hn::Add(ahead, remainder.from(at_end)));
    too_much = hn::Or(too_much, hn::And(is_between, hn::Gt(least, most)));
    if (!all_coarse) {  // levels finer than bins: most of them are empty
      const Reals skipped = hn::Max(level, hn::Sub(nearest_level(begin), real(1.0)));
      level = hn::IfThenElse(coarse, level, skipped);
    }
    level = hn::Add(level, real(1.0));
  }
  const Reals exact = hn::Add(cost, hn::Mul(hn::Mul(runs, real(width)), real(width)));
  return hn::IfThenElse(too_much, real(std::numeric_limits<double>::infinity()), exact);
}

void costs_of(const SquaredErrorSums& sums, std::span<const Candidate> candidates, IntegerRange range,
              double limit, std::span<double> costs) {
  const Tag d;
  HWY_ALIGN double scale[squared_error_lanes];
  HWY_ALIGN double lowest[squared_error_lanes];
  HWY_ALIGN double highest[squared_error_lanes];
  HWY_ALIGN double found[squared_error_lanes];
  for (std::size_t i = 0; i < candidates.size(); i += hn::Lanes(d)) {
    for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) {
      const Candidate& candidate = candidates[std::min(i + lane, candidates.size() - 1)];
      scale[lane] = candidate.scale;
      lowest[lane] = static_cast<double>(range.qmin - candidate.zero_point);
      highest[lane] = static_cast<double>(range.qmax - candidate.zero_point);
    }
    const Quantizers quantizers{hn::Load(d, scale), hn::Load(d, lowest), hn::Load(d, highest)};
    hn::Store(squared_errors(sums, quantizers, limit), d, found);
    for (std::size_t lane = 0; lane < hn::Lanes(d) && i + lane < candidates.size(); ++lane) {
      costs[i + lane] = found[lane];
      limit = std::min(limit, found[lane]);
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

SquaredErrorCosts::SquaredErrorCosts(const Histogram& histogram, int levels) {
  sums_.histogram = &histogram;
  const int bins = histogram.bins();
  const bool first_is_cut = histogram.low != histogram.origin;
  const bool last_is_cut = histogram.high != histogram.origin + bins * histogram.width;
  sums_.first_uniform = first_is_cut ? std::min(1, bins) : 0;
  sums_.end_uniform = last_is_cut ? std::max(sums_.first_uniform, bins - 1) : bins;
  const std::size_t entries = histogram.counts.size() + 1 + squared_error_lanes;
  sums_.zeroth_before.resize(entries);
  sums_.first_before.resize(entries);
  sums_.second_before.resize(entries);
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    const double count = static_cast<double>(histogram.counts[i]);
    const double position = static_cast<double>(i) + 0.5;
    sums_.zeroth_before[i + 1] = sums_.zeroth_before[i] + count;
    sums_.first_before[i + 1] = sums_.first_before[i] + count * position;
    sums_.second_before[i + 1] = sums_.second_before[i] + count * position * position;
  }
  sums_.total = sums_.zeroth_before[histogram.counts.size()];
  if (levels == 0 || !is_dense(histogram)) return;
  sums_.widest_level = bins / levels;
  const std::vector<double> counts(histogram.counts.begin(), histogram.counts.end());
  const std::vector<double> scarce = smallest_around(counts, static_cast<std::size_t>(sums_.widest_level));
  sums_.scarce_before.resize(entries);
  for (std::size_t i = 0; i < scarce.size(); ++i)
    sums_.scarce_before[i + 1] = sums_.scarce_before[i] + scarce[i];
}

void SquaredErrorCosts::operator()(std::span<const Candidate> candidates, IntegerRange range, double limit,
                                   std::span<double> costs) const {
  HWY_DYNAMIC_DISPATCH(costs_of)(sums_, candidates, range, limit, costs);
}

double SquaredErrorCosts::operator()(double scale, std::int64_t zero_point, IntegerRange range,
                                     double limit) const {
  const Candidate candidate{scale, zero_point};
  double cost = 0.0;
  (*this)({&candidate, 1}, range, limit, {&cost, 1});
  return cost;
}

}  // namespace qcal
#endif
