// Corrections held against convolutions that are really run, in double, by plain loops.
#include "engine/correct/bias_corrector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "tests/plan/plan_helpers.h"
#include "tests/plan/plan_parameters.h"
#include "tests/support/graph_builder.h"
#include "tests/support/test_backend.h"

namespace qcal {
namespace {

using testing::Attributes;
using testing::GraphBuilder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Extents =
    std::array<std::int64_t, 3>;  // of three spatial axes, the leading ones 1 where there are fewer
using Integers = std::vector<std::int64_t>;

constexpr double weight_scale = 0.3;

std::vector<float> random_values(std::size_t count, unsigned seed, float mean) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> spread(-1.0F, 1.0F);
  std::vector<float> values(count);
  for (float& value : values) value = mean + spread(generator);
  return values;
}

std::size_t count_of(const Shape& shape) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  return count;
}

double naive_weight_error(float weight) {
  const double steps = std::nearbyint(static_cast<double>(weight) / weight_scale);
  const double clamped = std::fmin(std::fmax(steps, -128.0), 127.0);
  return clamped * static_cast<double>(static_cast<float>(weight_scale)) - static_cast<double>(weight);
}

// A layer's mean output error per channel, and the same of magnitudes, to which rounding is in proportion.
struct Expected {
  std::vector<double> error;
  std::vector<double> magnitude;
};

struct ConvCase {
  std::string name;
  std::string op;
  Shape input;  // samples included
  Shape weights;
  Attributes attributes;
  std::int64_t group = 1;
  Extents stride{1, 1, 1};
  Extents dilation{1, 1, 1};
  Extents pad{0, 0, 0};  // before
  Extents output;
};

Extents spatial(const Shape& shape) {
  Extents extents{1, 1, 1};
  for (std::size_t i = 2; i < shape.size(); ++i) extents[3 - (shape.size() - i)] = shape[i];
  return extents;
}

// Calls work(a, b, c) for every index in the box.
template <class Work>
void for_each_in(const Extents& box, const Work& work) {
  for (std::int64_t a = 0; a < box[0]; ++a)
    for (std::int64_t b = 0; b < box[1]; ++b)
      for (std::int64_t c = 0; c < box[2]; ++c) work(Extents{a, b, c});
}

std::int64_t flat(const Extents& box, const Extents& at) {
  return (at[0] * box[1] + at[1]) * box[2] + at[2];
}

// Runs the convolution: for every sample, channel and window offset, from each input that exists to each
// output that exists.
Expected naive_convolution(const ConvCase& one, const std::vector<float>& x, const std::vector<float>& w) {
  const bool is_transposed = one.op == "ConvTranspose";
  const Extents in = spatial(one.input);
  const Extents kernel = spatial(one.weights);
  const std::int64_t inputs = one.input[1];
  const std::int64_t outputs = is_transposed ? one.weights[1] * one.group : one.weights[0];
  const std::int64_t in_area = in[0] * in[1] * in[2];
  const std::int64_t kernel_area = kernel[0] * kernel[1] * kernel[2];
  const double positions = static_cast<double>(one.input[0] * one.output[0] * one.output[1] * one.output[2]);
  Expected result{std::vector<double>(outputs), std::vector<double>(outputs)};
  for (std::int64_t o = 0; o < outputs; ++o) {
    for (std::int64_t i = 0; i < inputs; ++i) {
      if (o / (outputs / one.group) != i / (inputs / one.group)) continue;
      const std::int64_t matrix =
          is_transposed ? i * one.weights[1] + o % one.weights[1] : o * one.weights[1] + i % one.weights[1];
      for_each_in(kernel, [&](const Extents& k) {
        const double error =
            naive_weight_error(w[static_cast<std::size_t>(matrix * kernel_area + flat(kernel, k))]);
        for_each_in(is_transposed ? in : one.output, [&](const Extents& from) {
          Extents to{};
          for (std::size_t a = 0; a < 3; ++a) {
            to[a] = from[a] * one.stride[a] + k[a] * one.dilation[a] - one.pad[a];
            if (to[a] < 0 || to[a] >= (is_transposed ? one.output : in)[a]) return;
          }
          for (std::int64_t n = 0; n < one.input[0]; ++n) {
            const std::int64_t at = (n * inputs + i) * in_area + flat(in, is_transposed ? from : to);
            const double value = static_cast<double>(x[static_cast<std::size_t>(at)]);
            result.error[static_cast<std::size_t>(o)] += error * value / positions;
            result.magnitude[static_cast<std::size_t>(o)] += std::fabs(error * value) / positions;
          }
        });
      });
    }
  }
  return result;
}

