#include "engine/transform/cross_layer_equalization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "engine/graph/onnx_reader.h"
#include "engine/transform/clamp.h"
#include "engine/transform/equalization_scales.h"
#include "engine/transform/normalise.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

// 1 -> 2 -> 1 channels; the first layer's channels have ranges 16 and 1, the second's 1 and 4.
GraphBuilder two_convs() {
  return GraphBuilder()
      .input("x", {1, 1, 4, 4})
      .reals("w0", {2, 1, 1, 1}, {16, -1})
      .reals("b0", {2}, {8, 1})
      .reals("w1", {1, 2, 1, 1}, {-1, 4})
      .node("Conv", {"x", "w0", "b0"}, {"c"});
}

const std::vector<float>& values(const Graph& graph, const std::string& name) {
  return *graph.constant(name)->reals();
}

TEST(Equalize, MeetsInTheMiddle) {
  const Equalization result = equalize_layers(
      two_convs().node("Relu", {"c"}, {"r"}).node("Conv", {"r", "w1"}, {"y"}).output("y").build(),
      EqualizationRule::exact);
  EXPECT_THAT(result.divisors.at("c"), ElementsAre(4, 0.5));
  EXPECT_THAT(values(result.graph, "w0"), ElementsAre(4, -2));
  EXPECT_THAT(values(result.graph, "b0"), ElementsAre(2, 2));
  EXPECT_THAT(values(result.graph, "w1"), ElementsAre(-4, 2));
  ASSERT_EQ(result.pairs.size(), 1U);
  EXPECT_EQ(result.pairs[0].before.largest, 16);
  EXPECT_EQ(result.pairs[0].before.smallest, 1);
  EXPECT_EQ(result.pairs[0].after.largest, 4);
  EXPECT_EQ(result.pairs[0].after.smallest, 2);
  EXPECT_EQ(result.pairs[0].next_before.smallest, 1);
  EXPECT_EQ(result.pairs[0].next_after.smallest, 2);
}

TEST(Equalize, Relu6GetsABoundAChannel) {
  const Graph graph = two_convs()
                          .reals("low", {}, {0})
                          .reals("high", {}, {6})
                          .node("Clip", {"c", "low", "high"}, {"r"})
                          .node("Conv", {"r", "w1"}, {"y"})
                          .output("y")
                          .build();
  const Equalization exact = equalize_layers(graph, EqualizationRule::exact);
  const auto clamp = clamp_of(exact.graph, exact.graph.nodes[1]);
  EXPECT_THAT(clamp->lower, ElementsAre(0));
  EXPECT_THAT(clamp->upper, ElementsAre(1.5, 12));
  EXPECT_EQ(exact.graph.nodes[1].output(0), "r");
  EXPECT_THAT(equalize_layers(graph, EqualizationRule::without_bounds).pairs, IsEmpty());
}

TEST(Equalize, ThroughPoolsAndFlattening) {
  const Equalization result = equalize_layers(two_convs()
                                                  .node("Relu", {"c"}, {"r"})
                                                  .node("MaxPool", {"r"}, {"p"})
                                                  .node("Flatten", {"p"}, {"f"})
                                                  .reals("w", {4, 1}, {-1, 0.5, 4, 2})
                                                  .node("Gemm", {"f", "w"}, {"y"})
                                                  .output("y")
                                                  .build(),
                                              EqualizationRule::exact);
  EXPECT_THAT(result.divisors.at("p"), ElementsAre(4, 0.5));
  EXPECT_THAT(result.divisors.at("f"), ElementsAre(4, 4, 0.5, 0.5)) << "a channel becomes two elements";
  EXPECT_THAT(values(result.graph, "w"), ElementsAre(-4, 2, 2, 1));
}

TEST(Equalize, GroupedAndTransposedInputs) {
  const GraphBuilder first = GraphBuilder()
                                 .input("x", {1, 1, 4, 4})
                                 .reals("w0", {4, 1, 1, 1}, {64, 16, 4, 1})
                                 .node("Conv", {"x", "w0"}, {"c"})
                                 .output("y");
  // Two groups of two inputs and one output each: row g reads channels 2 g and 2 g + 1.
  const Equalization grouped =
      equalize_layers(GraphBuilder(first)
                          .reals("w1", {2, 2, 1, 1}, {1, 1, 1, 1})
                          .node("Conv", {"c", "w1"}, {"y"}, {{"group", std::int64_t{2}}})
                          .build(),
                      EqualizationRule::exact);
  EXPECT_THAT(grouped.divisors.at("c"), ElementsAre(8, 4, 2, 1));
  EXPECT_THAT(values(grouped.graph, "w1"), ElementsAre(8, 4, 2, 1));
  // ConvTranspose: row i reads channel i, whatever the groups.
  const Equalization transposed =
      equalize_layers(GraphBuilder(first)
                          .reals("w1", {4, 1, 1, 1}, {1, 1, 1, 1})
                          .node("ConvTranspose", {"c", "w1"}, {"y"}, {{"group", std::int64_t{2}}})
                          .build(),
                      EqualizationRule::exact);
  EXPECT_EQ(transposed.divisors, grouped.divisors);
  EXPECT_THAT(values(transposed.graph, "w1"), ElementsAre(8, 4, 2, 1));
}

