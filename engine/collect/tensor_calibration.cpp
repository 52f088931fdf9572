#include "engine/collect/tensor_calibration.h"

#include <algorithm>

#include "engine/search/search.h"
#include "kernels/error.h"

namespace qcal {
namespace {

bool has_negatives(const Summary& summary) {
  return std::any_of(summary.channels.begin(), summary.channels.end(),
                     [](const ChannelSummary& channel) { return channel.range.min < 0.0f; });
}

// vai_q_pytorch turns an unsigned per-channel parameter with negative values into a signed one.
SearchSettings with_vitis_sign(SearchSettings settings, bool negatives, const Preset& preset) {
  const bool switches = preset.float32_per_channel && settings.per_channel && settings.symmetric &&
                        !settings.is_signed && negatives;
  if (!switches) return settings;
  settings.is_signed = true;
  settings.range = integer_range(settings.bit_width, true, false);
  return settings;
}

std::vector<ScaleChoice> search_channels(const Summary& summary, std::size_t variant,
                                         const TensorSpec& spec) {
  const SearchSettings settings =
      with_vitis_sign(spec.variants[variant], has_negatives(summary), spec.preset());
  std::vector<ScaleChoice> choices;
  choices.reserve(summary.channels.size());
  for (const ChannelSummary& channel : summary.channels) {
    choices.push_back(search_scale(channel, variant, settings, spec.preset()));
  }
  return choices;
}

}  // namespace

TensorCalibration::TensorCalibration(TensorSpec spec, const Backend& backend)
    : spec_(std::move(spec)), collector_(backend.make_collector(spec_.collect)) {}

void TensorCalibration::observe(const TensorParts& batch, std::int64_t index, Stream stream) {
  if (state_.seen.contains(index))
    throw InvalidArgument("batch " + std::to_string(index) + " was already observed");
  collector_->collect(batch, stream);
  state_.seen.insert(index);
  calls_.push_back(index);
  if (spec_.scope == CalibrationScope::accumulated) return;
  absorb(collector_->take_all(Wait::no));
}

void TensorCalibration::absorb(const std::vector<Summary>& batches) {
  for (const Summary& summary : batches) {
    const std::int64_t index = calls_[absorbed_++];
    state_.elements += summary.elements;
    state_.non_finite += summary.non_finite;
    refuse_left_out(summary);
    if (summary.batches > 0) state_.batches.emplace(index, search_batch(summary));
  }
}

void TensorCalibration::refuse_left_out(const Summary& summary) const {
  if (spec_.collect.non_finite != NonFinite::reject || summary.left_out.empty()) return;
  const LeftOut& first = summary.left_out.front();
  throw InvalidArgument("batch " + std::to_string(calls_[static_cast<std::size_t>(first.call)]) + " holds " +
                        std::to_string(first.non_finite) +
                        " NaN or infinite values (as float32); "
                        "--non-finite skip-batch or ignore goes on without them");
}

BatchChoices TensorCalibration::search_batch(const Summary& summary) const {
  BatchChoices batch;
  batch.negatives = has_negatives(summary);
  batch.variants.resize(spec_.variants.size());
  for (std::size_t variant = 0; variant < spec_.variants.size(); ++variant) {
    const bool may_be_ruled_out = spec_.variants.size() > 1 && !spec_.variants[variant].is_signed;
    if (may_be_ruled_out && batch.negatives) continue;
    batch.variants[variant] = search_channels(summary, variant, spec_);
  }
  return batch;
}

const TensorState& TensorCalibration::state() {
  if (spec_.scope == CalibrationScope::accumulated) {
    Summary summary = collector_->take();
    refuse_left_out(summary);
    summary.left_out.clear();
    state_.accumulated = merged_ ? qcal::merge(summary, *merged_, spec_.collect.binning) : std::move(summary);
  } else {
    absorb(collector_->take_all(Wait::yes));
  }
  return state_;
}

void TensorCalibration::merge(TensorState theirs) {
  if (theirs.seen.empty()) return;
  if (const auto index = state_.seen.common(theirs.seen))
    throw InvalidArgument("both shards hold batch " + std::to_string(*index));
  if (!state_.seen.empty() && !splits(spec_))
    throw InvalidArgument("its histogram depends on the order of batches, so shards of it cannot be merged");
  if (theirs.accumulated) {
    if (state_.seen.empty()) {
      collector_->resume(std::move(*theirs.accumulated));
    } else {
      merged_ = merged_ ? qcal::merge(*merged_, *theirs.accumulated, spec_.collect.binning)
                        : std::move(*theirs.accumulated);
    }
  } else {
    absorb(collector_->take_all(Wait::yes));
    state_.batches.merge(std::move(theirs.batches));
    state_.elements += theirs.elements;
    state_.non_finite += theirs.non_finite;
  }
  state_.seen.merge(theirs.seen);
}

TensorOutcome TensorCalibration::finish() {
  return spec_.scope == CalibrationScope::accumulated ? finish_accumulated() : finish_per_batch();
}

TensorOutcome TensorCalibration::finish_accumulated() {
  const Summary& summary = *state().accumulated;
  if (summary.batches == 0) throw InvalidArgument("no batch held a finite value to calibrate on");
  const std::size_t variant = spec_.variants.size() > 1 && has_negatives(summary) ? 1 : 0;
  TensorOutcome outcome;
  outcome.settings = with_vitis_sign(spec_.variants[variant], has_negatives(summary), spec_.preset());
  outcome.channels = search_channels(summary, variant, spec_);
  outcome.batches = summary.batches;
  outcome.elements = summary.elements;
  outcome.non_finite = summary.non_finite;
  return outcome;
}

TensorOutcome TensorCalibration::finish_per_batch() {
  const auto& batches = state().batches;
  if (batches.empty()) throw InvalidArgument("no batch held a finite value to calibrate on");
  const bool negatives =
      std::any_of(batches.begin(), batches.end(), [](const auto& entry) { return entry.second.negatives; });
  const std::size_t variant = spec_.variants.size() > 1 && negatives ? 1 : 0;
  TensorOutcome outcome;
  outcome.settings = with_vitis_sign(spec_.variants[variant], negatives, spec_.preset());
  const std::size_t channels = batches.begin()->second.variants[variant].size();
  for (const auto& [index, batch] : batches) {
    if (batch.variants[variant].size() != channels) {
      throw InvalidArgument("batch " + std::to_string(index) + " has " +
                            std::to_string(batch.variants[variant].size()) + " channels, others have " +
                            std::to_string(channels));
    }
    outcome.per_batch.push_back(batch.variants[variant]);
  }
  for (std::size_t channel = 0; channel < channels; ++channel) {
    std::vector<ScaleChoice> over_time;
    over_time.reserve(outcome.per_batch.size());
    for (const auto& batch : outcome.per_batch) over_time.push_back(batch[channel]);
    outcome.channels.push_back(over_batches(over_time, spec_.statistic, outcome.settings, spec_.preset()));
  }
  outcome.batches = static_cast<std::int64_t>(batches.size());
  outcome.elements = state_.elements;
  outcome.non_finite = state_.non_finite;
  return outcome;
}

}  // namespace qcal