// One layer "y" that reads "x" with weights "w", and parameters that quantize these.
struct Network {
  Graph graph;
  QuantizationPlan plan;
  QuantizationParameters parameters;

  explicit Network(Graph network)
      : graph(std::move(network)),
        plan(make_plan(graph, testing::configuration(""))),
        parameters(testing::symmetric_parameters(plan, weight_scale, -128, 127)) {}

  // From values of that shape, in batches of `samples`, the same on the CPU and on the tested back end.
  BiasCorrection corrected(const std::vector<float>& x, const Shape& shape, std::int64_t samples) const {
    const BiasCorrection on_cpu = corrected_on(*Backend::cpu(), x, shape, samples);
    EXPECT_EQ(corrected_on(*testing::test_backend(), x, shape, samples), on_cpu);
    return on_cpu;
  }

  BiasCorrection corrected_on(const Backend& backend, const std::vector<float>& x, Shape shape,
                              std::int64_t samples) const {
    BiasCorrector corrector(graph, plan, backend);
    const std::int64_t total = shape[0];
    const std::size_t each = x.size() / static_cast<std::size_t>(total);
    for (std::int64_t at = 0; at < total; at += samples) {
      shape[0] = std::min(samples, total - at);
      const TensorView view{
          x.data() + static_cast<std::size_t>(at) * each, DType::f32, shape, Memory::host, {}};
      corrector.observe("x", WholeTensor(view));
    }
    return corrector.corrections(parameters, Compatibility::standard).back();
  }
};

// float32 lanes take at most 512 / 16 additions, and each product and sum in double next to nothing.
void expect_near(const BiasCorrection& correction, const Expected& expected) {
  ASSERT_EQ(correction.added.size(), expected.error.size()) << correction.reason;
  for (std::size_t c = 0; c < expected.error.size(); ++c) {
    EXPECT_GT(std::fabs(expected.error[c]), 100 * 33 * 0x1p-24 * expected.magnitude[c]) << "nothing to see";
    EXPECT_NEAR(correction.added[c], -expected.error[c], 33 * 0x1p-24 * expected.magnitude[c]) << c;
  }
}

class Convolutions : public ::testing::TestWithParam<ConvCase> {};

TEST_P(Convolutions, TakeBackTheMeanErrorOfTheRealConvolution) {
  const ConvCase& one = GetParam();
  const std::vector<float> w = random_values(count_of(one.weights), 1, 0.0F);
  const std::vector<float> x = random_values(count_of(one.input), 2, 0.7F);
  const Network network(GraphBuilder()
                            .input("x", one.input)
                            .reals("w", one.weights, w)
                            .node(one.op, {"x", "w"}, {"y"}, one.attributes)
                            .output("y")
                            .build());
  const BiasCorrection correction = network.corrected(x, one.input, one.input[0]);
  expect_near(correction, naive_convolution(one, x, w));
  EXPECT_EQ(correction.samples, one.input[0]);
  EXPECT_EQ(correction, network.corrected(x, one.input, 1)) << "the split into batches";
  EXPECT_EQ(correction, network.corrected(x, one.input, 3));
}

