// The mean input patch of layers with weights, gathered sample by sample.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/patch_sums_math.h"
#include "kernels/stream.h"
#include "kernels/tensor_parts.h"

namespace qcal {

// Which inputs of a batch meet which offset of a layer's window. The batch in C order is rows: of samples, in
// these of channels, in these as many as the axes between the channel and the last one have places.
// Example: [2, 3, 5, 5] under a 3x3 window, pads 1: 2 samples, 3 channels, 5 rows of 5 values; outer is
// {[1, 5), [0, 5), [0, 4)}, each in a list of its own, with nothing left out but padding; inner is the same.
struct PatchWindow {
  std::int64_t samples = 0;
  std::int64_t channels = 1;
  std::int64_t rows = 0;  // of a channel
  std::int64_t row_length = 0;
  std::int64_t positions = 0;  // of the output, for a sample
  // [offset along all axes but the last, one at least]: the rows of a channel that it meets, ascending.
  std::vector<std::vector<CoordinateRange>> outer;
  // [offset along the last axis]: its places in a row. None: each place is an offset of its own.
  std::vector<CoordinateRange> inner;

  std::int64_t sample_rows() const { return channels * rows; }
  std::int64_t inner_offsets() const {
    return inner.empty() ? row_length : static_cast<std::int64_t>(inner.size());
  }
  std::int64_t sums() const { return channels * static_cast<std::int64_t>(outer.size()) * inner_offsets(); }
  bool operator==(const PatchWindow&) const = default;
};

// Sums over output positions and samples: for each channel and each offset of the window (C order), of the
// inputs that it meets. Divided by `positions` they are the mean patch, which weights turn into the mean
// output.
struct PatchTotals {
  std::vector<double> sums;  // empty before the first sample
  std::int64_t positions = 0;
  std::int64_t samples = 0;

  std::vector<double> means() const;
};

// What is_held_back() says of a sample decides to which it is added.
struct PatchSplit {
  PatchTotals fitted;
  PatchTotals held_back;
};

// Of one recorded tensor, for all the layers that read it. Additions are those of patch_sums_math.h, so the
// split into batches and pieces changes nothing. Memory: three numbers for each sum, and one row; on a device
// see cuda_patch_sums.h. Not thread-safe; different objects are independent.
class PatchSums {
 public:
  virtual ~PatchSums() = default;

  // Adds a batch; windows[i] is how layer i sees it, absent where it does not. Never waits for a device's
  // answer: a device view must stay valid until its stream has passed. Throws InvalidArgument for windows of
  // another size than the batch, or of other sums than the layer's before. After any other error the sums are
  // of no use.
  void collect(const TensorParts& batch, const std::vector<std::optional<PatchWindow>>& windows,
               Stream stream);
  // Of a layer. Waits for the device.
  virtual PatchSplit take(std::size_t layer) = 0;

  // Goes on from what another object's take() gave, as if its batches had come before these. Throws
  // InvalidArgument where the layer has seen a batch already.
  void resume(std::size_t layer, const PatchSplit& earlier);

 private:
  virtual void put(std::size_t layer, const PatchSplit& earlier) = 0;
  virtual void add(const TensorParts& batch, const std::vector<std::optional<PatchWindow>>& windows,
                   Stream stream) = 0;

  std::vector<std::int64_t> sums_;  // of each layer; 0 before its first window
};

}  // namespace qcal
