// A batch that may be larger than memory: handed over piece by piece.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "kernels/tensor_view.h"

namespace qcal {

// Part of a tensor's index space: extents from `origin` on, one number a dimension.
struct TensorBox {
  std::vector<std::int64_t> origin;
  std::vector<std::int64_t> shape;
};

// A box of the tensor, in memory for as long as it is being visited.
struct TensorPart {
  TensorView view;  // of the tensor's rank
  std::vector<std::int64_t> origin;
};

class TensorParts {
 public:
  virtual ~TensorParts() = default;

  virtual DType dtype() const = 0;
  virtual const std::vector<std::int64_t>& shape() const = 0;
  // True where for_each visits one part that is the whole tensor.
  virtual bool whole() const = 0;
  // Visits parts that make up the tensor, in C order and each contiguous in it unless whole. May be called
  // again, and then delivers the same values.
  virtual void for_each(const std::function<void(const TensorPart&)>& visit) const = 0;
};

// A tensor in memory: one part.
class WholeTensor final : public TensorParts {
 public:
  // `view` must outlive this object.
  explicit WholeTensor(const TensorView& view) : view_(view) {}

  DType dtype() const override { return view_.dtype; }
  const std::vector<std::int64_t>& shape() const override { return view_.shape; }
  bool whole() const override { return true; }
  void for_each(const std::function<void(const TensorPart&)>& visit) const override;

 private:
  const TensorView& view_;
};

// The tensor, where it lies in device memory, which it does as a whole.
std::optional<TensorView> whole_on_device(const TensorParts& batch);

// Cuts a tensor of `shape` into boxes that are contiguous in C order, of at most `most_elements` (at least 1)
// each; a tensor without elements is one box. Example: {2, 3, 4} at 8 elements gives {1, 2, 4}, {1, 1, 4} and
// the same again.
std::vector<TensorBox> contiguous_boxes(const std::vector<std::int64_t>& shape, std::int64_t most_elements);

// The box of a view, with strides of its own.
TensorView box_of(const TensorView& view, const TensorBox& box);

}  // namespace qcal