INSTANTIATE_TEST_SUITE_P(
    Local, Convolutions,
    ::testing::Values(ConvCase{.name = "plain",
                               .op = "Conv",
                               .input = {5, 3, 6, 7},
                               .weights = {4, 3, 3, 2},
                               .attributes = {},
                               .output = {1, 4, 6}},
                      ConvCase{.name = "padded",
                               .op = "Conv",
                               .input = {5, 3, 6, 7},
                               .weights = {4, 3, 3, 3},
                               .attributes = {{"pads", Integers{1, 2, 0, 1}}},
                               .pad = {0, 1, 2},
                               .output = {1, 5, 8}},
                      ConvCase{.name = "strided",
                               .op = "Conv",
                               .input = {5, 2, 9, 8},
                               .weights = {4, 2, 3, 3},
                               .attributes = {{"pads", Integers{1, 1, 1, 1}}, {"strides", Integers{2, 3}}},
                               .stride = {1, 2, 3},
                               .pad = {0, 1, 1},
                               .output = {1, 5, 3}},
                      ConvCase{.name = "dilated",
                               .op = "Conv",
                               .input = {5, 2, 9, 8},
                               .weights = {4, 2, 3, 3},
                               .attributes = {{"pads", Integers{2, 3, 2, 3}},
                                              {"dilations", Integers{2, 3}},
                                              {"strides", Integers{1, 2}}},
                               .stride = {1, 1, 2},
                               .dilation = {1, 2, 3},
                               .pad = {0, 2, 3},
                               .output = {1, 9, 4}},
                      ConvCase{.name = "grouped",
                               .op = "Conv",
                               .input = {5, 6, 5, 5},
                               .weights = {4, 3, 3, 3},
                               .attributes = {{"group", std::int64_t{2}}, {"pads", Integers{1, 1, 1, 1}}},
                               .group = 2,
                               .pad = {0, 1, 1},
                               .output = {1, 5, 5}},
                      ConvCase{.name = "depthwise",
                               .op = "Conv",
                               .input = {5, 4, 5, 5},
                               .weights = {8, 1, 3, 3},
                               .attributes = {{"group", std::int64_t{4}}, {"pads", Integers{1, 1, 1, 1}}},
                               .group = 4,
                               .pad = {0, 1, 1},
                               .output = {1, 5, 5}},
                      ConvCase{.name = "same_upper",
                               .op = "Conv",
                               .input = {5, 2, 7, 8},
                               .weights = {3, 2, 2, 4},
                               .attributes = {{"auto_pad", std::string("SAME_UPPER")}},
                               .pad = {0, 0, 1},
                               .output = {1, 7, 8}},
                      ConvCase{.name = "same_lower",
                               .op = "Conv",
                               .input = {5, 2, 7, 8},
                               .weights = {3, 2, 2, 4},
                               .attributes = {{"auto_pad", std::string("SAME_LOWER")}},
                               .pad = {0, 1, 2},
                               .output = {1, 7, 8}},
                      ConvCase{.name = "long_row",
                               .op = "Conv",
                               .input = {5, 1, 1300},
                               .weights = {2, 1, 5},
                               .attributes = {{"pads", Integers{2, 2}}},
                               .pad = {0, 0, 2},
                               .output = {1, 1, 1300}},
                      ConvCase{.name = "volume",
                               .op = "Conv",
                               .input = {5, 2, 4, 5, 6},
                               .weights = {3, 2, 2, 3, 3},
                               .attributes = {{"pads", Integers{1, 0, 1, 0, 2, 1}},
                                              {"strides", Integers{2, 1, 2}}},
                               .stride = {2, 1, 2},
                               .pad = {1, 0, 1},
                               .output = {2, 5, 3}},
                      ConvCase{.name = "transposed",
                               .op = "ConvTranspose",
                               .input = {5, 3, 4, 5},
                               .weights = {3, 2, 3, 3},
                               .attributes = {{"strides", Integers{2, 2}},
                                              {"pads", Integers{1, 0, 0, 2}},
                                              {"output_padding", Integers{1, 0}}},
                               .stride = {1, 2, 2},
                               .pad = {0, 1, 0},
                               .output = {1, 9, 9}},
                      ConvCase{.name = "transposed_grouped",
                               .op = "ConvTranspose",
                               .input = {5, 4, 4, 5},
                               .weights = {4, 3, 2, 3},
                               .attributes = {{"group", std::int64_t{2}},
                                              {"dilations", Integers{2, 1}},
                                              {"pads", Integers{1, 1, 1, 1}}},
                               .group = 2,
                               .dilation = {1, 2, 1},
                               .pad = {0, 1, 1},
                               .output = {1, 4, 5}},
                      ConvCase{.name = "transposed_to_shape",
                               .op = "ConvTranspose",
                               .input = {5, 2, 4},
                               .weights = {2, 2, 4},
                               .attributes = {{"strides", Integers{2}}, {"output_shape", Integers{7}}},
                               .stride = {1, 1, 2},
                               .pad = {0, 0, 2},
                               .output = {1, 1, 7}}),
    [](const auto& tested) { return tested.param.name; });

