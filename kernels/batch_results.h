// Where one batch's results and scratch lie in a slot's memory, and what the results mean.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/bin_plan_math.h"
#include "kernels/collector.h"
#include "kernels/device_range_math.h"
#include "kernels/scale_error_cuda.h"

namespace qcal {

class BatchResults {
 public:
  // Counters of bit patterns, and how many of a batch's values make them worth while: fewer than that are
  // read twice in less time than the counters take.
  static constexpr std::int64_t patterns_pay_from = 1 << 18;

  // Of `channels` channels with `elements` values each, arriving in pieces of at most `chunks` chunks, those
  // of all channels together.
  BatchResults(const CollectSpec& spec, std::int64_t channels, std::int64_t elements, std::int64_t chunks,
               bool by_patterns);

  std::int64_t channels() const { return channels_; }
  std::uint64_t elements() const { return static_cast<std::uint64_t>(elements_); }

  // Bytes from the start of the memory: what the host reads, what must be zeroed first, all.
  std::size_t result_bytes() const { return errors_ + error_sets_ * channel_errors_bytes(); }
  std::size_t zeroed_bytes() const { return zeroed_bytes_; }
  std::size_t bytes() const { return bytes_; }

  DeviceRange* ranges(std::byte* memory) const;
  std::uint64_t* counts(std::byte* memory) const;
  BinPlan* plans(std::byte* memory) const;
  std::uint64_t* patterns(std::byte* memory) const;
  CandidateErrors* errors(std::byte* memory, std::size_t set) const;
  ErrorState error_state(std::byte* memory, std::size_t set) const;

  // From results that were copied to the host.
  std::vector<ValueRange> ranges_in(const std::byte* results) const;
  std::vector<ChannelSummary> summaries_in(const std::byte* results) const;

 private:
  std::size_t channel_errors_bytes() const {
    return static_cast<std::size_t>(channels_) * sizeof(CandidateErrors);
  }

  Binning binning_;
  std::int64_t channels_;
  std::int64_t elements_;
  std::size_t error_sets_;
  // Offsets; ranges lie at 0.
  std::size_t counts_ = 0;
  std::size_t errors_ = 0;
  std::size_t trees_ = 0;
  std::size_t patterns_ = 0;
  std::size_t plans_ = 0;
  std::size_t specs_ = 0;
  std::size_t open_ = 0;
  std::size_t chunk_sums_ = 0;
  std::size_t chunk_sums_bytes_ = 0;  // of one set
  std::size_t zeroed_bytes_ = 0;
  std::size_t bytes_ = 0;
};

// True where a batch's own range decides its bins.
bool is_planned(Binning binning);

}  // namespace qcal
