#include "engine/plan/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "config/default_settings.h"
#include "engine/plan/quantization_plan.h"
#include "engine/transform/normalise.h"
#include "tests/plan/plan_helpers.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// Quantized inputs and activations, with the nodes that read them so; "out" for the graph's output.
std::map<std::string, std::vector<std::string>> placed(const Graph& graph, Placement placement,
                                                       Configuration configuration) {
  configuration.placement.value = placement;
  std::map<std::string, std::vector<std::string>> result;
  for (const PlannedTensor& tensor : make_plan(graph, configuration).tensors) {
    if (tensor.parameter || tensor.settings.datatype.value != Datatype::integer) continue;
    result[tensor.name] = tensor.readers;
    if (tensor.is_graph_output) result[tensor.name].push_back("out");
  }
  return result;
}

std::map<std::string, std::vector<std::string>> placed(const GraphBuilder& builder, Placement placement) {
  return placed(normalise(builder.build()), placement, testing::configuration(""));
}

// x -> conv a -> relu r -> conv b; b + r = s -> conv c -> sigmoid g; g * c = m -> flatten -> gemm y
GraphBuilder network() {
  return GraphBuilder()
      .input("x", {1, 2, 4, 4})
      .ramp("wa", {2, 2, 1, 1})
      .ramp("wb", {2, 2, 1, 1})
      .ramp("wc", {2, 2, 1, 1})
      .ramp("wy", {32, 3})
      .node("Conv", {"x", "wa"}, {"a"})
      .node("Relu", {"a"}, {"r"})
      .node("Conv", {"r", "wb"}, {"b"})
      .node("Add", {"b", "r"}, {"s"})
      .node("Conv", {"s", "wc"}, {"c"})
      .node("HardSigmoid", {"c"}, {"g"})
      .node("Mul", {"g", "c"}, {"m"})
      .node("Flatten", {"m"}, {"f"})
      .node("Gemm", {"f", "wy"}, {"y"})
      .output("y");
}

TEST(Placement, GroupsQuantizesEveryResultForEveryone) {
  EXPECT_THAT(placed(network(), Placement::groups),
              UnorderedElementsAre(Pair("x", ElementsAre("a")), Pair("r", ElementsAre("b", "s")),
                                   Pair("b", ElementsAre("s")), Pair("s", ElementsAre("c")),
                                   Pair("c", ElementsAre("g", "m")), Pair("g", ElementsAre("m")),
                                   Pair("f", ElementsAre("y")), Pair("y", ElementsAre("out"))));
}

TEST(Placement, ComputeQuantizesWhatIsMultiplied) {
  EXPECT_THAT(placed(network(), Placement::compute),
              UnorderedElementsAre(Pair("x", ElementsAre("a")), Pair("r", ElementsAre("b")),
                                   Pair("s", ElementsAre("c")), Pair("f", ElementsAre("y"))))
      << "b + r reads r in float, since b is in float";
}

TEST(Placement, ComputeQuantizesBothOperandsOfAnAddThatAreQuantizedAnyway) {
  const auto both = network().ramp("wd", {2, 2, 1, 1}).node("Conv", {"b", "wd"}, {"d"}).output("d");
  EXPECT_THAT(placed(both, Placement::compute),
              UnorderedElementsAre(Pair("x", ElementsAre("a")), Pair("r", ElementsAre("b", "s")),
                                   Pair("b", ElementsAre("s", "d")), Pair("s", ElementsAre("c")),
                                   Pair("f", ElementsAre("y"))));
}

TEST(Placement, FusedAddsTheResultsOfConvolutions) {
  EXPECT_THAT(placed(network(), Placement::fused),
              UnorderedElementsAre(Pair("x", ElementsAre("a")), Pair("r", ElementsAre("b", "s")),
                                   Pair("b", ElementsAre("s")), Pair("s", ElementsAre("c")),
                                   Pair("c", ElementsAre("g", "m")), Pair("f", ElementsAre("y"))));
}