// rows x features -> outputs, with weights [features, outputs].
Expected naive_product(const std::vector<float>& x, const std::vector<float>& w, std::size_t outputs) {
  const std::size_t features = w.size() / outputs;
  const double rows = static_cast<double>(x.size() / features);
  Expected result{std::vector<double>(outputs), std::vector<double>(outputs)};
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t o = 0; o < outputs; ++o) {
      const double term =
          naive_weight_error(w[i % features * outputs + o]) * static_cast<double>(x[i]) / rows;
      result.error[o] += term;
      result.magnitude[o] += std::fabs(term);
    }
  }
  return result;
}

TEST(BiasCorrection, MatMulOverSeveralRowsASample) {
  const std::vector<float> w = random_values(6 * 4, 3, 0.0F);
  const std::vector<float> x = random_values(5 * 3 * 6, 4, 0.7F);
  const Network network(GraphBuilder()
                            .input("x", {5, 3, 6})
                            .reals("w", {6, 4}, w)
                            .node("MatMul", {"x", "w"}, {"y"})
                            .output("y")
                            .build());
  const BiasCorrection correction = network.corrected(x, {5, 3, 6}, 5);
  expect_near(correction, naive_product(x, w, 4));
  EXPECT_EQ(correction, network.corrected(x, {5, 3, 6}, 2));
}

TEST(BiasCorrection, GemmBehindAFlattenWithFactorsAndABias) {
  const std::vector<float> w = random_values(6 * 4, 3, 0.0F);
  const std::vector<float> x = random_values(5 * 6, 4, 0.7F);
  std::vector<float> transposed(w.size());
  for (std::size_t i = 0; i < w.size(); ++i) transposed[i % 4 * 6 + i / 4] = w[i];
  const auto network = [&](const Shape& shape, const std::vector<float>& values, std::int64_t transpose) {
    return Network(
        GraphBuilder()
            .input("x", {5, 6, 1, 1})
            .reals("w", shape, values)
            .reals("b", {4}, {1, 2, 3, 4})
            .node("Flatten", {"x"}, {"f"})
            .node("Gemm", {"f", "w", "b"}, {"y"}, {{"transB", transpose}, {"alpha", 3.0F}, {"beta", 0.5F}})
            .output("y")
            .build());
  };
  const BiasCorrection plain = network({6, 4}, w, 0).corrected(x, {5, 6, 1, 1}, 5);
  EXPECT_EQ(plain.added, network({4, 6}, transposed, 1).corrected(x, {5, 6, 1, 1}, 5).added);
  Expected expected = naive_product(x, w, 4);
  for (double& error : expected.error) error *= 3.0 / 0.5;
  for (double& magnitude : expected.magnitude) magnitude *= 3.0 / 0.5;
  expect_near(plain, expected);
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_EQ(plain.corrected[c], static_cast<float>(static_cast<double>(c + 1) + plain.added[c]));
  }
}

