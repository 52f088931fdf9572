#include "engine/export/qdq_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/plan/quantization_plan.h"
#include "engine/transform/normalise.h"
#include "tests/plan/plan_helpers.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;

// Scale 0.5 and, for unsigned integers, zero point 1 for every tensor; a 32-bit bias has scale 0.25.
QuantizationParameters parameters_for(const QuantizationPlan& plan) {
  QuantizationParameters result;
  for (const PlannedTensor& planned : plan.tensors) {
    TensorParameters tensor;
    tensor.name = planned.name;
    tensor.role = planned.role;
    tensor.datatype = planned.settings.datatype.value;
    tensor.bit_width = planned.settings.bit_width.value;
    tensor.is_signed = planned.settings.is_signed.value == Signedness::is_signed;
    const std::int64_t levels = std::int64_t{1} << tensor.bit_width;
    tensor.qmin = tensor.is_signed ? -levels / 2 : 0;
    tensor.qmax = tensor.qmin + levels - 1;
    std::size_t scales = 1;
    if (planned.settings.per_channel.value) {
      tensor.granularity = Granularity::per_channel;
      tensor.axis = planned.channel_axis;
      scales = static_cast<std::size_t>(planned.shape.at(static_cast<std::size_t>(*tensor.axis)));
    }
    tensor.scale.assign(scales, tensor.bit_width == 32 ? 0.25 : 0.5);
    tensor.zero_point.assign(scales, tensor.is_signed ? 0 : 1);
    result.tensors.push_back(std::move(tensor));
  }
  return result;
}

Graph quantized(const GraphBuilder& builder, const std::string& members, Placement placement) {
  Configuration configuration = testing::configuration(members);
  configuration.placement.value = placement;
  const Graph graph = normalise(builder.build());
  const QuantizationPlan plan = make_plan(graph, configuration);
  return quantized_graph(graph, plan, parameters_for(plan), Compatibility::standard);
}

const Node& maker(const Graph& graph, const std::string& tensor) {
  return *std::ranges::find_if(graph.nodes, [&](const Node& node) { return node.output(0) == tensor; });
}

