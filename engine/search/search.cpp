#include "engine/search/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/search/entropy.h"
#include "engine/search/fix_pos.h"
#include "engine/search/mse.h"
#include "engine/search/percentile.h"
#include "engine/search/squared_error_costs.h"
#include "kernels/error.h"
#include "kernels/scale_math.h"

namespace qcal {
namespace {

bool is_power_of_two(const SearchSettings& settings) {
  return settings.scale_type == ScaleType::power_of_two;
}

bool needs_histogram(Method method) {
  return method == Method::percentile || method == Method::entropy || method == Method::mse;
}

// Unsigned integers without a zero point cannot hold negative values; say so instead of folding or clipping
// them.
void refuse_negatives(const ValueRange& range, const SearchSettings& settings, const Preset& preset) {
  if (settings.is_signed || !settings.symmetric || !(range.min < 0.0f)) return;
  if (preset.fold_negatives &&
      (needs_histogram(settings.method) || settings.per_channel || is_power_of_two(settings))) {
    return;
  }
  throw InvalidArgument(
      fmt::format("unsigned symmetric quantization cannot hold negative values, and the minimum is {}; use "
                  "signed: true (or \"auto\"), or symmetry: false",
                  range.min));
}

float toward_zero(double x) {
  const float nearest = static_cast<float>(x);
  if (std::fabs(nearest) <= std::fabs(x)) return nearest;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(nearest) - 1);
}

ScaleChoice with_range(ScaleChoice choice, const ClipRange& range, const SearchSettings& settings) {
  if (settings.symmetric) return choice;
  choice.low = toward_zero(std::min(range.low, 0.0));
  choice.high = toward_zero(std::max(range.high, 0.0));
  return choice;
}

ScaleChoice choice_from_range(const ClipRange& clip, const SearchSettings& settings) {
  const double amax = std::max(std::fabs(clip.low), std::fabs(clip.high));
  double scale = settings.symmetric ? symmetric_scale(amax, settings.range)
                                    : asymmetric_scale(clip.low, clip.high, settings.range);
  if (is_power_of_two(settings)) scale = covering_power_of_two(scale);
  const std::int64_t zero_point =
      settings.symmetric ? 0 : asymmetric_zero_point(clip.low, scale, settings.range);
  return with_range({scale, zero_point, amax}, clip, settings);
}

// Scales that are tried on data or histogram carry the magnitude they reach instead of a threshold.
ScaleChoice choice_from_candidate(const Candidate& candidate, const SearchSettings& settings) {
  const auto low = static_cast<double>(settings.range.qmin - candidate.zero_point);
  const auto high = static_cast<double>(settings.range.qmax - candidate.zero_point);
  const double reach = settings.symmetric ? high : std::max(-low, high);
  return {candidate.scale, candidate.zero_point, candidate.scale * reach};
}

ScaleChoice cheapest_candidate(const ChannelSummary& channel, const SearchSettings& settings,
                               const Preset& preset, const CandidateErrors& errors, CandidateRule rule) {
  CandidateSpec spec = candidate_spec(settings, preset, false);
  spec.rule = rule;
  const auto first = std::min_element(errors.begin(), errors.end());  // of equals the first: the widest
  const int best = static_cast<int>(first - errors.begin());
  const double shrink = exact_power_of_two(-best);
  return with_range(choice_from_candidate(candidate_scale(spec, channel.range, best), settings),
                    {channel.range.min * shrink, channel.range.max * shrink}, settings);
}

// A power of two covers more than what was found as it is.
ScaleChoice with_headroom(ScaleChoice choice, const SearchSettings& settings) {
  if (settings.headroom == 0.0 || is_power_of_two(settings) || choice.amax == 0.0) return choice;
  const double factor = 1.0 + settings.headroom;
  choice.scale *= factor;
  choice.amax *= factor;
  choice.low = toward_zero(static_cast<double>(choice.low) * factor);
  choice.high = toward_zero(static_cast<double>(choice.high) * factor);
  return choice;
}

// The five candidates' costs on the histogram, for accumulated diffs and for mse with power-of-two scales.
CandidateErrors histogram_errors(const ChannelSummary& channel, const CandidateSpec& spec) {
  CandidateErrors errors{};
  const SquaredErrorCosts costs(channel.histogram);
  for (std::size_t k = 0; k < errors.size(); ++k) {
    const Candidate candidate = candidate_scale(spec, channel.range, static_cast<int>(k));
    errors[k] = costs(candidate.scale, candidate.zero_point, spec.range);
  }
  return errors;
}

ScaleChoice search_on_histogram(const ChannelSummary& channel, const SearchSettings& settings,
                                const Preset& preset) {
  if (channel.histogram.counts.empty()) {  // nothing but zeros
    return choice_from_range({0.0, 0.0}, settings);
  }
  switch (settings.method) {
    case Method::percentile:
      return choice_from_range(percentile_range(channel.histogram, settings, preset), settings);
    case Method::entropy:
      return choice_from_range(entropy_range(channel.histogram, settings, preset), settings);
    case Method::mse:
      if (!is_power_of_two(settings))
        return choice_from_range(mse_range(channel.histogram, settings, preset), settings);
      [[fallthrough]];
    default:
      break;
  }
  CandidateSpec spec = candidate_spec(settings, preset, false);
  spec.rule = is_power_of_two(settings) ? CandidateRule::power_of_two : CandidateRule::halving;
  return cheapest_candidate(channel, settings, preset, histogram_errors(channel, spec), spec.rule);
}

ScaleChoice vitis_histogram_choice(const ChannelSummary& channel, const SearchSettings& settings,
                                   const Preset& preset) {
  double amax = 0.0;
  switch (settings.method) {
    case Method::percentile:
      amax = percentile_range(channel.histogram, settings, preset).high;
      break;
    case Method::entropy:
      amax = entropy_range(channel.histogram, settings, preset).high;
      break;
    default:
      amax = vitis_mse_threshold(channel.histogram, settings, preset);
      break;
  }
  return {amax / static_cast<double>(settings.range.qmax), 0, amax};
}

// vai_q_pytorch's maxmin: double per tensor, float32 per channel; asymmetric ranges as they are, zero or not.
template <class Real>
ScaleChoice vitis_maxmin_choice(const ValueRange& range, const SearchSettings& settings) {
  const auto steps = static_cast<Real>(settings.range.steps());
  if (settings.symmetric) {
    const Real amax = settings.is_signed || settings.per_channel ? range.amax() : range.max;
    return {static_cast<double>(amax / static_cast<Real>(settings.range.qmax)), 0, amax};
  }
  const Real low = range.min;
  const Real high = range.max;
  const Real scale = (high - low) / steps;
  // The peer divides by zero there; like every crash of its, this one is repaired instead of reproduced.
  if (!settings.per_channel && scale == 0) return choice_from_range({low, high}, settings);
  const double zero_point = round_half_even(static_cast<double>(-low / scale));
  const bool exists = std::fabs(zero_point) < 2147483648.0;  // 0/0 and overflow become INT_MIN there
  return {scale, exists ? static_cast<std::int64_t>(zero_point) : INT32_MIN, high};
}

ScaleChoice found_scale(const ChannelSummary& channel, std::size_t candidate_index,
                        const SearchSettings& settings, const Preset& preset) {
  refuse_negatives(channel.range, settings, preset);
  if (preset.fix_pos_rule && is_power_of_two(settings)) {
    const CandidateErrors* errors = channel.errors.empty() ? nullptr : &channel.errors[candidate_index];
    return vitis_fix_pos_choice(channel.range, errors, settings);
  }
  if (preset.float32_histogram && needs_histogram(settings.method)) {
    return vitis_histogram_choice(channel, settings, preset);
  }
  if (settings.method == Method::maxmin && !preset.zero_in_range) {
    return settings.per_channel && preset.float32_per_channel
               ? vitis_maxmin_choice<float>(channel.range, settings)
               : vitis_maxmin_choice<double>(channel.range, settings);
  }
  if (channel.range.amax() == 0.0f)
    return choice_from_range({0.0, 0.0}, settings);  // zeros, or nothing finite
  if (settings.method == Method::maxmin) {
    return choice_from_range({channel.range.min, channel.range.max}, settings);
  }
  if (settings.method == Method::diffs && !channel.errors.empty()) {
    return cheapest_candidate(channel, settings, preset, channel.errors[candidate_index],
                              candidates_for(settings, preset, false));
  }
  return search_on_histogram(channel, settings, preset);
}

}  // namespace

