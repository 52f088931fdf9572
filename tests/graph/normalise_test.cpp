#include "engine/transform/normalise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/transform/drop_dead_nodes.h"
#include "engine/transform/fold_constant_add.h"
#include "engine/transform/fold_pad.h"
#include "engine/transform/inline_constant_if.h"
#include "engine/transform/matmul_to_gemm.h"
#include "engine/transform/mean_to_pool.h"
#include "engine/transform/remove_identities.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using testing::Attributes;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;
using testing::operators;
using Integers = std::vector<std::int64_t>;

GraphBuilder conv() {
  return GraphBuilder().input("x", {-1, 1, 4, 4}).reals("w", {2, 1, 3, 3}, std::vector<float>(18, 1.0F));
}

TEST(RemoveIdentities, ReadersGetTheOriginalName) {
  const Graph graph = remove_identities(conv()
                                            .node("Identity", {"w"}, {"w_copy"})
                                            .node("Dropout", {"x"}, {"x_kept", "mask"})
                                            .node("Conv", {"x_kept", "w_copy"}, {"y"})
                                            .output("y")
                                            .build());
  ASSERT_THAT(operators(graph), ElementsAre("Conv"));
  EXPECT_THAT(graph.nodes[0].inputs, ElementsAre("x", "w"));
}

TEST(RemoveIdentities, TheGraphOutputKeepsItsName) {
  const Graph graph = remove_identities(conv()
                                            .node("Conv", {"x", "w"}, {"c"})
                                            .node("Identity", {"c"}, {"y"})
                                            .node("Relu", {"c"}, {"z"})
                                            .output("y")
                                            .output("z")
                                            .build());
  ASSERT_THAT(operators(graph), ElementsAre("Conv", "Relu"));
  EXPECT_EQ(graph.nodes[0].output(0), "y");
  EXPECT_EQ(graph.nodes[1].input(0), "y");
}

TEST(RemoveIdentities, StaysWhereNothingElseCanMakeTheOutput) {
  EXPECT_EQ(remove_identities(conv().node("Identity", {"x"}, {"y"}).output("y").build()).nodes.size(), 1U);
  EXPECT_EQ(remove_identities(conv().node("Dropout", {"x"}, {"y", "m"}).output("y").output("m").build())
                .nodes.size(),
            1U);
}

TEST(RemoveIdentities, TrainingDropoutStays) {
  EXPECT_EQ(remove_identities(conv()
                                  .reals("ratio", {}, {0.5F})
                                  .integers("train", {1})
                                  .node("Dropout", {"x", "ratio", "train"}, {"d"})
                                  .node("Relu", {"d"}, {"y"})
                                  .output("y")
                                  .build())
                .nodes.size(),
            2U);
}

TEST(DropDeadNodes, KeepsWhatSubgraphsRead) {
  Graph graph = conv()
                    .ramp("unused", {3})
                    .node("Relu", {"x"}, {"inner"})
                    .node("Relu", {"x"}, {"dead"})
                    .node("If", {"x"}, {"y"})
                    .output("y")
                    .build();
  graph.nodes.back().captured = {"inner", "w"};
  graph = drop_dead_nodes(graph);
  EXPECT_THAT(operators(graph), ElementsAre("Relu", "If"));
  EXPECT_TRUE(graph.constant("w"));
  EXPECT_FALSE(graph.constant("unused"));
}

TEST(FoldConstantAdd, OfEveryShapeThatIsABias) {
  struct Case {
    Shape shape;
    std::vector<float> values;
    std::size_t nodes;
  };
  const std::vector<Case> cases{
      {{1, 2, 1, 1}, {5, 6}, 1}, {{2, 1, 1}, {5, 6}, 1}, {{}, {5}, 1},
      {{1, 1}, {5}, 1},          {{2}, {5, 6}, 2},       {{1, 2, 1, 2}, {1, 2, 3, 4}, 2},
      {{1, 1, 1, 1, 1}, {5}, 2},
  };
  for (const Case& added : cases) {
    const Graph graph = fold_constant_adds(conv()
                                               .reals("a", added.shape, added.values)
                                               .node("Conv", {"x", "w"}, {"c"})
                                               .node("Add", {"a", "c"}, {"y"})
                                               .output("y")
                                               .build());
    ASSERT_EQ(graph.nodes.size(), added.nodes);
    if (added.nodes == 2) continue;
    EXPECT_EQ(graph.nodes[0].output(0), "y");
    EXPECT_EQ(graph.nodes[0].input(2), "w.bias");
    EXPECT_THAT(*graph.constant("w.bias")->reals(), ElementsAre(5, added.values.back()));
  }
}

