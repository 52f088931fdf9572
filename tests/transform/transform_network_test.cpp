#include "engine/transform/transform_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/plan/plan_helpers.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Graph mobile_net() {
  return normalise(
      read_onnx(std::filesystem::path(QCAL_MODELS) / "mbv2_digits" / "mbv2_digits.ts.op17.fold.onnx"));
}

Configuration switches(bool relu6, bool cle, TargetDevice target) {
  Configuration configuration = testing::configuration("");
  configuration.convert_relu6_to_relu.value = relu6;
  configuration.include_cle.value = cle;
  configuration.target_device.value = target;
  return configuration;
}

std::vector<std::string> statuses(const TransformedNetwork& network, const Configuration& configuration) {
  std::vector<std::string> lines;
  for (const TransformStatus& transform : make_plan(network.graph, configuration).transforms)
    lines.push_back(transform.name + ' ' + transform.status);
  return lines;
}

TEST(TransformNetwork, OffChangesNothing) {
  const Configuration off = switches(false, false, TargetDevice::gpu);
  const TransformedNetwork network = transform_network(mobile_net(), off);
  EXPECT_THAT(network.graph.transforms, IsEmpty());
  EXPECT_THAT(statuses(network, off),
              ElementsAre("convert_relu6_to_relu off", "include_cle off", "include_bias_corr off"));
}

TEST(TransformNetwork, EachSwitchSaysWhatItDid) {
  const Configuration both = switches(true, true, TargetDevice::cpu);
  const TransformedNetwork network = transform_network(mobile_net(), both);
  EXPECT_EQ(network.unclipped.size(), 11U);
  EXPECT_THAT(statuses(network, both),
              ElementsAre("convert_relu6_to_relu applied", "include_cle applied", "include_bias_corr off"));
  EXPECT_THAT(network.graph.transform("convert_relu6_to_relu")->details, ElementsAre("11 ReLU6 became ReLU"));
  const auto& details = network.graph.transform("include_cle")->details;
  ASSERT_EQ(details.size(), 11U);
  EXPECT_EQ(details[0], "10 pairs");
  EXPECT_THAT(details[1], HasSubstr(" -> "));
}

TEST(TransformNetwork, ReLU6StaysWhereTheTargetHasBounds) {
  for (const TargetDevice target : {TargetDevice::cpu, TargetDevice::gpu}) {
    EXPECT_THAT(transform_network(mobile_net(), switches(false, true, target)).unclipped, IsEmpty());
  }
  const Configuration dpu = switches(false, true, TargetDevice::dpu);
  const TransformedNetwork network = transform_network(mobile_net(), dpu);
  EXPECT_EQ(network.unclipped.size(), 10U) << "the other one is read by two layers";
  EXPECT_EQ(statuses(network, dpu)[0], "convert_relu6_to_relu applied");
  Configuration vitis = switches(false, true, TargetDevice::cpu);
  vitis.compatibility = Compatibility::vitis;
  EXPECT_EQ(transform_network(mobile_net(), vitis).unclipped.size(), 11U);
  vitis.include_cle.value = false;
  EXPECT_THAT(transform_network(mobile_net(), vitis).unclipped, IsEmpty());
}

TEST(TransformNetwork, NothingIsDoneTwice) {
  const Configuration both = switches(true, true, TargetDevice::dpu);
  const TransformedNetwork once = transform_network(mobile_net(), both);
  const TransformedNetwork twice = transform_network(once.graph, both);
  EXPECT_THAT(twice.divisors, IsEmpty());
  EXPECT_EQ(twice.graph.transforms.size(), 2U);
}

// The plan has the same tensors, layers and settings; only the types of converted ReLU6 differ.
TEST(TransformNetwork, ThePlanStaysTheSame) {
  const Configuration configuration = switches(false, true, TargetDevice::cpu);
  const QuantizationPlan before = make_plan(mobile_net(), configuration);
  const QuantizationPlan after =
      make_plan(transform_network(mobile_net(), configuration).graph, configuration);
  EXPECT_EQ(testing::signature(after), testing::signature(before));
  EXPECT_EQ(tensors_to_record(after), tensors_to_record(before));
}

}  // namespace
}  // namespace qcal
