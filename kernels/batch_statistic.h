// One number from the numbers of many batches.
#pragma once

#include <span>

namespace qcal {

enum class Statistic { modal, max, mean, median };

// What "most frequent" means for numbers that hardly ever repeat exactly.
enum class ModalRule {
  exact,    // the most frequent value, the smallest on a tie (vai_q_pytorch)
  octaves,  // bins of 1/8 octave of the magnitude; the median of the fullest bin, the smaller bin on a tie
};

// `values` in batch order, at least one. The mean is NumPy's pairwise mean in that order; the median of an
// even count is the mean of the two middle values. max, median and modal do not depend on the order.
double batch_statistic(std::span<const double> values, Statistic statistic, ModalRule rule);

}  // namespace qcal