TEST(FoldConstantAdd, AddsToABiasThatOthersRead) {
  const Graph graph = fold_constant_adds(conv()
                                             .reals("b", {2}, {1, 2})
                                             .reals("a", {1, 2, 1, 1}, {10, 20})
                                             .node("Conv", {"x", "w", "b"}, {"c"})
                                             .node("Conv", {"x", "w", "b"}, {"d"})
                                             .node("Add", {"c", "a"}, {"y"})
                                             .output("y")
                                             .output("d")
                                             .build());
  EXPECT_THAT(*graph.constant("b")->reals(), ElementsAre(1, 2));
  EXPECT_THAT(*graph.constant(graph.nodes[0].input(2))->reals(), ElementsAre(11, 22));
  EXPECT_EQ(graph.nodes[1].input(2), "b");
}

TEST(FoldConstantAdd, IntoMatMulOfAnyRankAndGemm) {
  for (const char* op : {"MatMul", "Gemm"}) {
    const Graph graph = fold_constant_adds(GraphBuilder()
                                               .input("x", {-1, 3})
                                               .ramp("w", {3, 2})
                                               .reals("b", {2}, {1, 2})
                                               .node(op, {"x", "w"}, {"m"})
                                               .node("Add", {"m", "b"}, {"y"})
                                               .output("y")
                                               .build());
    ASSERT_EQ(graph.nodes.size(), 1U);
    EXPECT_THAT(graph.nodes[0].inputs, ElementsAre("x", "w", "b"));
  }
}

TEST(FoldConstantAdd, StaysWhereTheSumIsReadElsewhere) {
  EXPECT_EQ(fold_constant_adds(conv()
                                   .reals("a", {}, {3})
                                   .node("Conv", {"x", "w"}, {"c"})
                                   .node("Add", {"c", "a"}, {"s"})
                                   .node("Mul", {"c", "s"}, {"y"})
                                   .output("y")
                                   .build())
                .nodes.size(),
            3U);
}

Graph padded(const Attributes& attributes, Integers pads, float value = 0) {
  return drop_dead_nodes(fold_pads(conv()
                                       .integers("pads", std::move(pads))
                                       .reals("value", {}, {value})
                                       .node("Pad", {"x", "pads", "value"}, {"p"}, attributes)
                                       .node("Conv", {"p", "w"}, {"y"}, {{"pads", Integers{1, 0, 0, 0}}})
                                       .output("y")
                                       .build()));
}

TEST(FoldPad, BecomesTheConvolutionsOwn) {
  const Graph graph = padded({}, {0, 0, 1, 2, 0, 0, 3, 4});
  ASSERT_THAT(operators(graph), ElementsAre("Conv"));
  EXPECT_EQ(graph.nodes[0].input(0), "x");
  EXPECT_EQ(graph.nodes[0].integers("pads"), (Integers{2, 2, 3, 4}));
}

TEST(FoldPad, StaysWhereAConvolutionPadsOtherwise) {
  EXPECT_EQ(padded({{"mode", std::string("reflect")}}, {0, 0, 1, 1, 0, 0, 1, 1}).nodes.size(), 2U);
  EXPECT_EQ(padded({}, {0, 0, 1, 1, 0, 0, 1, 1}, 1.0F).nodes.size(), 2U);
  EXPECT_EQ(padded({}, {0, 1, 1, 1, 0, 0, 1, 1}).nodes.size(), 2U);
  EXPECT_EQ(padded({}, {0, 0, -1, 1, 0, 0, 1, 1}).nodes.size(), 2U);
  EXPECT_EQ(padded({}, {0, 0, 1}).nodes.size(), 2U);
}

