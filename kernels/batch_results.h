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
  // Shared memory of a block that holds the counters of nearly all patterns that occur.
  static constexpr std::size_t patterns_need_shared_bytes = 160 * 1024;

  // Of `channels` channels with `elements` values each, arriving in pieces of at most `chunks` chunks, those
  // of all channels together.
  BatchResults(const CollectSpec& spec, std::int64_t channels, std::int64_t elements, std::int64_t chunks,
               bool by_patterns);

  std::int64_t channels() const { return channels_; }
  std::uint64_t elements() const { return static_cast<std::uint64_t>(elements_); }

  // Bytes from the start of the memory: what the host reads, what must be zeroed first, all.
  std::size_t result_bytes() const { return result_bytes_; }
  std::size_t zeroed_bytes() const { return zeroed_bytes_; }
  std::size_t bytes() const { return bytes_; }

  DeviceRange* ranges(std::byte* memory) const;
  std::uint64_t* counts(std::byte* memory) const;
  BinPlan* plans(std::byte* memory) const;
  std::uint64_t* patterns(std::byte* memory) const;
  CandidateErrors* errors(std::byte* memory, std::size_t set) const;
  Moments* moments(std::byte* memory) const;
  ErrorSpec* specs(std::byte* memory, std::size_t set) const;
  // Of one set of candidates' errors, and of the moments.
  OrderedSumState error_sums(std::byte* memory, std::size_t set) const;
  OrderedSumState moment_sums(std::byte* memory) const;

  // From results that were copied to the host.
  std::vector<ValueRange> ranges_in(const std::byte* results) const;
  std::vector<ChannelSummary> summaries_in(const std::byte* results) const;

 private:
  // Memory of the sums of some terms.
  struct Sums {
    std::size_t open = 0;
    std::size_t next_open = 0;
    std::size_t trees = 0;
    std::size_t chunk_sums = 0;
  };
  OrderedSumState state(std::byte* memory, const Sums& sums) const;

  Binning binning_;
  std::int64_t channels_;
  std::int64_t elements_;
  std::vector<CandidateSpec> candidates_;
  bool has_moments_;
  // Offsets; ranges lie at 0.
  std::size_t counts_ = 0;
  std::size_t errors_ = 0;
  std::size_t moments_ = 0;
  std::size_t patterns_ = 0;
  std::size_t plans_ = 0;
  std::size_t specs_ = 0;
  std::vector<Sums> error_sums_;
  Sums moment_sums_;
  std::size_t result_bytes_ = 0;
  std::size_t zeroed_bytes_ = 0;
  std::size_t bytes_ = 0;
};

// True where a batch's own range decides its bins.
bool is_planned(Binning binning);

}  // namespace qcal
