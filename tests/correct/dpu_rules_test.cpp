// Every rule of the DPU's fix positions at its bounds, on networks of a few nodes, and on both digits
// networks.
#include "engine/correct/dpu_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "config/parse_config.h"
#include "engine/export/quant_info.h"
#include "engine/graph/onnx_reader.h"
#include "engine/pipeline.h"
#include "engine/transform/normalise.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using PositionsByName = std::map<std::string, int>;

TensorParameters parameters_of(const PlannedTensor& planned, int position) {
  TensorParameters tensor;
  tensor.name = planned.name;
  tensor.role = planned.role;
  tensor.layer = planned.layer;
  tensor.qmin = -128;
  tensor.qmax = 127;
  tensor.scale_type = ScaleType::power_of_two;
  tensor.scale = {std::ldexp(1.0, -position)};
  tensor.zero_point = {0};
  tensor.amax = {127.0 * tensor.scale[0]};
  tensor.fix_pos = {position};
  return tensor;
}

// The network under UG1414's default configuration, its tensors at the positions given (others at 4).
struct Calibrated {
  Graph graph;
  QuantizationPlan plan;
  QuantizationParameters parameters;

  Calibrated(Graph network, const PositionsByName& positions,
             const Configuration& configuration = default_configuration())
      : graph(std::move(network)), plan(make_plan(graph, configuration)) {
    for (const PlannedTensor& tensor : plan.tensors) {
      const auto found = positions.find(tensor.name);
      parameters.tensors.push_back(parameters_of(tensor, found == positions.end() ? 4 : found->second));
    }
  }

  TensorParameters& operator[](const std::string& name) {
    return *std::ranges::find(parameters.tensors, name, &TensorParameters::name);
  }
  AdjustedParameters adjusted(const DpuRules& rules = {}) const {
    return apply_dpu_rules(graph, plan, parameters, rules);
  }
};

// "rule tensor before after", one an adjustment.
std::vector<std::string> log_of(const AdjustedParameters& adjusted) {
  std::vector<std::string> lines;
  for (const PositionAdjustment& one : adjusted.adjustments) {
    lines.push_back(one.rule + ' ' + one.tensor + ' ' + std::to_string(one.before) + ' ' +
                    std::to_string(one.after));
  }
  return lines;
}

Graph convolution() {
  return GraphBuilder()
      .input("x", {1, 2, 4, 4})
      .ramp("w", {2, 2, 1, 1})
      .ramp("b", {2})
      .node("Conv", {"x", "w", "b"}, {"y"})
      .output("y")
      .build();
}

TEST(DpuRules, ShiftCutOfZeroAndSixteenStays) {
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 4}, {"w", 6}, {"y", 10}, {"b", 10}}).adjusted()),
              IsEmpty());
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 8}, {"w", 12}, {"y", 4}, {"b", 10}}).adjusted()),
              IsEmpty());
}

TEST(DpuRules, ShiftCutBelowZeroLowersTheResult) {
  const AdjustedParameters adjusted =
      Calibrated(convolution(), {{"x", 4}, {"w", 6}, {"y", 11}, {"b", 10}}).adjusted();
  EXPECT_THAT(adjusted.adjustments,
              ElementsAre(PositionAdjustment{"y", Role::activation, "y", "shift_cut", 11, 10}));
  const TensorParameters& y = adjusted.parameters.tensors.back();
  EXPECT_THAT(y.fix_pos.value(), ElementsAre(10));
  EXPECT_THAT(y.scale, ElementsAre(0x1p-10));
  EXPECT_THAT(y.amax, ElementsAre(127 * 0x1p-10));
  EXPECT_THAT(adjusted.notes, IsEmpty());
}

TEST(DpuRules, ShiftCutAboveSixteenLowersTheWeights) {
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 8}, {"w", 12}, {"y", 1}, {"b", 10}}).adjusted()),
              ElementsAre("shift_cut w 12 9"));
}

// shift_cut 4 leaves the bias 24 - (8 + 4) = 12 bits to the left.
TEST(DpuRules, ShiftBiasAtItsLowerBound) {
  EXPECT_EQ(least_shift_bias(dpu_shift_limits, 0), -16);
  EXPECT_EQ(least_shift_bias(dpu_shift_limits, 4), -12);
  EXPECT_EQ(least_shift_bias(dpu_shift_limits, 16), 0);
  EXPECT_EQ(least_shift_bias(dpu_shift_limits, 20), 0);
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 0}, {"w", 0}, {"y", -4}, {"b", 12}}).adjusted()),
              IsEmpty());
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 0}, {"w", 0}, {"y", -4}, {"b", 13}}).adjusted()),
              ElementsAre("shift_bias b 13 12"));
}

