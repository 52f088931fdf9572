#include "engine/state/tensor_bytes.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "engine/collect/tensor_parameters.h"
#include "kernels/gathering.h"

namespace qcal {
namespace {

constexpr std::uint64_t largest_index = std::numeric_limits<std::int64_t>::max();

// Beyond all float32 numbers and their steps; sums of it stay finite.
double finite(ByteReader& from, double value, const char* what) {
  if (!(std::fabs(value) <= 0x1p256)) from.refuse(fmt::format("{} of {}", what, value));
  return value;
}

double scale_from(ByteReader& from) {
  const double scale = finite(from, from.real64(), "a scale");
  if (scale < 0.0) from.refuse("a scale below 0");
  return scale;
}

// Of quantizers of up to 32 bits.
std::int64_t integer_from(ByteReader& from) {
  constexpr std::int64_t most = std::int64_t{1} << 32;
  const std::int64_t value = from.integer();
  if (value < -most || value > most) from.refuse(fmt::format("an integer of {}", value));
  return value;
}

// amax and the ends of a range can pass what a float32 holds.
void write_choice(ByteWriter& to, const ScaleChoice& choice) {
  to.real(choice.scale);
  to.integer(choice.zero_point);
  to.real(choice.amax);
  to.real(choice.low);
  to.real(choice.high);
}

ScaleChoice read_choice(ByteReader& from) {
  ScaleChoice choice;
  choice.scale = scale_from(from);
  choice.zero_point = integer_from(from);
  choice.amax = finite(from, from.real64(), "a magnitude");
  choice.low = static_cast<float>(finite(from, from.real32(), "an end of a range"));
  choice.high = static_cast<float>(finite(from, from.real32(), "an end of a range"));
  return choice;
}

constexpr std::size_t least_choice_bytes = 8 + 1 + 8 + 4 + 4;

void write_batch(ByteWriter& to, const BatchChoices& batch) {
  to.flag(batch.negatives);
  for (const std::vector<ScaleChoice>& variant : batch.variants) {
    to.whole(variant.size());
    for (const ScaleChoice& choice : variant) write_choice(to, choice);
  }
}

std::size_t channels_from(ByteReader& from, std::size_t least_bytes, const TensorSpec& spec) {
  const std::size_t channels = from.count(least_bytes, "channels");
  if (!spec.collect.channel_axis && channels > 1)
    from.refuse(fmt::format("{} channels of a tensor with one scale", channels));
  return channels;
}

// The signs that data may rule out: unsigned ones, where there is a choice.
bool may_be_empty(const TensorSpec& spec, std::size_t variant, bool negatives) {
  return negatives && spec.variants.size() > 1 && !spec.variants[variant].is_signed;
}

BatchChoices read_batch(ByteReader& from, const TensorSpec& spec) {
  BatchChoices batch;
  batch.negatives = from.flag();
  for (std::size_t variant = 0; variant < spec.variants.size(); ++variant) {
    const std::size_t channels = channels_from(from, least_choice_bytes, spec);
    if ((channels == 0) != may_be_empty(spec, variant, batch.negatives))
      from.refuse(fmt::format("a batch with choices for {} channels", channels));
    std::vector<ScaleChoice>& choices = batch.variants.emplace_back();
    choices.reserve(channels);
    for (std::size_t i = 0; i < channels; ++i) choices.push_back(read_choice(from));
  }
  return batch;
}

void write_range(ByteWriter& to, const ValueRange& range) {
  to.real(range.min);
  to.real(range.max);
  to.whole(range.elements);
  to.whole(range.non_finite);
}

ValueRange read_range(ByteReader& from) {
  ValueRange range;
  range.min = from.real32();
  range.max = from.real32();
  range.elements = from.whole();
  range.non_finite = from.whole(range.elements, "a count of values that are not finite");
  const ValueRange none;
  const bool is_none = range.min == none.min && range.max == none.max;
  const bool is_range = std::isfinite(range.min) && std::isfinite(range.max) && range.min <= range.max;
  if (range.empty() ? !is_none : !is_range) from.refuse("a range that no values have");
  return range;
}

// Bins on multiples of a power of two follow from the range; only what is in them is kept.
Histogram read_dyadic(ByteReader& from, const ValueRange& range, Binning binning) {
  Histogram histogram = empty_histogram(range, binning);
  std::uint64_t left = range.elements - range.non_finite;
  for (std::uint64_t& count : histogram.counts) {
    count = from.whole(left, "a bin");
    left -= count;
  }
  if (left > 0) from.refuse("a histogram of fewer values than there were");
  return histogram;
}

void write_vitis(ByteWriter& to, const Histogram& histogram) {
  to.whole(histogram.counts.size());
  for (const float edge : histogram.edges) to.real(edge);
  for (const std::uint64_t count : histogram.counts) to.whole(count);
}

Histogram read_vitis(ByteReader& from) {
  Histogram histogram;
  const std::size_t bins = from.count(sizeof(float) + 1, "bins");
  if (bins < histogram_bins) from.refuse(fmt::format("a histogram of {} bins", bins));
  for (std::size_t i = 0; i <= bins; ++i) {
    const auto edge = static_cast<float>(finite(from, from.real32(), "an edge of a bin"));
    if (i == 0 ? edge != 0.0F : edge < histogram.edges.back()) from.refuse("bins that are not in order");
    histogram.edges.push_back(edge);
  }
  for (std::size_t i = 0; i < bins; ++i)
    histogram.counts.push_back(from.whole(std::uint64_t{1} << 25, "a bin"));
  histogram.high = histogram.edges.back();
  histogram.width = histogram.edges[1] - histogram.edges[0];
  if (!(histogram.width > 0.0) && histogram.high > 0.0) from.refuse("bins without width");
  return histogram;
}

void write_summary(ByteWriter& to, const Summary& summary, Binning binning) {
  to.whole(static_cast<std::uint64_t>(summary.batches));
  to.whole(summary.elements);
  to.whole(summary.non_finite);
  to.whole(summary.channels.size());
  for (const ChannelSummary& channel : summary.channels) {
    write_range(to, channel.range);
    if (binning == Binning::vitis) {
      write_vitis(to, channel.histogram);
    } else {
      for (const std::uint64_t count : channel.histogram.counts) to.whole(count);
    }
  }
}

Summary read_summary(ByteReader& from, const TensorSpec& spec) {
  const Binning binning = spec.collect.binning;
  Summary summary;
  summary.batches = static_cast<std::int64_t>(from.whole(largest_index, "a number of batches"));
  summary.elements = from.whole();
  summary.non_finite = from.whole(summary.elements, "a count of values that are not finite");
  const std::size_t channels = channels_from(from, 4 + 4 + 1 + 1, spec);
  if ((channels > 0) != (summary.batches > 0))
    from.refuse(fmt::format("{} batches of {} channels", summary.batches, channels));
  for (std::size_t i = 0; i < channels; ++i) {
    ChannelSummary& channel = summary.channels.emplace_back();
    channel.range = read_range(from);
    if (is_dyadic(binning)) channel.histogram = read_dyadic(from, channel.range, binning);
    if (binning == Binning::vitis) channel.histogram = read_vitis(from);
  }
  return summary;
}

}  // namespace

void write_indices(ByteWriter& to, const IndexSet& indices) {
  to.whole(indices.runs().size());
  for (const auto& [first, last] : indices.runs()) {
    to.integer(first);
    to.whole(static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first));
  }
}

