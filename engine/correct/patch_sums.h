// The mean input patch of a layer with weights, gathered sample by sample.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

// Sums over output positions and samples: for each input channel and each offset of the window (C order), of
// the inputs that it meets. Divided by `positions` they are the mean patch, which weights turn into the mean
// output.
struct PatchTotals {
  std::vector<double> sums;
  std::int64_t positions = 0;
  std::int64_t samples = 0;

  void add(const std::vector<double>& sample, std::int64_t sample_positions);
  std::vector<double> means() const;
};

// Reads an input in C order, in pieces of any size. A sample is one entry of the leading dimension; every
// fourth (3, 7, 11, ..., counted over all batches) is held back from `fitted`. Additions are those of
// patch_sums_math.h, so the split into batches and pieces changes nothing. Memory: three numbers for each
// input channel and offset, and one row.
class PatchSums {
 public:
  virtual ~PatchSums() = default;

  // Starts a batch of that shape.
  void begin(const Shape& batch);
  // Its next values.
  void add(std::span<const float> values);

  const PatchTotals& fitted() const { return fitted_; }
  const PatchTotals& held_back() const { return held_back_; }
  // Why nothing can be said: a batch whose shape does not fit the layer. Empty where all is well.
  const std::string& problem() const { return problem_; }

 protected:
  struct Layout {
    std::int64_t samples = 0;
    std::int64_t rows = 0;  // of a sample
    std::int64_t row_length = 0;
    std::int64_t positions = 0;  // of the output, for a sample
    std::size_t sums = 0;
  };
  // Absent where the shape does not fit.
  virtual std::optional<Layout> layout_of(const Shape& batch) = 0;
  // Adds row `index` of a sample.
  virtual void add_row(std::int64_t index, const float* row, std::vector<double>& sums) = 0;

 private:
  void take_row(const float* row);

  PatchTotals fitted_;
  PatchTotals held_back_;
  std::string problem_;
  Layout layout_;
  std::int64_t sample_ = 0;  // over all batches
  std::int64_t row_ = 0;     // of this sample
  std::vector<double> sample_sums_;
  std::vector<float> pending_;  // the beginning of a row
};

// Of a Conv or ConvTranspose: inputs are [N, channels, spatial...]. `node` must outlive the result.
std::unique_ptr<PatchSums> window_patch_sums(const Node& node, Shape weights, std::int64_t channels);

// Of a Gemm (without transA) or MatMul: inputs end in, or consist of, rows of `features` values.
std::unique_ptr<PatchSums> row_patch_sums(std::int64_t features);

}  // namespace qcal
