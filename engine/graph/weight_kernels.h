// Which output and which input channel each weight of a layer lies between.
#pragma once

#include <cstddef>
#include <type_traits>

#include "engine/graph/weighted_operator.h"

namespace qcal {

// The weights between one output and one input channel follow each other: `size` of them from `first` on, in
// C order. Channels are counted over all groups.
struct WeightKernel {
  std::size_t first;
  std::size_t size;
  std::size_t output;
  std::size_t input;
};

// The kernels of a layer. Those of a MatMul with more than two axes lie between the rows of all its matrices
// and their columns.
class WeightKernels {
 public:
  explicit WeightKernels(const WeightedOperator& layer);

  std::size_t count() const { return rows_ * columns_; }
  std::size_t inputs() const { return rows_are_outputs_ ? rows_ / rows_of_group_ * columns_ : rows_; }
  // As many, of one weight each.
  WeightKernels of_single_weights() const;

  // In the order of the weights. The visit is compiled into loops of fixed layout: a pass over large weights
  // costs about as much as reading them.
  template <class Visit>
  void for_each(const Visit& visit) const {
    if (rows_are_outputs_)
      walk_sized<true>(visit);
    else
      walk_sized<false>(visit);
  }

 private:
  template <bool rows_are_outputs, class Visit>
  void walk_sized(const Visit& visit) const {
    if (size_ == 1)
      walk<rows_are_outputs>(std::integral_constant<std::size_t, 1>{}, visit);
    else
      walk<rows_are_outputs>(size_, visit);
  }

  template <bool rows_are_outputs, class Size, class Visit>
  void walk(Size size, const Visit& visit) const {
    std::size_t first = 0;
    for (std::size_t row = 0; row < rows_; ++row) {
      const std::size_t begin = row / rows_of_group_ * columns_;
      for (std::size_t column = begin; column < begin + columns_; ++column, first += size) {
        if constexpr (rows_are_outputs)
          visit(WeightKernel{first, size, row, column});
        else
          visit(WeightKernel{first, size, column, row});
      }
    }
  }

  bool rows_are_outputs_;
  std::size_t rows_ = 1;
  std::size_t rows_of_group_ = 1;
  std::size_t columns_ = 1;
  std::size_t size_ = 1;
};

}  // namespace qcal
