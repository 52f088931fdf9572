// What a collector has gathered: which batches count, and how they become summaries. Shared by all back ends.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/collector.h"

namespace qcal {

bool is_dyadic(Binning binning);
Counted counted_by(Binning binning);

// The bins of a batch of that range, nothing counted yet. vai_q_pytorch's bins depend on earlier batches and
// are made elsewhere.
Histogram empty_histogram(const ValueRange& range, Binning binning);

class Gathering {
 public:
  // Throws InvalidArgument for a spec that accumulates squared errors or moments.
  explicit Gathering(const CollectSpec& spec);

  // Throws InvalidArgument where an accumulating collector's earlier batches had another number of channels.
  void expect_channels(std::size_t count);
  // Enters the next batch by its channels' ranges. False where it contributes nothing: it is left out, or
  // holds no finite value.
  bool enter(std::span<const ValueRange> ranges);
  // What the batch that enter() admitted last says of each channel.
  void add(std::vector<ChannelSummary> batch);
  // The accumulated histogram of a channel; without bins before the first batch.
  const Histogram& histogram(std::size_t channel) const;

  // See Collector::resume().
  void resume(Summary earlier);

  // See Collector::take_all().
  std::vector<Summary> take();

 private:
  Summary& current();

  CollectSpec spec_;
  std::optional<std::size_t> channels_;
  std::vector<Summary> summaries_;
  std::int64_t calls_ = 0;
};

}  // namespace qcal
