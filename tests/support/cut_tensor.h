// A tensor in memory, handed over in boxes.
#pragma once

#include "kernels/tensor_parts.h"

namespace qcal::testing {

class CutTensor final : public TensorParts {
 public:
  // In boxes of at most `most` elements. The view lies in C order without gaps, on the host.
  CutTensor(const TensorView& view, std::int64_t most) : view_(view), most_(most) {}
  DType dtype() const override { return view_.dtype; }
  const std::vector<std::int64_t>& shape() const override { return view_.shape; }
  bool whole() const override { return false; }
  void for_each(const std::function<void(const TensorPart&)>& visit) const override {
    for (const TensorBox& box : contiguous_boxes(view_.shape, most_)) {
      TensorView part = box_of(view_, box);
      part.strides.clear();
      visit({part, box.origin});
    }
  }

 private:
  TensorView view_;
  std::int64_t most_;
};

}  // namespace qcal::testing