IndexSet read_indices(ByteReader& from) {
  IndexSet indices;
  const std::size_t runs = from.count(2, "runs of batches");
  for (std::size_t i = 0; i < runs; ++i) {
    const std::int64_t first = from.integer();
    const auto room = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) -
                      static_cast<std::uint64_t>(first);
    const std::uint64_t more = from.whole(room, "a run of batches");
    if (!indices.empty() && first <= indices.largest()) from.refuse("batches that are not in order");
    indices.insert_run(first, static_cast<std::int64_t>(static_cast<std::uint64_t>(first) + more));
  }
  return indices;
}

void write_state(ByteWriter& to, const TensorState& state, const TensorSpec& spec) {
  write_indices(to, state.seen);
  if (spec.scope == CalibrationScope::accumulated)
    return write_summary(to, state.accumulated.value_or(Summary{}), spec.collect.binning);
  to.whole(state.elements);
  to.whole(state.non_finite);
  to.whole(state.batches.size());
  for (const auto& [index, batch] : state.batches) {
    to.integer(index);
    write_batch(to, batch);
  }
}

TensorState read_state(ByteReader& from, const TensorSpec& spec) {
  TensorState state;
  state.seen = read_indices(from);
  if (spec.scope == CalibrationScope::accumulated) {
    state.accumulated = read_summary(from, spec);
    return state;
  }
  state.elements = from.whole();
  state.non_finite = from.whole(state.elements, "a count of values that are not finite");
  const std::size_t batches = from.count(2 + least_choice_bytes, "batches");
  for (std::size_t i = 0; i < batches; ++i) {
    const std::int64_t index = from.integer();
    if (!state.seen.contains(index)) from.refuse(fmt::format("batch {}, which was not seen", index));
    if (!state.batches.emplace(index, read_batch(from, spec)).second)
      from.refuse(fmt::format("batch {} twice", index));
  }
  return state;
}

