// What onnxruntime itself chooses is compared with these answers in tests/python/quantized.py.
#include "engine/export/integer_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using testing::GraphBuilder;
using ::testing::HasSubstr;

ConstantPointer integer(ElementType type, std::int64_t value) {
  return std::make_shared<const Constant>(Constant{type, {}, std::vector<std::int64_t>{value}});
}

// A network with the scale 0.5 and the zero points "u8" (0), "s8" (0) and "u16" to quantize with.
class QuantizedNetwork {
 public:
  QuantizedNetwork& input(const std::string& name) {
    builder_.input(name, {1, 2, 4, 4});
    return *this;
  }
  // `name` + "_q", dequantized.
  QuantizedNetwork& quantized(const std::string& name, const std::string& zero_point) {
    builder_.node("QuantizeLinear", {name, "scale", zero_point}, {name + "_stored"});
    builder_.node("DequantizeLinear", {name + "_stored", "scale", zero_point}, {name + "_q"});
    return *this;
  }
  QuantizedNetwork& node(const std::string& type, const std::vector<std::string>& inputs,
                         const std::string& output) {
    builder_.node(type, inputs, {output});
    return *this;
  }
  // A Conv with int8 weights of scale 0.5.
  QuantizedNetwork& conv(const std::string& input, const std::string& output, const std::string& bias = "") {
    builder_.node("Conv", {input, "weights_q", bias}, {output});
    return *this;
  }
  std::vector<NodeKernel> kernels(const std::string& output) {
    builder_.node("DequantizeLinear", {"weights", "scale", "s8"}, {"weights_q"});
    Graph graph = builder_.output(output).build();
    graph.constants["scale"] = make_constant({}, std::vector<float>{0.5F});
    graph.constants["u8"] = integer(ElementType::uint8, 0);
    graph.constants["s8"] = integer(ElementType::int8, 0);
    graph.constants["u16"] = integer(ElementType::uint16, 0);
    graph.constants["weights"] = integer(ElementType::int8, 3);
    graph.constants["bias"] = integer(ElementType::int32, 3);
    graph.constants["quarter"] = make_constant({}, std::vector<float>{0.25F});
    return integer_kernels(graph);
  }

 private:
  GraphBuilder builder_;
};

auto on_integers(const std::string& kernel) {
  return AllOf(Field(&NodeKernel::kernel, kernel), Field(&NodeKernel::reason, ""));
}

auto in_float(const std::string& reason) {
  return AllOf(Field(&NodeKernel::kernel, ""), Field(&NodeKernel::reason, HasSubstr(reason)));
}

QuantizedNetwork quantized_input(const std::string& zero_point = "u8") {
  return QuantizedNetwork().input("x").quantized("x", zero_point);
}

TEST(IntegerKernels, BetweenQuantizersOfEightBits) {
  EXPECT_THAT(quantized_input().conv("x_q", "c").quantized("c", "u8").kernels("c_q"),
              ElementsAre(on_integers("QLinearConv")));
  EXPECT_THAT(quantized_input("u16").conv("x_q", "c").quantized("c", "u8").kernels("c_q"),
              ElementsAre(in_float("input has more than 8 bits")));
  EXPECT_THAT(quantized_input().conv("x_q", "c").quantized("c", "u16").kernels("c_q"),
              ElementsAre(in_float("result has more than 8 bits")));
  EXPECT_THAT(quantized_input().conv("x", "c").quantized("c", "u8").kernels("c_q"),
              ElementsAre(in_float("input stays in float")));
  EXPECT_THAT(quantized_input().conv("x_q", "c").kernels("c"), ElementsAre(in_float("hands out its result")));
}

TEST(IntegerKernels, AReluVanishesWhereTheQuantizerEndsAtZero) {
  const auto with_relu = [](const char* zero_point) {
    return quantized_input()
        .conv("x_q", "c")
        .node("Relu", {"c"}, "r")
        .quantized("r", zero_point)
        .kernels("r_q");
  };
  EXPECT_THAT(with_relu("u8"), ElementsAre(on_integers("QLinearConv")));
  EXPECT_THAT(with_relu("s8"),
              ElementsAre(in_float("Relu stands before its quantizer"), in_float("no integer")));
}

TEST(IntegerKernels, WhoeverReadsTheResultInFloatIsNamed) {
  EXPECT_THAT(
      quantized_input().conv("x_q", "c").node("HardSwish", {"c"}, "h").quantized("h", "u8").kernels("h_q"),
      ElementsAre(in_float("HardSwish reads its result"), in_float("no integer kernel")));
  EXPECT_THAT(quantized_input()
                  .conv("x_q", "c")
                  .quantized("c", "u8")
                  .node("Add", {"c_q", "c"}, "a")
                  .quantized("a", "u8")
                  .kernels("a_q"),
              ElementsAre(in_float("Add reads its result"), in_float("input stays in float")));
}

TEST(IntegerKernels, ABiasHasTheScaleOfInputTimesWeights) {
  const auto with_bias = [](const char* scale) {
    return quantized_input()
        .node("DequantizeLinear", {"bias", scale}, "bias_q")
        .conv("x_q", "c", "bias_q")
        .quantized("c", "u8")
        .kernels("c_q");
  };
  EXPECT_THAT(with_bias("quarter"), ElementsAre(on_integers("QLinearConv")));
  EXPECT_THAT(with_bias("scale"), ElementsAre(in_float("bias has a scale of its own")));
}

// On x86 onnxruntime turns int8 into uint8 where one node alone reads it, and not where several do.
TEST(IntegerKernels, SignedTensorsThatSeveralNodesRead) {
  EXPECT_THAT(quantized_input("s8").conv("x_q", "c").quantized("c", "s8").kernels("c_q"),
              ElementsAre(on_integers("QLinearConv")));
  EXPECT_THAT(quantized_input("s8")
                  .conv("x_q", "c")
                  .quantized("c", "s8")
                  .node("Add", {"x_q", "c_q"}, "a")
                  .quantized("a", "s8")
                  .kernels("a_q"),
              ElementsAre(in_float("its input and its result are int8 and uint8"),
                          in_float("its inputs are int8 and uint8")));
}

TEST(IntegerKernels, AMatrixProductMayEndInFloat) {
  EXPECT_THAT(quantized_input().node("MatMul", {"x_q", "weights_q"}, "m").kernels("m"),
              ElementsAre(on_integers("MatMulIntegerToFloat")));
}

TEST(IntegerKernels, MovedValuesAreNoComputation) {
  EXPECT_THAT(quantized_input()
                  .node("GlobalAveragePool", {"x_q"}, "p")
                  .node("Shape", {"p"}, "s")
                  .node("Reshape", {"p", "s"}, "r")
                  .quantized("r", "u8")
                  .kernels("r_q"),
              ElementsAre(on_integers("QLinearGlobalAveragePool")));
}

}  // namespace
}  // namespace qcal
