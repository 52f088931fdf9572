// Where qcal and vai_q_pytorch differ, as data: one preset struct, two values.
#pragma once

#include "config/settings.h"
#include "kernels/batch_statistic.h"

namespace qcal {

// Which of several candidates of equal cost wins.
enum class Tie { first, last };

// The smallest window that a histogram search tries: the largest of these, and at most all bins.
struct StartRule {
  double share_of_bins;
  int bins;
  bool at_least_levels;  // fewer bins than quantized levels leave nothing to decide
};

struct Preset {
  // Ranges.
  bool zero_in_range;           // asymmetric ranges are widened to hold 0, so that real 0 is an integer
  bool asymmetric_is_unsigned;  // asymmetric integers are [0, 2^b-1], whatever `signed` says
  bool fold_negatives;       // unsigned searches on histograms take magnitudes instead of refusing negatives
  bool float32_per_channel;  // per-channel parameters are computed in float32
  double zero_scale;         // scale of an all-zero tensor
  // Histograms.
  bool float32_histogram;  // float32 edges and counters, sequential growth; otherwise exact counts
  // Searches. Candidates are bin edges from a start by `stride`.
  StartRule mse_start;
  StartRule entropy_start;
  int stride;
  bool nan_wins;  // a candidate whose cost is NaN beats every number (NumPy's argmin)
  Tie mse_tie;
  Tie entropy_tie;
  bool percentile_interpolates;  // inside its bin; otherwise its lower edge
  // Power-of-two scales.
  bool fix_pos_rule;  // vai_q_pytorch's own five-step search in float32, with its upper limits
  // Over batches.
  ModalRule modal;
  bool statistic_over_ends;  // asymmetric: over both ends of the range; otherwise scale and zero point alone
  bool zero_batches_count;   // a batch of zeros takes part; otherwise it has no range of its own and is left
                             // out
};

inline constexpr Preset standard_preset{
    .zero_in_range = true,
    .asymmetric_is_unsigned = false,
    .fold_negatives = false,
    .float32_per_channel = false,
    .zero_scale = 0x1p-18,
    .float32_histogram = false,
    .mse_start = {.share_of_bins = 0.0, .bins = 1, .at_least_levels = true},
    .entropy_start = {.share_of_bins = 0.75, .bins = 1, .at_least_levels = true},
    .stride = 1,
    .nan_wins = false,
    .mse_tie = Tie::last,
    .entropy_tie = Tie::last,
    .percentile_interpolates = true,
    .fix_pos_rule = false,
    .modal = ModalRule::octaves,
    .statistic_over_ends = true,
    .zero_batches_count = false,
};

inline constexpr Preset vitis_preset{
    .zero_in_range = false,
    .asymmetric_is_unsigned = true,
    .fold_negatives = true,
    .float32_per_channel = true,
    .zero_scale = 0.0,
    .float32_histogram = true,
    .mse_start = {.share_of_bins = 0.0, .bins = 1536, .at_least_levels = false},
    .entropy_start = {.share_of_bins = 0.0, .bins = 1536, .at_least_levels = false},
    .stride = 16,
    .nan_wins = true,
    .mse_tie = Tie::first,
    .entropy_tie = Tie::last,
    .percentile_interpolates = false,
    .fix_pos_rule = true,
    .modal = ModalRule::exact,
    .statistic_over_ends = false,
    .zero_batches_count = true,
};

constexpr const Preset& preset_of(Compatibility compatibility) {
  return compatibility == Compatibility::vitis ? vitis_preset : standard_preset;
}

}  // namespace qcal