void write_found(ByteWriter& to, const TensorParameters& parameters) {
  to.flag(parameters.is_signed);
  to.flag(parameters.symmetric);
  to.flag(parameters.scale_type == ScaleType::power_of_two);
  to.integer(parameters.qmin);
  to.integer(parameters.qmax);
  to.whole(static_cast<std::uint64_t>(parameters.batches));
  to.whole(parameters.elements);
  to.whole(parameters.non_finite);
  const auto write = [&](const std::vector<double>& scale, const std::vector<std::int64_t>& zero_point,
                         const std::vector<double>& amax) {
    for (std::size_t i = 0; i < scale.size(); ++i) {
      to.real(scale[i]);
      to.integer(zero_point[i]);
      to.real(amax[i]);
    }
  };
  to.whole(parameters.scale.size());
  write(parameters.scale, parameters.zero_point, parameters.amax);
  const PerBatch& each = parameters.per_batch;
  to.whole(each.scale.size());
  for (std::size_t i = 0; i < each.scale.size(); ++i) write(each.scale[i], each.zero_point[i], each.amax[i]);
}

TensorParameters read_found(ByteReader& from, TensorParameters planned) {
  planned.is_signed = from.flag();
  planned.symmetric = from.flag();
  planned.scale_type = from.flag() ? ScaleType::power_of_two : ScaleType::float_scale;
  planned.qmin = integer_from(from);
  planned.qmax = integer_from(from);
  if (planned.qmin > 0 || planned.qmax <= 0) from.refuse("integers without 0");
  planned.batches = static_cast<std::int64_t>(from.whole(largest_index, "a number of batches"));
  planned.elements = from.whole();
  planned.non_finite = from.whole(planned.elements, "a count of values that are not finite");
  const auto read = [&](std::size_t count, std::vector<double>& scale, std::vector<std::int64_t>& zero_point,
                        std::vector<double>& amax) {
    for (std::size_t i = 0; i < count; ++i) {
      scale.push_back(scale_from(from));
      zero_point.push_back(integer_from(from));
      amax.push_back(finite(from, from.real64(), "a magnitude"));
    }
  };
  constexpr std::size_t least_bytes = 8 + 1 + 8;
  const std::size_t channels = from.count(least_bytes, "channels");
  if (channels == 0 || (planned.granularity == Granularity::per_tensor && channels > 1))
    from.refuse(fmt::format("scales of {} channels", channels));
  read(channels, planned.scale, planned.zero_point, planned.amax);
  PerBatch& each = planned.per_batch;
  const std::size_t batches = from.count(channels * least_bytes, "batches");
  for (std::size_t i = 0; i < batches; ++i)
    read(channels, each.scale.emplace_back(), each.zero_point.emplace_back(), each.amax.emplace_back());
  set_fix_pos(planned);
  return planned;
}

}  // namespace qcal