CandidateRule candidates_for(const SearchSettings& settings, const Preset& preset, bool accumulated) {
  if (preset.fix_pos_rule && is_power_of_two(settings)) {
    return settings.method == Method::diffs ? CandidateRule::vitis_fix_pos : CandidateRule::none;
  }
  if (settings.method != Method::diffs || accumulated) return CandidateRule::none;
  return is_power_of_two(settings) ? CandidateRule::power_of_two : CandidateRule::halving;
}

Binning binning_for(const SearchSettings& settings, const Preset& preset, bool accumulated) {
  const bool histogram_diffs = settings.method == Method::diffs && accumulated && !preset.fix_pos_rule;
  if (!needs_histogram(settings.method) && !histogram_diffs) return Binning::none;
  if (preset.float32_histogram) return is_power_of_two(settings) ? Binning::none : Binning::vitis;
  if (settings.symmetric) return accumulated ? Binning::dyadic_magnitude : Binning::linear_magnitude;
  return accumulated ? Binning::dyadic_value : Binning::linear_value;
}

CandidateSpec candidate_spec(const SearchSettings& settings, const Preset& preset, bool accumulated) {
  CandidateSpec spec;
  spec.rule = candidates_for(settings, preset, accumulated);
  spec.bit_width = settings.bit_width;
  // vai_q_pytorch tries power-of-two scales on the full signed range, whatever the settings say.
  spec.range = spec.rule == CandidateRule::vitis_fix_pos ? integer_range(settings.bit_width, true, false)
                                                         : settings.range;
  spec.symmetric = settings.symmetric;
  spec.rounding = settings.rounding;
  return spec;
}

