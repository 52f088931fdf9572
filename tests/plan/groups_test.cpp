#include "engine/plan/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/parse_config.h"
#include "engine/plan/quantization_plan.h"
#include "engine/transform/normalise.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;
using Integers = std::vector<std::int64_t>;

std::vector<std::string> recorded(const GraphBuilder& builder) {
  return tensors_to_record(make_plan(normalise(builder.build()), default_configuration()));
}

GraphBuilder network() {
  return GraphBuilder()
      .input("x", {-1, 2, 4, 4})
      .ramp("w", {2, 2, 1, 1})
      .ramp("v", {2, 2, 1, 1})
      .integers("flat", {0, -1});
}

TEST(Groups, ActivationAndShapeOperatorsJoin) {
  EXPECT_THAT(recorded(network()
                           .node("Conv", {"x", "w"}, {"c"})
                           .node("Relu", {"c"}, {"r"})
                           .node("Reshape", {"r", "flat"}, {"y"})
                           .output("y")),
              ElementsAre("x", "y"));
}

TEST(Groups, EndWhereTwoRead) {
  EXPECT_THAT(recorded(network()
                           .node("Conv", {"x", "w"}, {"c"})
                           .node("Relu", {"c"}, {"r"})
                           .node("Add", {"c", "r"}, {"y"})
                           .output("y")),
              ElementsAre("x", "c", "r", "y"))
      << "the Relu that could not be fused gets a quantizer because Add reads it";
}

TEST(Groups, EndAtAGraphOutput) {
  EXPECT_THAT(
      recorded(network().node("Conv", {"x", "w"}, {"c"}).node("Relu", {"c"}, {"r"}).output("c").output("r")),
      ElementsAre("x", "c"));
}

TEST(Groups, ReadingTheShapeIsNotReading) {
  EXPECT_THAT(recorded(network()
                           .node("Conv", {"x", "w"}, {"c"})
                           .node("Shape", {"c"}, {"s"})
                           .node("Relu", {"c"}, {"r"})
                           .node("Reshape", {"r", "s"}, {"y"})
                           .output("y")),
              ElementsAre("x", "y"));
}

TEST(Groups, EndBeforeSplit) {
  EXPECT_THAT(recorded(network()
                           .node("Conv", {"x", "w"}, {"c"})
                           .node("Split", {"c"}, {"a", "b"}, {{"axis", std::int64_t{1}}})
                           .node("Mul", {"a", "b"}, {"y"})
                           .output("y")),
              ElementsAre("x", "c", "y"))
      << "what Split makes of a quantized tensor is quantized";
}

TEST(Groups, ConcatHasTheOnlyQuantizer) {
  EXPECT_THAT(recorded(network()
                           .node("Conv", {"x", "w"}, {"c"})
                           .node("Conv", {"x", "v"}, {"d"})
                           .node("Relu", {"d"}, {"r"})
                           .node("Concat", {"c", "r"}, {"y"}, {{"axis", std::int64_t{1}}})
                           .output("y")),
              ElementsAre("x", "y"));
  EXPECT_THAT(recorded(network()
                           .node("Conv", {"x", "w"}, {"c"})
                           .node("Concat", {"c", "x"}, {"j"}, {{"axis", std::int64_t{1}}})
                           .node("Mul", {"c", "c"}, {"m"})
                           .output("j")
                           .output("m")),
              ElementsAre("x", "c", "j", "m"))
      << "a tensor that something else reads too keeps its own";
}

TEST(Groups, FloatResultsAreQuantizedWhereTheyAreRead) {
  const QuantizationPlan plan = make_plan(normalise(network()
                                                        .node("Conv", {"x", "w"}, {"c"})
                                                        .node("Sigmoid", {"c"}, {"s"})
                                                        .node("Conv", {"s", "v"}, {"y"})
                                                        .node("Sigmoid", {"y"}, {"z"})
                                                        .output("z")
                                                        .build()),
                                          default_configuration());
  EXPECT_THAT(tensors_to_record(plan), ElementsAre("x", "c", "s", "y"));
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.name == "s") {
      EXPECT_EQ(tensor.layer, "y");
    }
  }
  EXPECT_EQ(std::ranges::count(plan.notes, "Sigmoid", &PlanNote::subject), 1) << "one note a type";
}

TEST(Groups, IntegersAreNotActivations) {
  EXPECT_THAT(recorded(GraphBuilder()
                           .input("ids", {-1}, ElementType::int64)
                           .integers("one", {1})
                           .ramp("table", {10, 4})
                           .node("Add", {"ids", "one"}, {"next"})
                           .node("Gather", {"table", "next"}, {"rows"})
                           .node("Relu", {"rows"}, {"y"})
                           .output("y")),
              IsEmpty());
}

TEST(Groups, SubgraphsStayInFloatAndAreNoted) {
  GraphBuilder branch;
  branch.node("Relu", {"c"}, {"t"}).output("t");
  Graph graph =
      network()
          .input("flag", {}, ElementType::boolean)
          .node("Conv", {"x", "w"}, {"c"})
          .node("If", {"flag"}, {"y"}, {{"then_branch", std::make_shared<const Graph>(branch.build())}})
          .output("y")
          .build();
  graph.nodes.back().captured = {"c"};
  const QuantizationPlan plan = make_plan(normalise(graph), default_configuration());
  EXPECT_THAT(tensors_to_record(plan), ElementsAre("x", "c"));
  EXPECT_EQ(std::ranges::count(plan.notes, "y", &PlanNote::subject), 1);
}

TEST(Groups, NormsThatNoLayerAbsorbsKeepTheirParameters) {
  const QuantizationPlan plan = make_plan(normalise(network()
                                                        .ramp("g", {2})
                                                        .ramp("b", {2})
                                                        .node("InstanceNormalization", {"x", "g", "b"}, {"y"})
                                                        .output("y")
                                                        .build()),
                                          default_configuration());
  ASSERT_EQ(plan.tensors.size(), 4U);
  EXPECT_EQ(plan.tensors[1].role, Role::weights);
  EXPECT_EQ(plan.tensors[2].role, Role::bias);
  EXPECT_FALSE(plan.tensors[2].bias_factors) << "a norm's bias has no scale from its input and weights";
}

TEST(Groups, MatMulResultsCountChannelsLast) {
  const QuantizationPlan plan = make_plan(normalise(GraphBuilder()
                                                        .input("x", {-1, 5, 3})
                                                        .ramp("w", {3, 2})
                                                        .ramp("b", {2})
                                                        .node("MatMul", {"x", "w"}, {"m"})
                                                        .node("Add", {"m", "b"}, {"y"})
                                                        .output("y")
                                                        .build()),
                                          default_configuration());
  ASSERT_EQ(plan.tensors.size(), 4U);
  EXPECT_EQ(plan.tensors[1].name, "w");
  EXPECT_EQ(plan.tensors[1].channel_axis, 1);
  EXPECT_EQ(plan.tensors[2].name, "b");
  EXPECT_EQ(plan.tensors[3].name, "y");
  EXPECT_EQ(plan.tensors[3].channel_axis, 2);
  EXPECT_EQ(plan.tensors[3].layer_type, "Linear");
}

}  // namespace
}  // namespace qcal
