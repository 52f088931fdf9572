// Gathers what the scale search needs to know about one tensor, batch by batch.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/histogram.h"
#include "kernels/moments_math.h"
#include "kernels/non_finite.h"
#include "kernels/scale_error.h"
#include "kernels/stream.h"
#include "kernels/tensor_parts.h"

namespace qcal {

enum class Binning {
  none,
  linear_magnitude,  // 2048 parts of the batch's own [0, amax]
  linear_value,      // 2048 parts of the batch's own [min, max], 0 included
  dyadic_magnitude,  // mergeable
  dyadic_value,      // mergeable, 0 included
  vitis,             // vai_q_pytorch's: magnitudes, float32 edges, order-dependent growth
};

struct CollectSpec {
  std::optional<int> channel_axis;  // none: one range, histogram and error set for the whole tensor
  Binning binning = Binning::none;
  std::vector<CandidateSpec> candidates;  // squared errors are gathered for each
  NonFinite non_finite = NonFinite::reject;
  bool only_cheapest = false;  // a candidate that cannot be the cheapest may have an infinite error
  bool moments = false;        // sum and sum of squares
  bool accumulate = false;     // batches become one; only without candidates and moments
};

struct ChannelSummary {
  ValueRange range;
  Histogram histogram;                  // no bins where none was asked for, or the data have no finite value
  std::vector<CandidateErrors> errors;  // one per CollectSpec::candidates
  Moments moments;                      // where they were asked for
};

// A batch that the non-finite policy kept out.
struct LeftOut {
  std::int64_t call = 0;  // which collect() it was, from 0
  std::uint64_t non_finite = 0;
};

struct Summary {
  std::vector<ChannelSummary> channels;
  std::int64_t batches = 0;      // that contributed: with a finite value, and not left out
  std::uint64_t elements = 0;    // seen, left-out batches included
  std::uint64_t non_finite = 0;  // likewise
  std::vector<LeftOut> left_out;
};

enum class Wait { no, yes };

// One tensor's collector. Not thread-safe; different collectors are independent.
class Collector {
 public:
  virtual ~Collector() = default;

  // Reads one batch, part by part, once or, where bins or candidates follow from the range, twice. Never
  // waits for a device's answer (Binning::vitis, whose bins follow from earlier batches, excepted): a device
  // view must stay valid until its stream has passed. Throws InvalidArgument where, with `accumulate`, the
  // channel count differs from earlier batches'.
  virtual void collect(const TensorParts& batch, Stream stream) = 0;
  void collect(const TensorView& batch, Stream stream) { collect(WholeTensor(batch), stream); }

  // What was gathered and is finished, in the order of the calls: one summary for each batch since the last
  // call or, with `accumulate`, one of everything since the start, which goes on. Wait::no leaves out what a
  // device has not finished.
  virtual std::vector<Summary> take_all(Wait wait) = 0;

  // Goes on from what another collector of the same spec had gathered, as if its batches had come before
  // these; collect() counts its calls anew. Throws InvalidArgument where this one does not accumulate or has
  // collected already.
  virtual void resume(Summary earlier) = 0;

  // The only summary: for accumulating collectors, or after a single batch. Empty where there was none.
  Summary take();
};

// The summary of all batches of both, for accumulating specs with mergeable binnings.
// Throws InvalidArgument for Binning::vitis, whose result depends on the order of batches.
Summary merge(const Summary& a, const Summary& b, Binning binning);

}  // namespace qcal