TEST(Equalize, ABranchOrAGraphOutputEndsTheChain) {
  const GraphBuilder pair = two_convs().node("Conv", {"c", "w1"}, {"y"}).output("y");
  EXPECT_EQ(equalize_layers(pair.build(), EqualizationRule::exact).pairs.size(), 1U);
  EXPECT_THAT(equalize_layers(GraphBuilder(pair).output("c").build(), EqualizationRule::exact).pairs,
              IsEmpty());
  EXPECT_THAT(equalize_layers(GraphBuilder(pair).node("Abs", {"c"}, {"z"}).output("z").build(),
                              EqualizationRule::exact)
                  .pairs,
              IsEmpty());
  for (const char* curved : {"Sigmoid", "HardSwish", "Softmax"}) {
    EXPECT_THAT(
        equalize_layers(
            two_convs().node(curved, {"c"}, {"s"}).node("Conv", {"s", "w1"}, {"y"}).output("y").build(),
            EqualizationRule::exact)
            .pairs,
        IsEmpty())
        << curved;
  }
}

TEST(Equalize, BoundsOfOtherChannelsEndTheChain) {
  EXPECT_THAT(equalize_layers(two_convs()
                                  .reals("high", {3}, {1, 2, 3})
                                  .node("Clip", {"c", "", "high"}, {"r"})
                                  .node("Conv", {"r", "w1"}, {"y"})
                                  .output("y")
                                  .build(),
                              EqualizationRule::exact)
                  .pairs,
              IsEmpty());
}

TEST(Equalize, SharedWeightsStayForTheOthers) {
  const Equalization result = equalize_layers(two_convs()
                                                  .node("Conv", {"c", "w1"}, {"y"})
                                                  .input("u", {1, 2, 4, 4})
                                                  .node("Conv", {"u", "w1"}, {"z"})
                                                  .output("y")
                                                  .output("z")
                                                  .build(),
                                              EqualizationRule::exact);
  EXPECT_THAT(values(result.graph, "w1"), ElementsAre(-1, 4));
  EXPECT_THAT(values(result.graph, result.graph.nodes[1].input(1)), ElementsAre(-4, 2));
}

TEST(Equalize, DeadChannelsAreLeftAlone) {
  const Equalization result = equalize_layers(GraphBuilder()
                                                  .input("x", {1, 1, 4, 4})
                                                  .reals("w0", {3, 1, 1, 1}, {0, 1, 1e-12F})
                                                  .reals("b0", {3}, {0, 0, 2})
                                                  .reals("w1", {1, 3, 1, 1}, {1, 0, 1})
                                                  .node("Conv", {"x", "w0", "b0"}, {"c"})
                                                  .node("Conv", {"c", "w1"}, {"y"})
                                                  .output("y")
                                                  .build(),
                                              EqualizationRule::exact);
  EXPECT_THAT(result.divisors.at("c"), ElementsAre(1, 1, 1)) << "the third has its bias for a range";
}

// Chains settle: what is left between neighbours is less than the rounding to powers of two.
TEST(Equalize, MobileNetSettles) {
  const Graph graph = normalise(
      read_onnx(std::filesystem::path(QCAL_MODELS) / "mbv2_digits" / "mbv2_digits.ts.op13.bn.onnx"));
  const Equalization once = equalize_layers(graph, EqualizationRule::exact);
  EXPECT_EQ(once.pairs.size(), 10U);
  const Equalization twice = equalize_layers(once.graph, EqualizationRule::exact);
  for (const auto& [tensor, divisors] : twice.divisors) EXPECT_THAT(divisors, Each(1.0F)) << tensor;
  for (const auto& [tensor, divisors] : once.divisors) {
    for (const float divisor : divisors) {
      int exponent = 0;
      EXPECT_EQ(std::frexp(divisor, &exponent), 0.5F) << "a power of two";
    }
  }
}

}  // namespace
}  // namespace qcal