TEST(MatmulsToGemm, WhereTheInputIsAMatrix) {
  const auto op = [](Shape input, Shape weights) {
    const Graph graph = matmuls_to_gemm(GraphBuilder()
                                            .input("x", std::move(input))
                                            .ramp("w", std::move(weights))
                                            .node("MatMul", {"x", "w"}, {"y"})
                                            .build());
    return graph.nodes[0].op_type;
  };
  EXPECT_EQ(op({-1, 3}, {3, 2}), "Gemm");
  EXPECT_EQ(op({-1, 5, 3}, {3, 2}), "MatMul");
  EXPECT_EQ(op({3, 3}, {2, 3, 2}), "MatMul");
}

Graph averaged(Integers axes, std::int64_t keep) {
  return means_to_pools(GraphBuilder(18)
                            .input("x", {-1, 8, 2, 2})
                            .integers("axes", std::move(axes))
                            .node("ReduceMean", {"x", "axes"}, {"y"}, {{"keepdims", keep}})
                            .output("y")
                            .build());
}

TEST(MeansToPools, OverTheImage) {
  EXPECT_THAT(operators(averaged({2, 3}, 1)), ElementsAre("GlobalAveragePool"));
  EXPECT_THAT(operators(averaged({-1, -2}, 0)), ElementsAre("GlobalAveragePool", "Flatten"));
  EXPECT_EQ(averaged({2, 3}, 0).nodes[1].output(0), "y");
  EXPECT_EQ(averaged({2, 3}, 0).nodes[0].original_op, "ReduceMean");
  for (const Integers& axes : {Integers{2}, Integers{1, 2, 3}, Integers{}, Integers{7}}) {
    EXPECT_THAT(operators(averaged(axes, 1)), ElementsAre("ReduceMean"));
  }
}

Graph with_if(bool condition) {
  const auto branch = [](const std::string& op, const std::string& result) {
    return std::make_shared<const Graph>(
        GraphBuilder().ramp("c", {1}).node(op, {"x", "c"}, {result}).output(result).build());
  };
  Graph graph = GraphBuilder()
                    .input("x", {1})
                    .ramp("c", {1})
                    .integers("condition", {condition ? 1 : 0})
                    .node("If", {"condition"}, {"y"},
                          {{"then_branch", branch("Add", "t")}, {"else_branch", branch("Mul", "e")}})
                    .node("Sub", {"y", "c"}, {"z"})
                    .output("z")
                    .build();
  graph.nodes[0].captured = {"x"};
  return graph;
}

TEST(InlineConstantIf, TakesTheBranch) {
  const Graph taken = inline_constant_ifs(with_if(true));
  EXPECT_THAT(operators(taken), ElementsAre("Add", "Sub"));
  EXPECT_THAT(taken.nodes[0].inputs, ElementsAre("x", "c_1")) << "the graph has a constant of that name";
  EXPECT_EQ(taken.nodes[0].output(0), "y");
  EXPECT_EQ(taken.notes.size(), 1U);
  EXPECT_THAT(operators(inline_constant_ifs(with_if(false))), ElementsAre("Mul", "Sub"));
}

TEST(InlineConstantIf, StaysWhereTheConditionIsComputed) {
  Graph graph = with_if(true);
  graph.constants.erase("condition");
  EXPECT_THAT(operators(inline_constant_ifs(graph)), ElementsAre("If", "Sub"));
}

TEST(Normalise, IsIdempotent) {
  const Graph once = normalise(conv()
                                   .reals("a", {1, 2, 1, 1}, {5, 6})
                                   .node("Conv", {"x", "w"}, {"c"})
                                   .node("Add", {"c", "a"}, {"b"})
                                   .node("Relu", {"b"}, {"y"})
                                   .output("y")
                                   .build());
  const Graph twice = normalise(once);
  EXPECT_THAT(operators(once), ElementsAre("Conv", "Relu"));
  EXPECT_EQ(operators(twice), operators(once));
  EXPECT_EQ(twice.nodes[0].inputs, once.nodes[0].inputs);
  EXPECT_EQ(twice.constants, once.constants) << "constants are shared, not copied";
}

TEST(Normalise, AnEmptyGraphStaysEmpty) {
  EXPECT_THAT(normalise(Graph{}).nodes, IsEmpty());
}

}  // namespace
}  // namespace qcal
