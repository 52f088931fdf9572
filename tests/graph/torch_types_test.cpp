#include "engine/graph/torch_types.h"

#include <gtest/gtest.h>

#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using testing::GraphBuilder;

std::string type_of_first(const Graph& graph) {
  return torch_type(graph, graph.nodes.front());
}

TEST(TorchTypes, ConvolutionsCountTheirSpatialAxes) {
  const auto conv = [](const std::string& op, Shape weights) {
    return type_of_first(GraphBuilder().ramp("w", std::move(weights)).node(op, {"x", "w"}, {"y"}).build());
  };
  EXPECT_EQ(conv("Conv", {2, 3, 5}), "Conv1d");
  EXPECT_EQ(conv("Conv", {2, 3, 5, 5}), "Conv2d");
  EXPECT_EQ(conv("Conv", {2, 3, 1, 5, 5}), "Conv3d");
  EXPECT_EQ(conv("ConvTranspose", {2, 3, 5, 5}), "ConvTranspose2d");
}

TEST(TorchTypes, PoolsAndLinear) {
  EXPECT_EQ(
      type_of_first(GraphBuilder().input("x", {1, 2, 4, 4}).node("GlobalAveragePool", {"x"}, {"y"}).build()),
      "AdaptiveAvgPool2d");
  EXPECT_EQ(type_of_first(GraphBuilder()
                              .node("MaxPool", {"x"}, {"y"}, {{"kernel_shape", std::vector<std::int64_t>{3}}})
                              .build()),
            "MaxPool1d");
  EXPECT_EQ(type_of_first(GraphBuilder().node("Gemm", {"x", "w"}, {"y"}).build()), "Linear");
  EXPECT_EQ(type_of_first(GraphBuilder().node("Add", {"x", "w"}, {"y"}).build()), "");
}

TEST(TorchTypes, ClipByItsBounds) {
  const auto clip = [](float low, float high) {
    return type_of_first(GraphBuilder()
                             .reals("low", {}, {low})
                             .reals("high", {}, {high})
                             .node("Clip", {"x", "low", "high"}, {"y"})
                             .build());
  };
  EXPECT_EQ(clip(0, 6), "ReLU6");
  EXPECT_EQ(clip(-1, 1), "Hardtanh");
  EXPECT_EQ(type_of_first(GraphBuilder().node("Clip", {"x", "low"}, {"y"}).build()), "");
  EXPECT_EQ(type_of_first(GraphBuilder(9).node("Clip", {"x"}, {"y"}, {{"min", 0.0F}, {"max", 6.0F}}).build()),
            "ReLU6");
}

}  // namespace
}  // namespace qcal
