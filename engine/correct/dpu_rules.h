// What the DPU's arithmetic demands of fix positions, beyond what each tensor alone would like.
#pragma once

#include <optional>
#include <vector>

#include "config/settings.h"
#include "engine/correct/positions.h"
#include "engine/graph/graph.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// How far the device shifts. With the positions fi of a layer's input, fw of its weights, fb of its bias and
// fo of its result, shift_cut = fw + fi - fo takes the sum of products to the result, and shift_bias = fw +
// fi - fb the bias to the sum.
struct ShiftLimits {
  int least_cut = 0;
  int most_cut = 16;
  std::optional<int> least_bias{};  // absent: the DPU's, which follows from shift_cut
  int most_bias = 16;
};
inline constexpr ShiftLimits dpu_shift_limits{};
inline constexpr ShiftLimits flexml_shift_limits{.least_cut = -1, .least_bias = 0};

// Least shift_bias of a layer with that shift_cut. The DPU's is min(0, shift_cut - 16): its accumulator has
// 24 bits.
int least_shift_bias(const ShiftLimits& limits, int shift_cut);

// Inputs that are to have the position of the operator's result. All off, as in vai_q_pytorch: integer
// kernels are faster where they agree, and inputs with other ranges lose precision or saturate.
struct Alignment {
  bool concat = false;
  bool add = false;
  bool pool = false;
};

// Of "concat", "add" and "pool". Throws InvalidArgument for another word.
Alignment alignment_of(const std::vector<std::string>& operators);

struct DpuRules {
  Alignment align{};
  ShiftLimits shifts = dpu_shift_limits;
  Compatibility compatibility = Compatibility::standard;
};

struct AdjustedParameters {
  QuantizationParameters parameters;
  std::vector<PositionAdjustment> adjustments;  // in the order in which they were made
  std::vector<PlanNote> notes;                  // layers whose shifts are still out of bounds
};

// Adjusts positions in vai_q_pytorch's order:
//   1. last layer to first: `align`;
//   2. first to last: Pad and nearest Resize take the position of their input (Resize not, and Pad only with
//      Compatibility::vitis, where the result feeds a Concat, whose position all its inputs share); a
//      HardSigmoid's result is at least 7; the inputs of HardSigmoid and HardSwish at least 0; a HardSwish's
//      result at most its input's + 7. Slices and other shape operators have no position of their own: they
//      keep their input's.
//   3. first to last, for layers with weights: where shift_cut is too small, fo becomes fw + fi -
//      shift_cut's bound; where it is too large, fw is reduced. Then shift_bias, whose lower bound follows
//      from shift_cut as it was before: too small, fb is reduced to fit; too large, fw is.
// A tensor with several scales, a float scale or a zero point has no position: rules that would read or move
// it are passed over. The scale of a 32-bit bias follows its factors. `graph` is the one that was planned.
AdjustedParameters apply_dpu_rules(const Graph& graph, const QuantizationPlan& plan,
                                   QuantizationParameters parameters, const DpuRules& rules = {});

}  // namespace qcal