ScaleChoice search_scale(const ChannelSummary& channel, std::size_t candidate_index,
                         const SearchSettings& settings, const Preset& preset) {
  return with_headroom(found_scale(channel, candidate_index, settings, preset), settings);
}

ScaleChoice over_batches(const std::vector<ScaleChoice>& all_batches, BatchStatistic statistic,
                         const SearchSettings& settings, const Preset& preset) {
  std::vector<ScaleChoice> batches = all_batches;
  if (!preset.zero_batches_count) {
    std::erase_if(batches, [](const ScaleChoice& batch) { return batch.amax == 0.0; });
    if (batches.empty()) return all_batches.front();
  }
  if (batches.size() == 1) return batches.front();
  constexpr Statistic kinds[] = {Statistic::modal, Statistic::max, Statistic::mean, Statistic::median};
  const Statistic kind = kinds[static_cast<std::size_t>(statistic)];
  const auto reduce = [&](Statistic how, auto&& value_of) {
    std::vector<double> values;
    values.reserve(batches.size());
    for (const ScaleChoice& batch : batches) values.push_back(value_of(batch));
    return batch_statistic(values, how, preset.modal);
  };
  if (!settings.symmetric && preset.statistic_over_ends) {
    // A mean scale beside a modal zero point would fit no range at all, so the two ends of the range are
    // reduced (their distances from 0, so that `max` widens both). Not the ends that the integers reach:
    // those hold the slack of a power of two and the rounding of the zero point, which would add up.
    const auto below = [](const ScaleChoice& batch) { return -static_cast<double>(batch.low); };
    const auto above = [](const ScaleChoice& batch) { return static_cast<double>(batch.high); };
    return choice_from_range({-reduce(kind, below), reduce(kind, above)}, settings);
  }
  ScaleChoice choice;
  if (settings.over_fix_positions) {
    const double fix_pos =
        reduce(kind, [](const ScaleChoice& batch) { return static_cast<double>(fix_pos_of(batch.scale)); });
    choice.scale = exact_power_of_two(-static_cast<int>(fix_pos));
    choice.amax = choice.scale * static_cast<double>(settings.range.qmax);
    return choice;
  }
  choice.scale = reduce(kind, [](const ScaleChoice& batch) { return batch.scale; });
  choice.amax = reduce(kind, [](const ScaleChoice& batch) { return batch.amax; });
  choice.zero_point = static_cast<std::int64_t>(reduce(
      Statistic::modal, [](const ScaleChoice& batch) { return static_cast<double>(batch.zero_point); }));
  if (is_power_of_two(settings) && !preset.fix_pos_rule) choice.scale = covering_power_of_two(choice.scale);
  // The octave of the most frequent amax may be another batch's than that of the most frequent scale.
  if (kind == Statistic::modal && preset.modal == ModalRule::octaves) {
    choice.amax = choice.scale * static_cast<double>(settings.range.qmax);
  }
  return choice;
}

int fix_pos_of(double scale) {
  return -binary_exponent(covering_power_of_two(scale));
}

}  // namespace qcal
