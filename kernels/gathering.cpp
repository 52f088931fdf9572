#include "kernels/gathering.h"

#include <string>

#include "kernels/error.h"

namespace qcal {

bool is_dyadic(Binning binning) {
  return binning == Binning::dyadic_magnitude || binning == Binning::dyadic_value;
}

Counted counted_by(Binning binning) {
  const bool value = binning == Binning::linear_value || binning == Binning::dyadic_value;
  return value ? Counted::value : Counted::magnitude;
}

Histogram empty_histogram(const ValueRange& range, Binning binning) {
  if (binning == Binning::none || binning == Binning::vitis) return {};
  return is_dyadic(binning) ? dyadic_histogram(range, counted_by(binning))
                            : linear_histogram(range, counted_by(binning));
}

Gathering::Gathering(const CollectSpec& spec) : spec_(spec) {
  if (spec.accumulate && !spec.candidates.empty()) {
    throw InvalidArgument("squared errors of single batches cannot be accumulated: their candidates differ");
  }
}

void Gathering::expect_channels(std::size_t count) {
  if (!spec_.accumulate) return;
  if (!channels_) channels_ = count;
  if (*channels_ != count) {
    throw InvalidArgument("this batch has " + std::to_string(count) + " channels, earlier ones had " +
                          std::to_string(*channels_));
  }
}

Summary& Gathering::current() {
  if (summaries_.empty() || !spec_.accumulate) summaries_.emplace_back();
  return summaries_.back();
}

bool Gathering::enter(std::span<const ValueRange> ranges) {
  Summary& summary = current();
  std::uint64_t elements = 0;
  std::uint64_t non_finite = 0;
  for (const ValueRange& range : ranges) {
    elements += range.elements;
    non_finite += range.non_finite;
  }
  summary.elements += elements;
  summary.non_finite += non_finite;
  const std::int64_t call = calls_++;
  if (non_finite > 0 && spec_.non_finite != NonFinite::ignore) {
    summary.left_out.push_back({call, non_finite});
    return false;
  }
  if (non_finite == elements) return false;  // empty, or no finite value to use
  ++summary.batches;
  return true;
}

void Gathering::add(std::vector<ChannelSummary> batch) {
  Summary& summary = summaries_.back();
  if (summary.channels.empty()) {
    summary.channels = std::move(batch);
    return;
  }
  for (std::size_t at = 0; at < batch.size(); ++at) {
    ChannelSummary& gathered = summary.channels[at];
    gathered.range = merge(gathered.range, batch[at].range);
    gathered.histogram = is_dyadic(spec_.binning) ? merge(gathered.histogram, batch[at].histogram)
                                                  : std::move(batch[at].histogram);
  }
}

const Histogram& Gathering::histogram(std::size_t channel) const {
  static const Histogram none;
  if (!spec_.accumulate || summaries_.empty() || summaries_.back().channels.empty()) return none;
  return summaries_.back().channels[channel].histogram;
}

void Gathering::resume(Summary earlier) {
  if (!spec_.accumulate || calls_ > 0 || !summaries_.empty())
    throw InvalidArgument("only an accumulating collector goes on from a summary, before its first batch");
  if (!earlier.channels.empty()) channels_ = earlier.channels.size();
  earlier.left_out.clear();
  summaries_.push_back(std::move(earlier));
}

std::vector<Summary> Gathering::take() {
  if (spec_.accumulate) return summaries_;
  std::vector<Summary> taken;
  std::swap(taken, summaries_);
  return taken;
}

Summary merge(const Summary& a, const Summary& b, Binning binning) {
  Summary both = a.channels.empty() ? b : a;
  both.batches = a.batches + b.batches;
  both.elements = a.elements + b.elements;
  both.non_finite = a.non_finite + b.non_finite;
  both.left_out = a.left_out;
  both.left_out.insert(both.left_out.end(), b.left_out.begin(), b.left_out.end());
  if (a.channels.empty() || b.channels.empty()) return both;
  if (binning != Binning::none && !is_dyadic(binning)) {
    throw InvalidArgument("these histograms depend on the order of their batches and cannot be merged");
  }
  if (a.channels.size() != b.channels.size()) {
    throw InvalidArgument("cannot merge " + std::to_string(a.channels.size()) + " channels with " +
                          std::to_string(b.channels.size()));
  }
  for (std::size_t i = 0; i < both.channels.size(); ++i) {
    both.channels[i].range = merge(a.channels[i].range, b.channels[i].range);
    both.channels[i].histogram = merge(a.channels[i].histogram, b.channels[i].histogram);
  }
  return both;
}

Summary Collector::take() {
  std::vector<Summary> summaries = take_all(Wait::yes);
  if (summaries.size() > 1) {
    throw InvalidArgument("one summary was asked for, but " + std::to_string(summaries.size()) +
                          " batches were collected");
  }
  return summaries.empty() ? Summary{} : std::move(summaries.front());
}

}  // namespace qcal
