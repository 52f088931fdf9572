#include "engine/transform/clamp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/transform/merge_clamps.h"
#include "engine/transform/normalise.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using testing::operators;

constexpr float infinity = std::numeric_limits<float>::infinity();

GraphBuilder image(std::int64_t opset = 17) {
  return GraphBuilder(opset).input("x", {-1, 3, 4, 4}).output("y");
}

Clamp only_clamp(const GraphBuilder& builder) {
  const Graph graph = builder.build();
  const auto clamp = clamp_of(graph, graph.nodes.back());
  EXPECT_TRUE(clamp.has_value());
  return clamp.value_or(Clamp{});
}

TEST(Clamp, ReadsEverySpelling) {
  EXPECT_TRUE(is_relu(only_clamp(image().node("Relu", {"x"}, {"y"}))));
  EXPECT_TRUE(is_relu6(only_clamp(image(9).node("Clip", {"x"}, {"y"}, {{"min", 0.0F}, {"max", 6.0F}}))));
  const GraphBuilder six = image().reals("low", {}, {0}).reals("high", {}, {6});
  EXPECT_TRUE(is_relu6(only_clamp(GraphBuilder(six).node("Clip", {"x", "low", "high"}, {"y"}))));
  const Clamp upper = only_clamp(GraphBuilder(six).node("Clip", {"x", "", "high"}, {"y"}));
  EXPECT_THAT(upper.lower, ElementsAre(-infinity));
  EXPECT_THAT(upper.upper, ElementsAre(6));
  EXPECT_THAT(only_clamp(GraphBuilder(six).node("Min", {"high", "x"}, {"y"})).upper, ElementsAre(6));
  EXPECT_THAT(only_clamp(GraphBuilder(six).node("Max", {"x", "low"}, {"y"})).lower, ElementsAre(0));
}

TEST(Clamp, TheLargestFiniteNumberIsNoBound) {
  const float largest = std::numeric_limits<float>::max();
  const Clamp clamp = only_clamp(image(9).node("Clip", {"x"}, {"y"}, {{"min", 0.0F}, {"max", largest}}));
  EXPECT_TRUE(is_relu(clamp));
}

TEST(Clamp, ABoundAChannel) {
  const Clamp clamp =
      only_clamp(image().reals("high", {3, 1, 1}, {1, 2, 3}).node("Min", {"x", "high"}, {"y"}));
  EXPECT_THAT(clamp.upper, ElementsAre(1, 2, 3));
}

TEST(Clamp, IsNoneWhereTheBoundVariesOtherwise) {
  const auto none = [](const GraphBuilder& builder) {
    const Graph graph = builder.build();
    return !clamp_of(graph, graph.nodes.back());
  };
  EXPECT_TRUE(none(image().reals("high", {4}, {1, 2, 3, 4}).node("Min", {"x", "high"}, {"y"})));
  EXPECT_TRUE(none(image().reals("high", {1, 1, 1, 1, 1}, {6}).node("Min", {"x", "high"}, {"y"})));
  EXPECT_TRUE(none(image().input("high", {}).node("Min", {"x", "high"}, {"y"})));
  EXPECT_TRUE(
      none(image().input("high", {}).reals("low", {}, {0}).node("Clip", {"x", "low", "high"}, {"y"})));
  EXPECT_TRUE(none(image()
                       .reals("high", {}, {std::numeric_limits<float>::quiet_NaN()})
                       .node("Min", {"x", "high"}, {"y"})));
  EXPECT_TRUE(none(image().integers("high", {6}).node("Min", {"x", "high"}, {"y"})));
  EXPECT_TRUE(none(image()
                       .reals("low", {2}, {0, 1})
                       .reals("high", {3}, {4, 5, 6})
                       .node("Clip", {"x", "low", "high"}, {"y"})));
}

TEST(Clamp, OneAfterAnotherIsOne) {
  const Clamp first{"x", {-1}, {8}};
  EXPECT_THAT(chained(first, {"", {0}, {6}})->lower, ElementsAre(0));
  EXPECT_THAT(chained(first, {"", {0}, {6}})->upper, ElementsAre(6));
  EXPECT_THAT(chained(first, {"", {9}, {10}})->upper, ElementsAre(9)) << "nothing is left but one value";
  EXPECT_THAT(chained(first, {"", {0}, {2, 9}})->upper, ElementsAre(2, 8));
  EXPECT_THAT(chained(first, {"", {0}, {9, 10}})->upper, ElementsAre(8)) << "alike channels are one bound";
  EXPECT_FALSE(chained({"x", {0}, {1, 2}}, {"", {0}, {1, 2, 3}}));
}

TEST(MergeClamps, KeepsTheLastName) {
  const Graph graph = merge_clamps(image()
                                       .reals("six", {}, {6})
                                       .node("Relu", {"x"}, {"r"})
                                       .node("Min", {"r", "six"}, {"m"})
                                       .node("Max", {"m", "six"}, {"y"})
                                       .build());
  ASSERT_THAT(operators(graph), ElementsAre("Clip"));
  EXPECT_EQ(graph.nodes[0].name, "y");
  EXPECT_EQ(graph.nodes[0].input(0), "x");
  EXPECT_THAT(graph.nodes[0].outputs, ElementsAre("y"));
  EXPECT_EQ(graph.nodes[0].original_op, "Max");
  EXPECT_THAT(clamp_of(graph, graph.nodes[0])->upper, ElementsAre(6));
  EXPECT_THAT(clamp_of(graph, graph.nodes[0])->lower, ElementsAre(6));
}

TEST(MergeClamps, NotAcrossAReaderOrAnOutput) {
  const GraphBuilder pair =
      image().reals("six", {}, {6}).node("Relu", {"x"}, {"r"}).node("Min", {"r", "six"}, {"y"});
  EXPECT_EQ(merge_clamps(GraphBuilder(pair).output("r").build()).nodes.size(), 2U);
  EXPECT_EQ(merge_clamps(GraphBuilder(pair).node("Abs", {"r"}, {"z"}).output("z").build()).nodes.size(), 3U);
}

TEST(MergeClamps, NotWhereTheBoundsHaveDifferentChannels) {
  const Graph graph = merge_clamps(image()
                                       .reals("two", {2}, {4, 5})
                                       .reals("three", {3}, {4, 5, 6})
                                       .node("Clip", {"x", "", "two"}, {"c"})
                                       .node("Clip", {"c", "", "three"}, {"y"})
                                       .build());
  EXPECT_EQ(graph.nodes.size(), 2U);
}

TEST(MergeClamps, ReluAfterReluIsOne) {
  const Graph graph = normalise(image().node("Relu", {"x"}, {"r"}).node("Relu", {"r"}, {"y"}).build());
  EXPECT_THAT(operators(graph), ElementsAre("Relu"));
  EXPECT_TRUE(graph.constants.empty());
}

}  // namespace
}  // namespace qcal
