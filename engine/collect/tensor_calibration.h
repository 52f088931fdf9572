// The calibration of one tensor: batches in, one scale and zero point (a channel) out.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/collect/tensor_spec.h"
#include "engine/collect/tensor_state.h"
#include "kernels/backend.h"

namespace qcal {

struct TensorOutcome {
  SearchSettings settings;            // with the sign that the data decided
  std::vector<ScaleChoice> channels;  // one, or one a channel
  std::vector<std::vector<ScaleChoice>>
      per_batch;  // [batch][channel] in batch order; empty where accumulated
  std::int64_t batches = 0;
  std::uint64_t elements = 0;
  std::uint64_t non_finite = 0;
};

// Not thread-safe; different tensors are independent. Errors are InvalidArgument and do not name the tensor:
// the caller, who knows the name, adds it.
class TensorCalibration {
 public:
  TensorCalibration(TensorSpec spec, const Backend& backend);

  // One batch. `index` orders the batches for mean (and for what is reported); it may be any number not used
  // before.
  void observe(const TensorParts& batch, std::int64_t index, Stream stream);
  void observe(const TensorView& batch, std::int64_t index, Stream stream) {
    observe(WholeTensor(batch), index, stream);
  }

  // Takes over the batches that another calibration of the same tensor has seen; before the first batch, goes
  // on from them. Throws where both hold a batch, and where the order of batches matters (see splits()) and
  // this one has seen some already.
  void merge(TensorState theirs);
  void merge(TensorCalibration&& shard) { merge(shard.state()); }

  // All of it so far; valid until the next call. Waits for a device. Throws for batches that the non-finite
  // policy refuses.
  const TensorState& state();

  // Throws where no batch held a value.
  TensorOutcome finish();

 private:
  // Searches what the collector has finished of the batches since the last call.
  void absorb(const std::vector<Summary>& batches);
  BatchChoices search_batch(const Summary& summary) const;
  void refuse_left_out(const Summary& summary) const;
  TensorOutcome finish_accumulated();
  TensorOutcome finish_per_batch();

  TensorSpec spec_;
  std::unique_ptr<Collector> collector_;
  TensorState state_;                // its summary only where state() was asked
  std::vector<std::int64_t> calls_;  // index of each collect() call, in call order
  std::size_t absorbed_ = 0;         // of these calls, by absorb()
  std::optional<Summary> merged_;    // accumulated summaries of merged shards
};

}  // namespace qcal
