#include "engine/collect/tensor_spec.h"

#include "engine/search/search.h"
#include "kernels/error.h"

namespace qcal {
namespace {

SearchSettings search_settings(const TensorSettings& settings, bool is_signed, const Preset& preset) {
  SearchSettings search;
  search.bit_width = settings.bit_width.value;
  search.symmetric = settings.symmetry.value;
  search.is_signed = is_signed && (search.symmetric || !preset.asymmetric_is_unsigned);
  const bool narrow = settings.narrow_range.value && search.symmetric;  // no meaning beside a zero point
  search.range = integer_range(search.bit_width, search.is_signed, narrow);
  // At 32 bits no threshold below the maximum can pay: every method ends at the top edge.
  search.method = search.bit_width == 32 ? Method::maxmin : settings.method.value;
  search.rounding = rounding_of(settings.round_mode.value);
  search.scale_type = settings.scale_type.value;
  search.percentage = settings.percentage.value;
  search.headroom = settings.headroom.value;
  search.search_start = settings.search_start.value;
  search.per_channel = settings.per_channel.value;
  return search;
}

// vai_q_pytorch drives DPU targets by its power-of-two search alone and reads neither method, sign nor range;
// network inputs take the first position everywhere.
void apply_vitis_rules(SearchSettings& search, TensorSpec& spec, const TensorContext& context) {
  if (context.target == TargetDevice::dpu) {
    search.scale_type = ScaleType::power_of_two;
    search.symmetric = true;
    search.is_signed = true;
    search.range = integer_range(search.bit_width, true, false);
    search.method = Method::diffs;
    const bool parameter = context.role == Role::weights || context.role == Role::bias;
    search.rounding = parameter ? Rounding::std_round : Rounding::half_up;
    search.over_fix_positions = true;
    spec.statistic = BatchStatistic::modal;
  }
  if (search.scale_type == ScaleType::power_of_two) {
    spec.scope = CalibrationScope::per_batch;
    if (context.role == Role::input) search.method = Method::maxmin;
  }
}

}  // namespace

bool splits(const TensorSpec& spec) {
  return spec.scope == CalibrationScope::per_batch || spec.collect.binning != Binning::vitis;
}

Rounding rounding_of(RoundMode mode) {
  switch (mode) {
    case RoundMode::half_even:
      return Rounding::half_even;
    case RoundMode::half_up:
      return Rounding::half_up;
    case RoundMode::half_down:
      return Rounding::half_down;
    case RoundMode::std_round:
      return Rounding::std_round;
  }
  return Rounding::half_even;
}

TensorSpec tensor_spec(const TensorSettings& settings, const TensorContext& context) {
  TensorSpec spec;
  spec.compatibility = context.compatibility;
  spec.statistic = settings.calib_statistic_method.value;
  spec.scope = settings.calib_scope.value;
  const Preset& preset = spec.preset();
  const Signedness sign = settings.is_signed.value;
  if (sign == Signedness::is_unsigned || (sign == Signedness::automatic && !preset.fix_pos_rule)) {
    spec.variants.push_back(search_settings(settings, false, preset));
  }
  if (sign != Signedness::is_unsigned) spec.variants.push_back(search_settings(settings, true, preset));
  if (context.role == Role::weights || context.role == Role::bias) {  // whose values are all known
    for (SearchSettings& variant : spec.variants) variant.headroom = 0.0;
  }
  if (context.compatibility == Compatibility::vitis) apply_vitis_rules(spec.variants.front(), spec, context);

  const bool accumulated = spec.scope == CalibrationScope::accumulated;
  spec.collect.binning = binning_for(spec.variants.back(), preset, accumulated);
  for (const SearchSettings& variant : spec.variants) {
    const CandidateSpec candidates = candidate_spec(variant, preset, accumulated);
    if (candidates.rule != CandidateRule::none) spec.collect.candidates.push_back(candidates);
  }
  spec.collect.only_cheapest = true;
  spec.collect.accumulate = accumulated;
  spec.collect.non_finite = context.non_finite;
  if (settings.per_channel.value) {
    if (!context.channel_axis)
      throw InvalidArgument("per_channel is asked for, but the tensor has no channel axis");
    spec.collect.channel_axis = context.channel_axis;
  }
  return spec;
}

}  // namespace qcal
