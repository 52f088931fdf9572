#include "engine/transform/onnx_spelling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/transform/clamp.h"
#include "engine/transform/normalise.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using testing::operators;

GraphBuilder image(std::int64_t opset = 17) {
  return GraphBuilder(opset).input("x", {-1, 3, 4, 4}).output("y");
}

Graph clamped(std::int64_t opset, const Clamp& clamp) {
  Graph graph = image(opset).node("Clip", {"x"}, {"y"}).build();
  set_clamp(graph, graph.nodes[0], clamp, 4);
  return graph;
}

TEST(OnnxSpelling, ABoundAChannelIsReluAndMin) {
  const Graph spelled = onnx_spelling(clamped(17, {"x", {0}, {1, 2, 3}}));
  ASSERT_THAT(operators(spelled), ElementsAre("Relu", "Min"));
  EXPECT_EQ(spelled.nodes[1].name, "y");
  EXPECT_EQ(spelled.nodes[1].output(0), "y");
  EXPECT_EQ(spelled.constant(spelled.nodes[1].input(1))->shape, (Shape{3, 1, 1}));
  const Graph again = normalise(spelled);
  ASSERT_THAT(operators(again), ElementsAre("Clip"));
  EXPECT_EQ(again.nodes[0].name, "y");
  EXPECT_THAT(clamp_of(again, again.nodes[0])->upper, ElementsAre(1, 2, 3));
}

TEST(OnnxSpelling, EveryKindOfBound) {
  EXPECT_THAT(operators(onnx_spelling(clamped(17, {"x", {-1, -2, -3}, {1, 2, 3}}))),
              ElementsAre("Max", "Min"));
  EXPECT_THAT(operators(onnx_spelling(clamped(17, {"x", {-1, -2, -3}, {INFINITY}}))), ElementsAre("Max"));
  EXPECT_THAT(operators(onnx_spelling(clamped(17, {"x", {-INFINITY}, {1, 2, 3}}))), ElementsAre("Min"));
  EXPECT_THAT(operators(onnx_spelling(clamped(17, {"x", {0}, {6}}))), ElementsAre("Clip"));
}

TEST(OnnxSpelling, BeforeOpset11BoundsAreAttributes) {
  const Graph spelled = onnx_spelling(clamped(10, {"x", {0}, {6}}));
  ASSERT_THAT(operators(spelled), ElementsAre("Clip"));
  EXPECT_THAT(spelled.nodes[0].inputs, ElementsAre("x"));
  EXPECT_EQ(spelled.nodes[0].real("max", 0), 6);
  EXPECT_TRUE(spelled.constants.empty());
}

TEST(OnnxSpelling, AProductWithABiasIsTwoNodes) {
  const Graph graph = normalise(GraphBuilder()
                                    .input("x", {-1, 5, 2})
                                    .reals("w", {2, 2}, {1, 2, 3, 4})
                                    .reals("b", {2}, {1, 2})
                                    .node("MatMul", {"x", "w"}, {"m"})
                                    .node("Add", {"m", "b"}, {"y"})
                                    .output("y")
                                    .build());
  ASSERT_THAT(operators(graph), ElementsAre("MatMul"));
  const Graph spelled = onnx_spelling(graph);
  ASSERT_THAT(operators(spelled), ElementsAre("MatMul", "Add"));
  EXPECT_THAT(spelled.nodes[1].outputs, ElementsAre("y"));
  EXPECT_EQ(operators(normalise(spelled)), operators(graph));
}

TEST(OnnxSpelling, GemmWithoutABiasBeforeOpset11IsTheProductThatItWas) {
  const auto product = [](std::int64_t opset) {
    return normalise(GraphBuilder(opset)
                         .input("x", {-1, 2})
                         .reals("w", {2, 2}, {1, 2, 3, 4})
                         .node("MatMul", {"x", "w"}, {"y"})
                         .output("y")
                         .build());
  };
  EXPECT_THAT(operators(product(10)), ElementsAre("Gemm"));
  EXPECT_THAT(operators(onnx_spelling(product(10))), ElementsAre("MatMul"));
  EXPECT_THAT(operators(onnx_spelling(product(11))), ElementsAre("Gemm"));
}

}  // namespace
}  // namespace qcal