TEST(DpuRules, ShiftBiasAtItsUpperBound) {
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 8}, {"w", 10}, {"y", 4}, {"b", 2}}).adjusted()),
              IsEmpty());
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 8}, {"w", 10}, {"y", 4}, {"b", 1}}).adjusted()),
              ElementsAre("shift_bias w 10 9"));
}

// The bound of the bias takes shift_cut as it was: -5 allows 24 - (8 - 5) = 21 bits; the weights count as
// they have become.
TEST(DpuRules, ShiftBiasFollowsTheAdjustedWeightsAndTheOldShiftCut) {
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 0}, {"w", 0}, {"y", 5}, {"b", 21}}).adjusted()),
              ElementsAre("shift_cut y 5 0"));
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 0}, {"w", 0}, {"y", 5}, {"b", 22}}).adjusted()),
              ElementsAre("shift_cut y 5 0", "shift_bias b 22 21"));
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 8}, {"w", 12}, {"y", 1}, {"b", 1}}).adjusted()),
              ElementsAre("shift_cut w 12 9"));
}

// A bias that forces the weights down can undo what shift_cut needs; that is said.
TEST(DpuRules, WhatIsStillOutOfBoundsIsNoted) {
  const AdjustedParameters adjusted =
      Calibrated(convolution(), {{"x", 8}, {"w", 8}, {"y", 16}, {"b", -4}}).adjusted();
  EXPECT_THAT(log_of(adjusted), ElementsAre("shift_bias w 8 4"));
  ASSERT_EQ(adjusted.notes.size(), 1U);
  EXPECT_EQ(adjusted.notes[0].subject, "y");
  EXPECT_THAT(adjusted.notes[0].text, HasSubstr("shift_cut is -4"));
}

TEST(DpuRules, FlexmlShifts) {
  const DpuRules flexml{.shifts = flexml_shift_limits};
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 4}, {"w", 6}, {"y", 11}, {"b", 10}}).adjusted(flexml)),
              IsEmpty());
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 4}, {"w", 6}, {"y", 13}, {"b", 10}}).adjusted(flexml)),
              ElementsAre("shift_cut y 13 11"));
  EXPECT_THAT(log_of(Calibrated(convolution(), {{"x", 4}, {"w", 6}, {"y", 4}, {"b", 11}}).adjusted(flexml)),
              ElementsAre("shift_bias b 11 10"));
}

TEST(DpuRules, TheNextLayerSeesAdjustedPositions) {
  const Graph graph = GraphBuilder()
                          .input("x", {1, 2, 4, 4})
                          .ramp("w", {2, 2, 1, 1})
                          .ramp("v", {2, 2, 1, 1})
                          .node("Conv", {"x", "w"}, {"c"})
                          .node("Relu", {"c"}, {"r"})
                          .node("Conv", {"r", "v"}, {"y"})
                          .output("y")
                          .build();
  EXPECT_THAT(log_of(Calibrated(graph, {{"x", 1}, {"w", 1}, {"r", 5}, {"v", 1}, {"y", 6}}).adjusted()),
              ElementsAre("shift_cut r 5 2", "shift_cut y 6 3"));
}

Graph hard_activation(const std::string& op) {
  return GraphBuilder().input("x", {1, 2}).node(op, {"x"}, {"y"}).output("y").build();
}

TEST(DpuRules, HardSigmoid) {
  EXPECT_THAT(log_of(Calibrated(hard_activation("HardSigmoid"), {{"x", 0}, {"y", 7}}).adjusted()), IsEmpty());
  EXPECT_THAT(log_of(Calibrated(hard_activation("HardSigmoid"), {{"x", -1}, {"y", 6}}).adjusted()),
              ElementsAre("hard_sigmoid y 6 7", "hard_sigmoid x -1 0"));
}

TEST(DpuRules, HardSwish) {
  EXPECT_THAT(log_of(Calibrated(hard_activation("HardSwish"), {{"x", 3}, {"y", 10}}).adjusted()), IsEmpty());
  EXPECT_THAT(log_of(Calibrated(hard_activation("HardSwish"), {{"x", 3}, {"y", 11}}).adjusted()),
              ElementsAre("hard_swish y 11 10"));
  EXPECT_THAT(log_of(Calibrated(hard_activation("HardSwish"), {{"x", -2}, {"y", 8}}).adjusted()),
              ElementsAre("hard_swish x -2 0", "hard_swish y 8 7"));
}

