// Which results are left in float because quantizing them costs too much.
#include "engine/correct/costly_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/collect/tensor_parameters.h"
#include "engine/transform/normalise.h"
#include "tests/plan/plan_helpers.h"
#include "tests/support/graph_builder.h"

namespace qcal::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// x -> conv a -> relu r -> conv b; b + r = s -> maximum p -> conv y; a maximum shares its source's
// parameters.
Graph network() {
  return normalise(GraphBuilder()
                       .input("x", {1, 2, 4, 4})
                       .ramp("wa", {2, 2, 1, 1})
                       .ramp("wb", {2, 2, 1, 1})
                       .ramp("wc", {2, 2, 1, 1})
                       .ramp("wy", {2, 2, 1, 1})
                       .node("Conv", {"x", "wa"}, {"a"})
                       .node("Relu", {"a"}, {"r"})
                       .node("Conv", {"r", "wb"}, {"b"})
                       .node("Add", {"b", "r"}, {"s"})
                       .node("Conv", {"s", "wc"}, {"c"})
                       .node("MaxPool", {"c"}, {"p"}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}}})
                       .node("Conv", {"p", "wy"}, {"y"})
                       .output("y")
                       .build());
}

QuantizationPlan fused_plan() {
  Configuration configuration = testing::configuration(R"("min_output_sqnr": 30)");
  configuration.placement.value = Placement::fused;
  return make_plan(network(), configuration);
}

// All tensors have scale 0.1.
QuantizationParameters parameters_of(const QuantizationPlan& plan) {
  QuantizationParameters found;
  for (const PlannedTensor& planned : plan.tensors) {
    found.tensors.push_back(planned_parameters(planned));
    found.tensors.back().scale = {0.1};
    found.tensors.back().zero_point = {0};
    found.tensors.back().amax = {12.7};
  }
  return found;
}

// 1000 values, evenly spread from 0.
std::vector<float> spread_to(float highest) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(highest * static_cast<float>(i) / 1000.0F);
  return values;
}

std::vector<std::string> in_float(const QuantizationPlan& plan) {
  std::vector<std::string> names;
  for (const PlannedTensor& tensor : plan.tensors)
    if (tensor.settings.datatype.value == Datatype::float32) names.push_back(tensor.name);
  return names;
}

const PlannedTensor& planned(const QuantizationPlan& plan, const std::string& name) {
  return *std::ranges::find(plan.tensors, name, &PlannedTensor::name);
}

TEST(CostlyOutputs, AreThoseBelowTheLimitOfTheTensorsThatOnlyKernelsNeed) {
  QuantizationPlan plan = fused_plan();
  OutputCosts costs(plan);
  EXPECT_TRUE(costs.watches("b") && costs.watches("c"));
  EXPECT_FALSE(costs.watches("r") || costs.watches("s") || costs.watches("p") || costs.watches("x"));
  const std::vector<float> large = spread_to(12.0F);
  const std::vector<float> small = spread_to(0.3F);
  const auto observe = [&](const std::string& tensor, const std::vector<float>& values) {
    const TensorView view{values.data(), DType::f32, {1000}, Memory::host, {}};
    costs.observe(tensor, WholeTensor(view));
  };
  observe("b", large);
  observe("c", small);
  observe("r", small);  // quantized for a product anyway
  QuantizationParameters found = parameters_of(plan);
  const std::vector<CostlyOutput> costly = costs.costly(plan, found, Compatibility::standard);
  ASSERT_EQ(costly.size(), 1u);
  EXPECT_EQ(costly[0].tensor, "c");
  EXPECT_EQ(costly[0].layer, "c");
  EXPECT_EQ(costly[0].min_output_sqnr, 30.0);
  EXPECT_LT(costly[0].sqnr, 30.0);
  ASSERT_EQ(planned(plan, "p").same_as, "c");

  leave_out(costly, plan, found);
  EXPECT_THAT(in_float(plan), ElementsAre("c"));
  EXPECT_EQ(planned(plan, "c").settings.datatype.source.text(), plan.min_output_sqnr.source.text());
  EXPECT_EQ(planned(plan, "p").same_as, "") << "its parameters are its own now";
  for (const TensorParameters& tensor : found.tensors)
    EXPECT_EQ(tensor.scale.empty(), tensor.name == "c") << tensor.name;

  QuantizationPlan again = fused_plan();
  leave_out_as_in(found, again);
  EXPECT_THAT(in_float(again), ElementsAre("c"));
}

TEST(CostlyOutputs, AreNoneOfOtherPlacementsAndOfTensorsWithAScaleAChannel) {
  for (const Placement placement : {Placement::groups, Placement::compute, Placement::fused}) {
    Configuration configuration =
        testing::configuration(R"("tensor_quantize_config": {"activation": {"per_channel": true}})");
    configuration.placement.value = placement;
    const QuantizationPlan plan = make_plan(network(), configuration);
    EXPECT_THAT(OutputCosts(plan).costly(plan, parameters_of(plan), Compatibility::standard), IsEmpty());
    EXPECT_FALSE(OutputCosts(plan).watches("c"));
  }
}

}  // namespace
}  // namespace qcal::testing
