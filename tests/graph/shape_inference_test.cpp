#include "engine/graph/shape_inference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using testing::Attributes;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using Integers = std::vector<std::int64_t>;

Shape inferred(const GraphBuilder& builder) {
  return infer_shapes(builder.build()).info("y").shape.value_or(Shape{-99});
}

Shape convolved(const Attributes& attributes) {
  return inferred(GraphBuilder()
                      .input("x", {-1, 3, 9, 8})
                      .ramp("w", {4, 3, 3, 3})
                      .node("Conv", {"x", "w"}, {"y"}, attributes));
}

TEST(ShapeInference, Convolution) {
  EXPECT_THAT(convolved({}), ElementsAre(-1, 4, 7, 6));
  EXPECT_THAT(convolved({{"pads", Integers{1, 1, 1, 1}}, {"strides", Integers{2, 2}}}),
              ElementsAre(-1, 4, 5, 4));
  EXPECT_THAT(convolved({{"dilations", Integers{2, 1}}}), ElementsAre(-1, 4, 5, 6));
  EXPECT_THAT(convolved({{"auto_pad", std::string("SAME_UPPER")}, {"strides", Integers{2, 2}}}),
              ElementsAre(-1, 4, 5, 4));
  EXPECT_THAT(convolved({{"auto_pad", std::string("SAME_LOWER")}, {"strides", Integers{2, 2}}}),
              ElementsAre(-1, 4, 5, 4));
  EXPECT_THAT(convolved({{"auto_pad", std::string("NOTSET")}, {"pads", Integers{1, 0, 0, 1}}}),
              ElementsAre(-1, 4, 8, 7));
  EXPECT_THAT(convolved({{"auto_pad", std::string("VALID")}, {"pads", Integers{9, 9, 9, 9}}}),
              ElementsAre(-1, 4, 7, 6));
}

TEST(ShapeInference, NonsenseGeometryIsUnknown) {
  EXPECT_THAT(convolved({{"strides", Integers{0, 1}}}), ElementsAre(-99));
  EXPECT_THAT(convolved({{"pads", Integers{1}}}), ElementsAre(-99));
  EXPECT_THAT(convolved({{"dilations", Integers{std::int64_t{1} << 62, 1}}}), ElementsAre(-99));
}

TEST(ShapeInference, TransposedConvolution) {
  EXPECT_THAT(inferred(GraphBuilder()
                           .input("x", {1, 4, 5, 5})
                           .ramp("w", {4, 3, 2, 2})
                           .node("ConvTranspose", {"x", "w"}, {"y"},
                                 {{"group", std::int64_t{2}}, {"strides", Integers{2, 2}}})),
              ElementsAre(1, 6, 10, 10));
}

TEST(ShapeInference, PoolsWithCeilMode) {
  // Torch: windows that would begin in the trailing padding do not count.
  EXPECT_THAT(inferred(GraphBuilder()
                           .input("x", {1, 2, 5, 4})
                           .node("MaxPool", {"x"}, {"y"},
                                 {{"kernel_shape", Integers{2, 2}},
                                  {"strides", Integers{2, 2}},
                                  {"ceil_mode", std::int64_t{1}}})),
              ElementsAre(1, 2, 3, 2));
}

TEST(ShapeInference, SizesComputedFromShapes) {
  // x.view(x.size(0), 32): the batch stays unknown, the rest does not.
  const Graph graph =
      infer_shapes(GraphBuilder()
                       .input("x", {-1, 8, 2, 2})
                       .integers("zero", {0})
                       .integers("features", {32})
                       .node("Shape", {"x"}, {"shape"})
                       .node("Gather", {"shape", "zero"}, {"batch"})
                       .node("Concat", {"batch", "features"}, {"target"}, {{"axis", std::int64_t{0}}})
                       .node("Reshape", {"x", "target"}, {"y"})
                       .build());
  EXPECT_THAT(*graph.info("y").shape, ElementsAre(-1, 32));
  EXPECT_FALSE(graph.constant("target"));
}

TEST(ShapeInference, KnownSizesBecomeConstants) {
  const Graph graph = infer_shapes(GraphBuilder()
                                       .input("x", {2, 8, 2, 2})
                                       .node("Shape", {"x"}, {"shape"})
                                       .node("Reshape", {"z", "shape"}, {"y"})
                                       .build());
  ASSERT_TRUE(graph.constant("shape"));
  EXPECT_THAT(*graph.constant("shape")->integers(), ElementsAre(2, 8, 2, 2));
  EXPECT_EQ(graph.nodes.size(), 1U);
}

TEST(ShapeInference, ReshapeCopiesUnknownDimensions) {
  EXPECT_THAT(
      inferred(
          GraphBuilder().input("x", {-1, 8, 2, 2}).integers("t", {0, -1}).node("Reshape", {"x", "t"}, {"y"})),
      ElementsAre(-1, 32));
}

TEST(ShapeInference, DeclarationsFillWhatIsUnknown) {
  Graph graph =
      GraphBuilder().input("x", {-1, 2}).node("Relu", {"x"}, {"y"}).node("Unheard", {"y"}, {"z"}).build();
  graph.tensors["y"] = {ElementType::float32, Shape{4, 2}};
  graph.tensors["z"] = {ElementType::unknown, Shape{7}};
  graph = infer_shapes(graph);
  EXPECT_THAT(*graph.info("y").shape, ElementsAre(4, 2));
  EXPECT_THAT(*graph.info("z").shape, ElementsAre(7));
  EXPECT_EQ(graph.info("z").type, ElementType::float32);
}

TEST(ShapeInference, MatrixProducts) {
  EXPECT_THAT(
      inferred(GraphBuilder().input("x", {-1, 5, 4}).ramp("w", {4, 3}).node("MatMul", {"x", "w"}, {"y"})),
      ElementsAre(-1, 5, 3));
  EXPECT_THAT(inferred(GraphBuilder()
                           .input("x", {-1, 4})
                           .ramp("w", {3, 4})
                           .node("Gemm", {"x", "w"}, {"y"}, {{"transB", std::int64_t{1}}})),
              ElementsAre(-1, 3));
}

TEST(ShapeInference, AbsurdExtentsAreUnknown) {
  GraphBuilder split;
  split.input("x", {1, std::numeric_limits<std::int64_t>::max()});
  split.node("Split", {"x"}, {"y", "z", "u"}, {{"axis", std::int64_t{1}}});
  EXPECT_THAT(inferred(split), ElementsAre(1, -1));
}

TEST(ShapeInference, SplitsAndSlices) {
  GraphBuilder split;
  split.input("x", {1, 7}).node("Split", {"x"}, {"y", "z"}, {{"axis", std::int64_t{1}}});
  EXPECT_THAT(inferred(split), ElementsAre(1, 4));
  EXPECT_THAT(inferred(GraphBuilder()
                           .input("x", {-1, 8})
                           .integers("s", {1})
                           .integers("e", {-1})
                           .integers("a", {1})
                           .node("Slice", {"x", "s", "e", "a"}, {"y"})),
              ElementsAre(-1, 6));
}

}  // namespace
}  // namespace qcal