Graph resize(const std::string& mode) {
  return GraphBuilder()
      .input("x", {1, 2, 4, 4})
      .reals("scales", {4}, {1, 1, 2, 2})
      .node("Resize", {"x", "", "scales"}, {"y"}, {{"mode", mode}})
      .output("y")
      .build();
}

TEST(DpuRules, NearestResizeCopiesItsInput) {
  EXPECT_THAT(log_of(Calibrated(resize("nearest"), {{"x", 6}, {"y", 3}}).adjusted()),
              ElementsAre("nearest_resize y 3 6"));
  EXPECT_THAT(log_of(Calibrated(resize("linear"), {{"x", 6}, {"y", 3}}).adjusted()), IsEmpty());
}

// x -> Pad -> Concat with z: the Concat has the only position of its inputs.
Graph padded(bool into_concat) {
  GraphBuilder builder;
  builder.input("x", {1, 2, 4, 4}).integers("pads", {0, 0, 1, 1, 0, 0, 1, 1});
  builder.node("Pad", {"x", "pads"}, {"p"});
  if (!into_concat) return builder.output("p").build();
  return builder.input("z", {1, 2, 6, 6})
      .node("Concat", {"p", "z"}, {"y"}, {{"axis", std::int64_t{1}}})
      .output("y")
      .build();
}

TEST(DpuRules, PadCopiesItsInput) {
  EXPECT_THAT(log_of(Calibrated(padded(false), {{"x", 6}, {"p", 3}}).adjusted()), ElementsAre("pad p 3 6"));
  const Calibrated concat(padded(true), {{"x", 6}, {"y", 3}});
  EXPECT_THAT(log_of(concat.adjusted()), IsEmpty());
  EXPECT_THAT(log_of(concat.adjusted({.compatibility = Compatibility::vitis})), ElementsAre("pad y 3 6"));
}

// A slice that several layers read has no quantizer, so the layers behind it compute with its input's
// position.
TEST(DpuRules, StridedSliceKeepsItsInputsPosition) {
  const Graph graph = GraphBuilder()
                          .input("x", {1, 2, 4, 4})
                          .integers("starts", {0})
                          .integers("ends", {4})
                          .integers("axes", {2})
                          .integers("steps", {2})
                          .ramp("w", {2, 2, 1, 1})
                          .ramp("v", {2, 2, 1, 1})
                          .node("Slice", {"x", "starts", "ends", "axes", "steps"}, {"s"})
                          .node("Conv", {"s", "w"}, {"y"})
                          .node("Conv", {"s", "v"}, {"z"})
                          .output("y")
                          .output("z")
                          .build();
  EXPECT_THAT(log_of(Calibrated(graph, {{"x", 2}, {"w", 3}, {"y", 6}, {"v", 4}, {"z", 6}}).adjusted()),
              ElementsAre("shift_cut y 6 5"));
}

// Two convolutions into an Add and a MaxPool, and again into a Concat that alone reads the second.
Graph meeting_points() {
  return GraphBuilder()
      .input("x", {1, 2, 4, 4})
      .ramp("w", {2, 2, 1, 1})
      .ramp("v", {2, 2, 1, 1})
      .node("Conv", {"x", "w"}, {"a"})
      .node("Conv", {"x", "v"}, {"b"})
      .node("Add", {"a", "x"}, {"s"})
      .node("MaxPool", {"s"}, {"p"}, {{"kernel_shape", std::vector<std::int64_t>{1, 1}}})
      .node("Concat", {"p", "a", "b"}, {"y"}, {{"axis", std::int64_t{1}}})
      .output("p")
      .output("y")
      .build();
}

TEST(DpuRules, AlignmentIsAskedForAndRunsFromLastToFirst) {
  const Calibrated network(meeting_points(), {{"x", 1}, {"a", 2}, {"s", 4}, {"p", 5}, {"y", 3}});
  EXPECT_THAT(log_of(network.adjusted()), IsEmpty());
  EXPECT_THAT(log_of(network.adjusted({.align = {.concat = true}})),
              ElementsAre("align p 5 3", "align a 2 3"));
  EXPECT_THAT(log_of(network.adjusted({.align = {.pool = true}})), ElementsAre("align s 4 5"));
  EXPECT_THAT(log_of(network.adjusted({.align = {.add = true}})), ElementsAre("align a 2 4", "align x 1 4"));
  EXPECT_THAT(log_of(network.adjusted({.align = {true, true, true}})),
              ElementsAre("align p 5 3", "align a 2 3", "align s 4 3", "align x 1 3"));
}