Network pointwise(const std::vector<float>& w) {
  return Network(GraphBuilder()
                     .input("x", {-1, 1, 1, 1})
                     .reals("w", {1, 1, 1, 1}, w)
                     .node("Conv", {"x", "w"}, {"y"})
                     .output("y")
                     .build());
}

// Weight 0.1 becomes 0: the error is -0.1 x. Samples 3 and 7 are held back.
TEST(BiasCorrection, IsKeptOnlyWhereItHelpsOnTheSamplesHeldBack) {
  const BiasCorrection kept = pointwise({0.1F}).corrected({1, 1, 1, 2, 1, 1, 1, 2}, {8, 1, 1, 1}, 8);
  EXPECT_TRUE(kept.kept);
  EXPECT_EQ(kept.held_back, 2);
  EXPECT_NEAR(kept.error_before, 0.2, 1e-7);
  EXPECT_NEAR(kept.error_after, 0.1, 1e-7);
  EXPECT_NEAR(kept.added[0], 0.1 * 10 / 8, 1e-7);
  const BiasCorrection refused = pointwise({0.1F}).corrected({1, 1, 1, -1, 1, 1, 1, -1}, {8, 1, 1, 1}, 8);
  EXPECT_FALSE(refused.kept);
  EXPECT_THAT(refused.reason, HasSubstr("held back"));
}

TEST(BiasCorrection, NeedsFourSamples) {
  EXPECT_FALSE(pointwise({0.1F}).corrected({1, 1, 1}, {3, 1, 1, 1}, 3).kept);
  EXPECT_TRUE(pointwise({0.1F}).corrected({1, 1, 1, 1}, {4, 1, 1, 1}, 4).kept);
}

TEST(BiasCorrection, NonFiniteInputsCountAsZero) {
  const float infinity = std::numeric_limits<float>::infinity();
  const BiasCorrection correction =
      pointwise({0.1F}).corrected({1, infinity, 1, 1, std::nanf(""), 1, 1, 1}, {8, 1, 1, 1}, 8);
  EXPECT_NEAR(correction.added[0], 0.1 * 6 / 8, 1e-7);
  const Network row(GraphBuilder()
                        .input("x", {4, 1, 32})
                        .reals("w", {1, 1, 1}, {0.1F})
                        .node("Conv", {"x", "w"}, {"y"})
                        .output("y")
                        .build());
  const BiasCorrection overflowing = row.corrected(std::vector<float>(4 * 32, 3e38F), {4, 1, 32}, 4);
  EXPECT_THAT(overflowing.reason, HasSubstr("too large"));
  EXPECT_THAT(overflowing.added, IsEmpty());
}

TEST(BiasCorrection, SaysWhyALayerCannotBeCorrected) {
  const Network network = pointwise({0.1F});
  EXPECT_THAT(network.corrected({1, 1, 1, 1}, {2, 2, 1, 1}, 2).reason, HasSubstr("2x2x1x1"));
  const Network reordered(GraphBuilder()
                              .input("x", {4, 1, 2, 2})
                              .ramp("w", {1, 1, 1, 1})
                              .node("Transpose", {"x"}, {"t"}, {{"perm", Integers{0, 1, 3, 2}}})
                              .node("Conv", {"t", "w"}, {"y"})
                              .output("y")
                              .build());
  const BiasCorrection unseen = reordered.corrected(std::vector<float>(16), {4, 1, 2, 2}, 4);
  EXPECT_THAT(unseen.reason, HasSubstr("through Transpose"));
  EXPECT_THAT(unseen.added, IsEmpty());
}

}  // namespace
}  // namespace qcal