TEST(Placement, FusedKnowsWhichResultsOnlyKernelsNeed) {
  Configuration configuration = testing::configuration("");
  for (const Placement placement : {Placement::groups, Placement::compute, Placement::fused}) {
    configuration.placement.value = placement;
    std::vector<std::string> only_for_kernels;
    for (const PlannedTensor& tensor : make_plan(normalise(network().build()), configuration).tensors)
      if (tensor.only_for_kernels) only_for_kernels.push_back(tensor.name);
    if (placement == Placement::fused) {
      EXPECT_THAT(only_for_kernels, ElementsAre("b", "c"));
    } else {
      EXPECT_THAT(only_for_kernels, IsEmpty());
    }
  }
}

TEST(Placement, FusedLeavesTheResultOfTheLastConvolutionInFloat) {
  const auto conv =
      GraphBuilder().input("x", {1, 2, 4, 4}).ramp("w", {2, 2, 1, 1}).node("Conv", {"x", "w"}, {"y"});
  EXPECT_THAT(placed(GraphBuilder(conv).output("y"), Placement::fused),
              ElementsAre(Pair("x", ElementsAre("y"))));
}

TEST(Placement, WhatFeedsOnlyConcatIsQuantizedForIntegerKernelsAlone) {
  const auto branches = network()
                            .ramp("wd", {2, 2, 1, 1})
                            .ramp("we", {2, 4, 1, 1})
                            .node("Conv", {"s", "wd"}, {"d"})
                            .node("Concat", {"d", "s"}, {"k"}, {{"axis", std::int64_t{1}}})
                            .node("Conv", {"k", "we"}, {"e"})
                            .output("e");
  EXPECT_FALSE(placed(branches, Placement::groups).contains("d"));
  EXPECT_FALSE(placed(branches, Placement::compute).contains("d"));
  EXPECT_THAT(placed(branches, Placement::fused)["d"], ElementsAre("k"));
}

TEST(Placement, AMaximumSharesTheParametersOfWhatItIsTakenFrom) {
  const Graph graph =
      normalise(network()
                    .ramp("wp", {2, 2, 1, 1})
                    .node("MaxPool", {"s"}, {"p"}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}}})
                    .node("Conv", {"p", "wp"}, {"q"})
                    .output("q")
                    .build());
  Configuration configuration = testing::configuration("");
  for (const Placement placement : {Placement::groups, Placement::compute, Placement::fused}) {
    configuration.placement.value = placement;
    const QuantizationPlan plan = make_plan(graph, configuration);
    const auto pool = std::ranges::find(plan.tensors, "p", &PlannedTensor::name);
    EXPECT_EQ(pool->same_as, placement == Placement::fused ? "s" : "");
  }
}

TEST(Placement, NothingMultipliesNothingIsQuantized) {
  const auto sum = GraphBuilder().input("x", {2}).input("z", {2}).node("Add", {"x", "z"}, {"y"}).output("y");
  EXPECT_THAT(placed(sum, Placement::compute), IsEmpty());
  EXPECT_THAT(placed(sum, Placement::fused), IsEmpty());
}

TEST(Placement, LayersKeptInFloatReadNothingQuantized) {
  Configuration configuration = testing::configuration("");
  configuration.keep_first_last_layer_accuracy = {true, {}};
  for (const Placement placement : {Placement::groups, Placement::compute, Placement::fused}) {
    for (const auto& [tensor, readers] : placed(normalise(network().build()), placement, configuration)) {
      for (const char* layer : {"a", "y"})
        EXPECT_THAT(readers, ::testing::Not(::testing::Contains(layer))) << tensor;
    }
  }
}

TEST(Placement, TheTargetDecidesWhatIsUsual) {
  EXPECT_EQ(default_configuration_for(TargetDevice::dpu, Compatibility::standard).placement.value,
            Placement::groups);
  EXPECT_EQ(default_configuration_for(TargetDevice::gpu, Compatibility::standard).placement.value,
            Placement::compute);
  EXPECT_EQ(default_configuration_for(TargetDevice::cpu, Compatibility::standard).placement.value,
            Placement::fused);
  EXPECT_EQ(default_configuration_for(TargetDevice::cpu, Compatibility::vitis).placement.value,
            Placement::groups);
}

}  // namespace
}  // namespace qcal
