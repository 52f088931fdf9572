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
  if (seen_.contains(index))
    throw InvalidArgument("batch " + std::to_string(index) + " was already observed");
  collector_->collect(batch, stream);
  seen_.insert(index);
  calls_.push_back(index);
  if (spec_.scope == CalibrationScope::accumulated) return;
  absorb(collector_->take_all(Wait::no));
}

void TensorCalibration::absorb(const std::vector<Summary>& batches) {
  for (const Summary& summary : batches) {
    const std::int64_t index = calls_[absorbed_++];
    elements_ += summary.elements;
    non_finite_ += summary.non_finite;
    refuse_left_out(summary);
    if (summary.batches > 0) batches_.emplace(index, search_batch(summary));
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

TensorCalibration::Batch TensorCalibration::search_batch(const Summary& summary) const {
  Batch batch;
  batch.negatives = has_negatives(summary);
  batch.variants.resize(spec_.variants.size());
  for (std::size_t variant = 0; variant < spec_.variants.size(); ++variant) {
    const bool may_be_ruled_out = spec_.variants.size() > 1 && !spec_.variants[variant].is_signed;
    if (may_be_ruled_out && batch.negatives) continue;
    batch.variants[variant] = search_channels(summary, variant, spec_);
  }
  return batch;
}

void TensorCalibration::merge(TensorCalibration&& shard) {
  for (const std::int64_t index : shard.seen_) {
    if (seen_.contains(index)) throw InvalidArgument("both shards hold batch " + std::to_string(index));
  }
  if (spec_.scope == CalibrationScope::accumulated) {
    Summary theirs = shard.collector_->take();
    shard.refuse_left_out(theirs);
    if (shard.merged_) theirs = qcal::merge(theirs, *shard.merged_, spec_.collect.binning);
    merged_ = merged_ ? qcal::merge(*merged_, theirs, spec_.collect.binning) : std::move(theirs);
    seen_.merge(shard.seen_);
    return;
  }
  absorb(collector_->take_all(Wait::yes));
  shard.absorb(shard.collector_->take_all(Wait::yes));
  seen_.merge(shard.seen_);
  batches_.merge(std::move(shard.batches_));
  elements_ += shard.elements_;
  non_finite_ += shard.non_finite_;
}

TensorOutcome TensorCalibration::finish() {
  return spec_.scope == CalibrationScope::accumulated ? finish_accumulated() : finish_per_batch();
}

TensorOutcome TensorCalibration::finish_accumulated() {
  Summary summary = collector_->take();
  refuse_left_out(summary);
  if (merged_) summary = qcal::merge(summary, *merged_, spec_.collect.binning);
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
  absorb(collector_->take_all(Wait::yes));
  if (batches_.empty()) throw InvalidArgument("no batch held a finite value to calibrate on");
  const bool negatives =
      std::any_of(batches_.begin(), batches_.end(), [](const auto& entry) { return entry.second.negatives; });
  const std::size_t variant = spec_.variants.size() > 1 && negatives ? 1 : 0;
  TensorOutcome outcome;
  outcome.settings = with_vitis_sign(spec_.variants[variant], negatives, spec_.preset());
  const std::size_t channels = batches_.begin()->second.variants[variant].size();
  for (const auto& [index, batch] : batches_) {
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
  outcome.batches = static_cast<std::int64_t>(batches_.size());
  outcome.elements = elements_;
  outcome.non_finite = non_finite_;
  return outcome;
}

}  // namespace qcal