// "b" has no quantizer of its own: what its convolution computes is stored at the Concat's position.
TEST(DpuRules, TheResultOfALayerIntoAConcatIsTheConcats) {
  EXPECT_THAT(log_of(Calibrated(meeting_points(), {{"x", 1}, {"v", 1}, {"y", 3}, {"w", 9}}).adjusted()),
              ElementsAre("shift_cut y 3 2"));
}

TEST(DpuRules, TensorsWithoutAPositionAreLeftAlone) {
  Calibrated network(convolution(), {{"x", 8}, {"w", 12}, {"y", 1}, {"b", 10}});
  network["w"].fix_pos = {12, 12};
  network["w"].scale = {0x1p-12, 0x1p-12};
  EXPECT_THAT(log_of(network.adjusted()), IsEmpty());
  network["w"].fix_pos.reset();
  network["w"].scale = {0.3};
  const AdjustedParameters adjusted = network.adjusted();
  EXPECT_THAT(log_of(adjusted), IsEmpty());
  EXPECT_EQ(adjusted.parameters, network.parameters);
}

TEST(DpuRules, AWideBiasFollowsItsFactors) {
  Configuration configuration = default_configuration();
  configuration.tensor_settings[Role::bias].bit_width.value = 32;
  const Calibrated network(convolution(), {{"x", 8}, {"w", 12}, {"y", 1}, {"b", 20}}, configuration);
  EXPECT_THAT(log_of(network.adjusted()), ElementsAre("shift_cut w 12 9", "input x weights b 20 17"));
}

const std::filesystem::path models = QCAL_MODELS;

// Both dumps are recorded on the networks as they are.
Configuration dpu_configuration() {
  Configuration configuration = load_config(models / "configs/dpu.json");
  configuration.include_cle.value = false;
  return configuration;
}

CalibrationResult calibrated(const std::string& network, const Alignment& align) {
  return calibrate_model(models / network / (network + ".ts.op13.bn.onnx"), models / network / "dump",
                         dpu_configuration(), {Backend::cpu(), 2, {}, {}, align});
}

// Both networks meet the DPU's bounds as the search leaves them; the bounds are computed anew from the
// result.
TEST(DpuRules, DigitsNetworksMeetTheBounds) {
  for (const std::string network : {"rn_digits", "mbv2_digits"}) {
    const CalibrationResult result = calibrated(network, {});
    EXPECT_THAT(result.context.adjustments, IsEmpty());
    const Graph graph = normalise(read_onnx(models / network / (network + ".ts.op13.bn.onnx")));
    const QuantizationPlan plan = make_plan(graph, dpu_configuration());
    std::map<std::string, const TensorParameters*> found;
    for (const TensorParameters& tensor : result.parameters.tensors) found[tensor.name] = &tensor;
    int layers = 0;
    for (const PlannedTensor& bias : plan.tensors) {
      if (bias.role != Role::bias || !bias.bias_factors) continue;
      const int sum = found.at(bias.bias_factors->input)->fix_pos->at(0) +
                      found.at(bias.bias_factors->weights)->fix_pos->at(0);
      int output = 0;
      for (const PlannedTensor& tensor : plan.tensors) {
        if (tensor.role == Role::activation && tensor.layer == bias.layer)
          output = found.at(tensor.name)->fix_pos->at(0);
      }
      const int cut = sum - output;
      EXPECT_TRUE(cut >= 0 && cut <= 16) << bias.layer << ' ' << cut;
      const int shift = sum - found.at(bias.name)->fix_pos->at(0);
      EXPECT_TRUE(shift >= std::min(0, cut - 16) && shift <= 16) << bias.layer << ' ' << shift;
      ++layers;
    }
    EXPECT_GE(layers, 8);
  }
}

TEST(DpuRules, AdjustedPositionsReachQuantInfoUnderTheirMappedNames) {
  const CalibrationResult result = calibrated("mbv2_digits", {.add = true, .pool = true});
  ASSERT_THAT(result.context.adjustments, ::testing::Not(IsEmpty()));
  const PositionAdjustment& last = result.context.adjustments.back();
  const std::string info = quant_info_json(result.parameters, {.names = {{last.tensor, "conv::mapped"}}});
  const std::size_t at = info.find("\"conv::mapped\"");
  ASSERT_NE(at, std::string::npos);
  EXPECT_THAT(info.substr(at, 60), HasSubstr("[8, " + std::to_string(last.after) + "]"));
  const std::string params = quant_params_json(result.parameters, result.context);
  EXPECT_THAT(params, HasSubstr("\"rule\": \"align\""));
}

}  // namespace
}  // namespace qcal
