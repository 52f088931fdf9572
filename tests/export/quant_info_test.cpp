#include "engine/export/quant_info.h"

#include <gmock/gmock.h>

#include <limits>

#include "kernels/error.h"
#include "tests/dumps/dump_files.h"
#include "tests/export/sample_parameters.h"

namespace qcal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace qcal::testing;

TensorParameters power_of_two_activation() {
  TensorParameters tensor = sample_activation();
  tensor.scale_type = ScaleType::power_of_two;
  tensor.scale = {0.03125};
  tensor.zero_point = {0};
  tensor.fix_pos = {5};
  return tensor;
}

TEST(QuantInfo, HasTheLayoutOfVaiQPytorch) {
  TensorParameters bias = sample_activation();
  bias.name = "conv1.bias";
  bias.role = Role::bias;
  TensorParameters input = power_of_two_activation();
  input.name = "input";
  input.role = Role::input;
  input.fix_pos = {-1};
  EXPECT_EQ(quant_info_json({.tensors = {input, sample_weights(), bias, power_of_two_activation()}}),
            R"({
  "param": {
    "conv1.weight": [[4, [2, 1]]],
    "conv1.bias": [[8, 0.1, 3, 25.2]]
  },
  "output": {
    "/conv1/Conv_output_0": [[8, 5]]
  },
  "input": {
    "input": [[8, -1]]
  }
}
)");
}

TEST(QuantInfo, PerChannelFloatScalesAreLists) {
  TensorParameters weights = sample_weights();
  weights.scale_type = ScaleType::float_scale;
  weights.fix_pos.reset();
  EXPECT_THAT(quant_info_json({.tensors = {weights}}),
              HasSubstr("\"conv1.weight\": [[4, [0.25, 0.5], [0, 0], [1.75, 3.5]]]"));
  weights.scale = {0.25};
  weights.zero_point = {0};
  weights.amax = {1.75};
  EXPECT_THAT(quant_info_json({.tensors = {weights}}), HasSubstr("[[4, [0.25], [0], [1.75]]]"));
}

TEST(QuantInfo, FloatTensorsAreLeftOut) {
  EXPECT_THAT(quant_info_json({.tensors = {sample_input()}}), Not(HasSubstr("[[")));
}

TEST(QuantInfo, TakesNamesFromTheMap) {
  EXPECT_THAT(quant_info_json({.tensors = {power_of_two_activation()}},
                              {.names = {{"/conv1/Conv_output_0", "ResNet::ResNet/Conv2d[conv1]/input.2"}}}),
              HasSubstr("\"ResNet::ResNet/Conv2d[conv1]/input.2\": [[8, 5]]"));
}

TEST(QuantInfo, SharedNamesStayApartWhereTheyDiffer) {
  TensorParameters second = sample_weights();
  second.layer = "/conv2/Conv";
  EXPECT_THAT(quant_info_json({.tensors = {sample_weights(), second}}), Not(HasSubstr("@")));
  second.bit_width = 8;
  const std::string text = quant_info_json({.tensors = {sample_weights(), second}});
  EXPECT_THAT(text, HasSubstr("\"conv1.weight\": [[4,"));
  EXPECT_THAT(text, HasSubstr("\"conv1.weight@/conv2/Conv\": [[8,"));
}

TEST(QuantInfo, VitisPrintsHistogramMaximaOfParametersAsFloat32) {
  TensorParameters weights = sample_activation();
  weights.role = Role::weights;
  weights.amax = {static_cast<double>(0.1F)};
  EXPECT_THAT(quant_info_json({.tensors = {weights}}), HasSubstr("0.10000000149011612"));
  EXPECT_THAT(quant_info_json({.tensors = {weights}}, {.compatibility = Compatibility::vitis}),
              HasSubstr("3, 0.1]]"));
  weights.role = Role::activation;
  EXPECT_THAT(quant_info_json({.tensors = {weights}}, {.compatibility = Compatibility::vitis}),
              HasSubstr("0.10000000149011612"));
}

TEST(QuantInfo, RefusesNumbersThatAreNotFinite) {
  TensorParameters tensor = sample_activation();
  tensor.amax = {std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THAT(message_of<InvalidArgument>([&] { quant_info_json({.tensors = {tensor}}); }),
              HasSubstr("tensor \"/conv1/Conv_output_0\""));
}

}  // namespace
}  // namespace qcal
