#include "engine/export/runtime_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qcal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TensorParameters tensor(const std::string& name, Role role) {
  TensorParameters result;
  result.name = name;
  result.role = role;
  result.qmin = -128;
  result.qmax = 127;
  result.scale = {0.5};
  result.zero_point = {0};
  result.amax = {63.5};
  if (role == Role::weights) result.granularity = Granularity::per_channel;
  return result;
}

TEST(RuntimeCheck, NothingToSay) {
  const QuantizationParameters good{
      {tensor("x", Role::input), tensor("w", Role::weights), tensor("y", Role::activation)}};
  EXPECT_THAT(runtime_problems(good, Runtime::onnxruntime), IsEmpty());
  EXPECT_THAT(runtime_problems(good, Runtime::tensorrt), IsEmpty());
}

TEST(RuntimeCheck, TensorRtWantsSymmetricInt8) {
  TensorParameters asymmetric = tensor("x", Role::input);
  asymmetric.qmin = 0;
  asymmetric.qmax = 255;
  asymmetric.zero_point = {128};
  TensorParameters wide = tensor("y", Role::activation);
  wide.bit_width = 16;
  TensorParameters weights = tensor("w", Role::weights);
  weights.granularity = Granularity::per_tensor;
  EXPECT_THAT(runtime_problems({{asymmetric, weights, tensor("b", Role::bias), wide}}, Runtime::tensorrt),
              ElementsAre(AllOf(HasSubstr("activation \"y\""), HasSubstr("bit_width")),
                          AllOf(HasSubstr("input \"x\""), HasSubstr("signed")),
                          AllOf(HasSubstr("input \"x\""), HasSubstr("symmetry")),
                          AllOf(HasSubstr("weights \"w\""), HasSubstr("per_channel")),
                          AllOf(HasSubstr("bias \"b\""), HasSubstr("quantizable_data_type"))));
}

TEST(RuntimeCheck, OneLineForManyTensors) {
  std::vector<TensorParameters> tensors;
  for (const char* name : {"a", "b", "c", "d"}) {
    tensors.push_back(tensor(name, Role::activation));
    tensors.back().round_mode = RoundMode::half_up;
  }
  EXPECT_THAT(runtime_problems({tensors}, Runtime::onnxruntime),
              ElementsAre(HasSubstr("onnxruntime: activation \"a\", \"b\" and 2 more: ")));
}

TEST(RuntimeCheck, TensorsInFloatMeetEveryDemand) {
  TensorParameters in_float = tensor("x", Role::activation);
  in_float.datatype = Datatype::float16;
  in_float.bit_width = 16;
  EXPECT_THAT(runtime_problems({{in_float}}, Runtime::tensorrt), IsEmpty());
}

TEST(RuntimeCheck, TheCacheHasTheBitsOfTheScales) {
  EXPECT_EQ(tensorrt_cache({{tensor("x", Role::input), tensor("w", Role::weights)}}),
            "TRT-8601-EntropyCalibration2\nx: 3f000000\n");
}

}  // namespace
}  // namespace qcal