template <class Stored>
std::vector<Stored> packed(const Graph& graph, const std::string& constant) {
  const std::string& bytes = graph.constant(constant)->packed()->bytes;
  std::vector<Stored> values(bytes.size() / sizeof(Stored));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// The operators on the way up from `tensor` through first inputs.
std::vector<std::string> ancestry(const Graph& graph, std::string tensor) {
  std::vector<std::string> result;
  for (;;) {
    const auto node =
        std::ranges::find_if(graph.nodes, [&](const Node& made) { return made.output(0) == tensor; });
    if (node == graph.nodes.end()) return result;
    result.push_back(node->op_type);
    tensor = node->input(0);
  }
}

GraphBuilder conv() {
  return GraphBuilder()
      .input("x", {1, 2, 4, 4})
      .reals("w", {2, 2, 1, 1}, {0.5F, 1.0F, 1.5F, 2.0F})
      .reals("b", {2}, {0.25F, 0.5F})
      .node("Conv", {"x", "w", "b"}, {"c"});
}

TEST(QdqGraph, WeightsAndBiasAreIntegers) {
  const Graph graph = quantized(
      conv().output("c"), R"("tensor_quantize_config": {"bias": {"bit_width": 32}})", Placement::compute);
  const Node& layer = maker(graph, "c");
  const Node& weights = maker(graph, layer.input(1));
  EXPECT_EQ(weights.op_type, "DequantizeLinear");
  EXPECT_THAT(packed<std::int8_t>(graph, weights.input(0)), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(graph.constant(weights.input(0))->type, ElementType::int8);
  const Node& bias = maker(graph, layer.input(2));
  EXPECT_THAT(packed<std::int32_t>(graph, bias.input(0)), ElementsAre(1, 2));
  EXPECT_EQ(graph.constant(bias.input(0))->type, ElementType::int32);
  EXPECT_THAT(ancestry(graph, "c"), ElementsAre("Conv", "DequantizeLinear", "QuantizeLinear"));
  EXPECT_FALSE(graph.constants.contains("w")) << "the float weights are gone";
}

TEST(QdqGraph, ANarrowBiasIsWrittenWithTheProductsScale) {
  const Graph graph = quantized(conv().output("c"), R"("tensor_quantize_config": {"bias": {"bit_width": 8}})",
                                Placement::compute);
  const Node& bias = maker(graph, maker(graph, "c").input(2));
  EXPECT_EQ(graph.constant(bias.input(0))->type, ElementType::int32);
  // 0.25 and 0.5 became 0 (half to even) and 1 steps of 0.5, which are 0 and 2 of 0.25.
  EXPECT_THAT(packed<std::int32_t>(graph, bias.input(0)), ElementsAre(0, 2));
  EXPECT_THAT(*graph.constant(bias.input(1))->reals(), ElementsAre(0.25F));
}

TEST(QdqGraph, ScalesAChannelHaveTheirAxis) {
  const std::string per_channel = R"("tensor_quantize_config": {"weights": {"per_channel": true}})";
  const Graph graph = quantized(conv().output("c"), per_channel, Placement::compute);
  const Node& weights = maker(graph, maker(graph, "c").input(1));
  EXPECT_EQ(weights.integer("axis", -7), 0);
  EXPECT_THAT(graph.constant(weights.input(1))->shape, ElementsAre(2));
  EXPECT_THAT(graph.constant(weights.input(2))->shape, ElementsAre(2));
}

TEST(QdqGraph, OutputsKeepTheirNames) {
  const Graph graph = quantized(conv().node("Relu", {"c"}, {"y"}).output("y"), "", Placement::groups);
  EXPECT_THAT(graph.outputs, ElementsAre("y"));
  EXPECT_THAT(ancestry(graph, "y"), ElementsAre("DequantizeLinear", "QuantizeLinear", "Relu", "Conv",
                                                "DequantizeLinear", "QuantizeLinear"));
  const Graph in_float = quantized(conv().node("Relu", {"c"}, {"y"}).output("y"), "", Placement::fused);
  EXPECT_THAT(ancestry(in_float, "y"), ElementsAre("Relu", "Conv", "DequantizeLinear", "QuantizeLinear"));
}

TEST(QdqGraph, AnOutputThatOthersReadToo) {
  const auto network = conv().ramp("v", {2, 2, 1, 1}).node("Conv", {"c", "v"}, {"d"}).output("c").output("d");
  const Graph graph = quantized(network, "", Placement::groups);
  EXPECT_EQ(maker(graph, "d").op_type, "DequantizeLinear");
  EXPECT_THAT(ancestry(graph, "d"),
              ElementsAre("DequantizeLinear", "QuantizeLinear", "Conv", "DequantizeLinear", "QuantizeLinear",
                          "Conv", "DequantizeLinear", "QuantizeLinear"))
      << "c is quantized once, for the output and the second layer";
}

TEST(QdqGraph, LayersInFloatReadFloat) {
  const auto network = conv()
                           .ramp("v", {2, 2, 1, 1})
                           .node("Conv", {"c", "v"}, {"d"})
                           .node("Relu", {"d"}, {"e"})
                           .ramp("u", {2, 2, 1, 1})
                           .node("Conv", {"e", "u"}, {"f"})
                           .output("f");
  for (const Placement placement : {Placement::groups, Placement::compute, Placement::fused}) {
    const Graph graph = quantized(network, R"("keep_first_last_layer_accuracy": true)", placement);
    EXPECT_EQ(maker(graph, "c").input(0), "x");
    EXPECT_EQ(maker(graph, "c").input(1), "w");
    EXPECT_EQ(maker(graph, "f").input(0), "e");
  }
}

TEST(QdqGraph, RearrangedTensorsAreQuantizedWhereTheyAreRead) {
  const auto network = conv()
                           .ramp("m", {32, 3})
                           .node("Relu", {"c"}, {"r"})
                           .node("Neg", {"r"}, {"n"})
                           .node("Flatten", {"r"}, {"f"})
                           .node("Gemm", {"f", "m"}, {"y"})
                           .output("y")
                           .output("n");
  const Graph graph = quantized(network, "", Placement::compute);
  EXPECT_THAT(ancestry(graph, "y"), ElementsAre("Gemm", "DequantizeLinear", "QuantizeLinear", "Flatten",
                                                "Relu", "Conv", "DequantizeLinear", "QuantizeLinear"));
  EXPECT_THAT(ancestry(graph, "n"), ElementsAre("Neg", "Relu", "Conv", "DequantizeLinear", "QuantizeLinear"));
}

TEST(QdqGraph, OddWidthsAreClippedFirst) {
  const Graph graph = quantized(
      conv().output("c"), R"("tensor_quantize_config": {"input": {"bit_width": 4}})", Placement::compute);
  EXPECT_THAT(ancestry(graph, "c"), ElementsAre("Conv", "DequantizeLinear", "QuantizeLinear", "Clip"));
  const Node& clip = maker(graph, maker(graph, maker(graph, maker(graph, "c").input(0)).input(0)).input(0));
  EXPECT_THAT(*graph.constant(clip.input(1))->reals(), ElementsAre(-4.0F));
  EXPECT_THAT(*graph.constant(clip.input(2))->reals(), ElementsAre(3.5F));
  EXPECT_EQ(graph.opset, 17);
}

TEST(QdqGraph, OddWidthsAreClippedChannelByChannel) {
  const auto network =
      conv().node("Relu", {"c"}, {"r"}).ramp("v", {2, 2, 1, 1}).node("Conv", {"r", "v"}, {"y"}).output("y");
  const Graph graph =
      quantized(network, R"("tensor_quantize_config": {"activation": {"bit_width": 4, "per_channel": true}})",
                Placement::compute);
  EXPECT_THAT(ancestry(graph, "y"), ElementsAre("Conv", "DequantizeLinear", "QuantizeLinear", "Min", "Max",
                                                "Relu", "Conv", "DequantizeLinear", "QuantizeLinear"));
  const auto least = std::ranges::find(graph.nodes, "Max", &Node::op_type);
  EXPECT_THAT(*graph.constant(least->input(1))->reals(), ElementsAre(-4.0F, -4.0F));
  EXPECT_THAT(graph.constant(least->input(1))->shape, ElementsAre(2, 1, 1)) << "along axis 1 of four";
}

TEST(QdqGraph, ARearrangedOutputDoesNotTakeScalesOfOtherChannels) {
  const auto network = conv().node("Neg", {"c"}, {"n"}).node("Flatten", {"c"}, {"f"}).output("f").output("n");
  const Graph graph = quantized(network, R"("tensor_quantize_config": {"activation": {"per_channel": true}})",
                                Placement::groups);
  EXPECT_THAT(ancestry(graph, "n"), ElementsAre("Neg", "DequantizeLinear", "QuantizeLinear", "Conv",
                                                "DequantizeLinear", "QuantizeLinear"));
  EXPECT_THAT(ancestry(graph, "f"), ElementsAre("Flatten", "Conv", "DequantizeLinear", "QuantizeLinear"));
}

TEST(QdqGraph, ABiasWithTwoAxesHasItsScalesAlongTheLast) {
  const auto network = GraphBuilder()
                           .input("x", {4, 2})
                           .ramp("w", {2, 3})
                           .reals("b", {1, 3}, {0.5F, 1.0F, 1.5F})
                           .node("Gemm", {"x", "w", "b"}, {"y"})
                           .output("y");
  const Graph graph = quantized(
      network, R"("tensor_quantize_config": {"weights": {"per_channel": true}, "bias": {"bit_width": 8}})",
      Placement::compute);
  const Node& bias = maker(graph, maker(graph, "y").input(2));
  EXPECT_THAT(graph.constant(bias.input(1))->shape, ElementsAre(3));
  EXPECT_EQ(bias.integer("axis", -7), 1);
}

TEST(QdqGraph, SixteenBitsNeedOpset21) {
  const Graph graph = quantized(
      conv().output("c"), R"("tensor_quantize_config": {"input": {"bit_width": 16}})", Placement::compute);
  EXPECT_EQ(graph.opset, 21);
}

TEST(QdqGraph, OldNetworksAreRaisedTo13) {
  const auto network = GraphBuilder(11)
                           .input("x", {1, 2, 4, 4})
                           .ramp("w", {2, 2, 1, 1})
                           .node("Conv", {"x", "w"}, {"c"})
                           .node("Neg", {"c"}, {"n"})
                           .node("Squeeze", {"n"}, {"s"}, {{"axes", std::vector<std::int64_t>{0}}})
                           .output("s");
  const Graph graph = quantized(network, "", Placement::compute);
  EXPECT_EQ(graph.opset, 13);
  EXPECT_EQ(maker(graph, "s").inputs.size(), 2U);
}

TEST(QdqGraph, AClipThatTheQuantizerRepeatsIsLeftOut) {
  const auto network = [](float lower, float upper) {
    return conv()
        .reals("low", {}, {lower})
        .reals("high", {}, {upper})
        .ramp("v", {2, 2, 1, 1})
        .node("Clip", {"c", "low", "high"}, {"r"})
        .node("Conv", {"r", "v"}, {"y"})
        .output("y");
  };
  const std::string is_unsigned =
      R"("tensor_quantize_config": {"activation": {"symmetry": false, "signed": false, "bit_width": 4}})";
  // Scale 0.5, zero point 1: the integers reach from -0.5 to 7.
  const Graph high = quantized(network(0.0F, 7.0F), is_unsigned, Placement::compute);
  EXPECT_THAT(ancestry(high, "y"), ::testing::Contains("Clip").Times(2))
      << "0 is above -0.5, so the Clip matters";
  const Graph repeated = quantized(network(-0.5F, 7.5F), is_unsigned, Placement::compute);
  EXPECT_THAT(ancestry(repeated, "y"), ::testing::Contains("Clip").Times(1)) << "only that of the 4 bits";
  const Graph lower = quantized(network(-0.5F, 6.5F), is_unsigned, Placement::compute);
  EXPECT_THAT(ancestry(lower, "y"), ::testing::Contains("Clip").Times(2)) << "6.5 is below 7";
}

TEST(QdqGraph, HalfPrecisionIsACast) {
  const Graph graph =
      quantized(conv().output("c"), R"("tensor_quantize_config": {"weights": {"datatype": "float16"}})",
                Placement::compute);
  EXPECT_THAT(ancestry(graph, maker(graph, "c").input(1)), ElementsAre("Cast", "Cast"));
  EXPECT_EQ(maker(graph, maker(graph, maker(graph, "c").input(1)).input(0)).integer("to", 0),
            static_cast<int>(ElementType::float16));
}

TEST(QdqGraph, NamesAreNeverTaken) {
  const auto network = GraphBuilder()
                           .input("x", {1, 2, 4, 4})
                           .input("x_quantized", {1})
                           .ramp("w", {2, 2, 1, 1})
                           .node("Conv", {"x", "w"}, {"x_dequantized"})
                           .output("x_dequantized")
                           .output("x_quantized");
  const Graph graph = quantized(network, "", Placement::compute);
  std::vector<std::string> names = graph.inputs;
  for (const Node& node : graph.nodes) names.push_back(node.output(0));
  for (const auto& [name, constant] : graph.constants) names.push_back(name);
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

}  // namespace
}  // namespace qcal
