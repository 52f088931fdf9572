// Layers as the library computes them, held against plain loops in double.
#include "engine/replay/layer_product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "tests/support/graph_builder.h"
#include "tests/support/test_backend.h"

namespace qcal {
namespace {

using testing::Attributes;
using testing::GraphBuilder;
using Integers = std::vector<std::int64_t>;
using Extents =
    std::array<std::int64_t, 3>;  // of three spatial axes, the leading ones 1 where there are fewer

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> spread(-1.0F, 1.0F);
  std::vector<float> values(count);
  for (float& value : values) value = spread(generator);
  return values;
}

std::size_t count_of(const Shape& shape) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  return count;
}

// What the operator's attributes come to is written down beside them.
struct Case {
  std::string name;
  std::string op;
  Shape input;
  Shape weights;
  Shape output;
  Attributes attributes = {};
  Integers strides = {1, 1};
  Integers dilations = {1, 1};
  Integers pad_before = {0, 0};
  std::int64_t group = 1;
};

Extents spatial(const Shape& shape) {
  Extents extents{1, 1, 1};
  for (std::size_t i = 2; i < shape.size(); ++i) extents[3 - shape.size() + i] = shape[i];
  return extents;
}

Extents three(const Integers& values, std::int64_t otherwise) {
  Extents extents{otherwise, otherwise, otherwise};
  for (std::size_t i = 0; i < values.size(); ++i) extents[3 - values.size() + i] = values[i];
  return extents;
}

// Sums, and the same of magnitudes, to which rounding is in proportion.
struct Expected {
  std::vector<double> sum;
  std::vector<double> magnitude;
  std::vector<double> terms;
};

// Adds every pair of an input and a weight that meet in one output. Of a transposed convolution the output is
// where the input of its convolution would be.
Expected naive(const Case& c, const std::vector<float>& x, const std::vector<float>& w,
               const std::vector<float>& b) {
  const bool is_transposed = c.op == "ConvTranspose";
  const Extents in = spatial(c.input), out = spatial(c.output), kernel = spatial(c.weights);
  const Extents stride = three(c.strides, 1), dilation = three(c.dilations, 1), pad = three(c.pad_before, 0);
  const std::int64_t inputs = c.input[1], outputs = c.output[1];
  const std::int64_t group_in = inputs / c.group, group_out = outputs / c.group;
  const auto volume = [](const Extents& e) { return e[0] * e[1] * e[2]; };
  const auto at = [](const Extents& e, const Extents& i) { return (i[0] * e[1] + i[1]) * e[2] + i[2]; };
  const auto index = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  Expected result{std::vector<double>(count_of(c.output)), std::vector<double>(count_of(c.output)),
                  std::vector<double>(count_of(c.output))};
  const auto each = [](const Extents& e, const auto& work) {
    for (std::int64_t i = 0; i < e[0]; ++i)
      for (std::int64_t j = 0; j < e[1]; ++j)
        for (std::int64_t k = 0; k < e[2]; ++k) work(Extents{i, j, k});
  };
  const Extents& fine = is_transposed ? out : in;
  const Extents& coarse = is_transposed ? in : out;
  for (std::int64_t n = 0; n < c.input[0]; ++n)
    for (std::int64_t o = 0; o < outputs; ++o) {
      for (std::int64_t p = 0; p < volume(out); ++p) {
        const std::size_t y = index((n * outputs + o) * volume(out) + p);
        result.sum[y] = static_cast<double>(b[index(o)]);
        result.magnitude[y] = std::fabs(result.sum[y]);
      }
      for (std::int64_t g = 0; g < group_in; ++g) {
        const std::int64_t i = o / group_out * group_in + g;
        each(coarse, [&](const Extents& position) {
          each(kernel, [&](const Extents& offset) {
            Extents place;
            for (std::size_t axis = 0; axis < 3; ++axis) {
              place[axis] = position[axis] * stride[axis] - pad[axis] + offset[axis] * dilation[axis];
              if (place[axis] < 0 || place[axis] >= fine[axis]) return;
            }
            const Extents& from = is_transposed ? position : place;
            const Extents& to = is_transposed ? place : position;
            const std::int64_t weight = is_transposed ? i * group_out + o % group_out : o * group_in + g;
            const double term = static_cast<double>(x[index((n * inputs + i) * volume(in) + at(in, from))]) *
                                static_cast<double>(w[index(weight * volume(kernel) + at(kernel, offset))]);
            const std::size_t y = index((n * outputs + o) * volume(out) + at(out, to));
            result.sum[y] += term;
            result.magnitude[y] += std::fabs(term);
            result.terms[y] += 1.0;
          });
        });
      }
    }
  return result;
}

// A float32 sum of n products, in any order, is off by at most n + 1 roundings of the sum of magnitudes.
void expect_near(const std::vector<float>& found, const Expected& expected) {
  ASSERT_EQ(found.size(), expected.sum.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(found[i]), expected.sum[i],
                (expected.terms[i] + 1.0) * 0x1p-24 * expected.magnitude[i])
        << "output " << i;
  }
}

Graph graph_of(const Case& c) {
  GraphBuilder builder;
  builder.input("x", c.input).reals("w", c.weights, random_values(count_of(c.weights), 2));
  return builder.node(c.op, {"x", "w"}, {"y"}, c.attributes).output("y").build();
}

class Products : public ::testing::TestWithParam<Case> {};

TEST_P(Products, AreWhatTheirDefinitionSays) {
  const Case& c = GetParam();
  const Graph graph = graph_of(c);
  const Node& node = graph.nodes.front();
  const auto layer = weighted_operator(graph, node);
  ASSERT_TRUE(layer);
  const auto shape = product_shape(node, *layer, c.input);
  ASSERT_TRUE(shape);
  const std::vector<float> x = random_values(count_of(c.input), 1);
  const std::vector<float>& w = *graph.constant("w")->reals();
  const std::vector<float> b = random_values(static_cast<std::size_t>(c.output[1]), 3);
  ASSERT_EQ(shape->input_size(), x.size());
  ASSERT_EQ(shape->weights_size(), w.size());
  ASSERT_EQ(shape->output_size(), count_of(c.output));
  const auto library = open_product_library(*testing::test_backend());
  const auto product = library->product(*shape);
  ASSERT_NE(product, nullptr);
  std::vector<float> y(shape->output_size(), -1.0F);
  product->compute(x, w, b, y);
  expect_near(y, naive(c, x, w, b));
  std::vector<float> again(y.size(), -1.0F);
  product->compute(x, w, b, again);
  EXPECT_EQ(again, y) << "a product can be computed more than once";
}

const std::vector<Case> cases{
    {.name = "Plain", .op = "Conv", .input = {2, 3, 7, 6}, .weights = {4, 3, 3, 2}, .output = {2, 4, 5, 5}},
    {.name = "PadsAndStrides",
     .op = "Conv",
     .input = {2, 3, 8, 9},
     .weights = {5, 3, 3, 3},
     .output = {2, 5, 5, 4},
     .attributes = {{"pads", Integers{1, 0, 2, 1}}, {"strides", Integers{2, 2}}},
     .strides = {2, 2},
     .pad_before = {1, 0}},
    {.name = "Dilated",
     .op = "Conv",
     .input = {1, 2, 9, 9},
     .weights = {3, 2, 3, 3},
     .output = {1, 3, 5, 7},
     .attributes = {{"dilations", Integers{2, 1}}},
     .dilations = {2, 1}},
    {.name = "Groups",
     .op = "Conv",
     .input = {2, 6, 5, 5},
     .weights = {4, 3, 3, 3},
     .output = {2, 4, 3, 3},
     .attributes = {{"group", std::int64_t{2}}},
     .group = 2},
    {.name = "Depthwise",
     .op = "Conv",
     .input = {3, 17, 6, 6},
     .weights = {17, 1, 3, 3},
     .output = {3, 17, 6, 6},
     .attributes = {{"group", std::int64_t{17}}, {"pads", Integers{1, 1, 1, 1}}},
     .pad_before = {1, 1},
     .group = 17},
    {.name = "SameUpper",
     .op = "Conv",
     .input = {1, 2, 6, 7},
     .weights = {3, 2, 3, 4},
     .output = {1, 3, 3, 4},
     .attributes = {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Integers{2, 2}}},
     .strides = {2, 2},
     .pad_before = {0, 1}},
    {.name = "SameLower",
     .op = "Conv",
     .input = {1, 2, 6, 7},
     .weights = {3, 2, 3, 4},
     .output = {1, 3, 3, 4},
     .attributes = {{"auto_pad", std::string("SAME_LOWER")}, {"strides", Integers{2, 2}}},
     .strides = {2, 2},
     .pad_before = {1, 2}},
    {.name = "OneAxis",
     .op = "Conv",
     .input = {2, 3, 20},
     .weights = {4, 3, 5},
     .output = {2, 4, 16},
     .strides = {1},
     .dilations = {1},
     .pad_before = {0}},
    {.name = "ThreeAxes",
     .op = "Conv",
     .input = {1, 2, 4, 5, 6},
     .weights = {3, 2, 2, 3, 2},
     .output = {1, 3, 3, 3, 5},
     .strides = {1, 1, 1},
     .dilations = {1, 1, 1},
     .pad_before = {0, 0, 0}},
    {.name = "Transposed",
     .op = "ConvTranspose",
     .input = {2, 3, 4, 5},
     .weights = {3, 4, 3, 3},
     .output = {2, 4, 9, 11},
     .attributes = {{"strides", Integers{2, 2}}},
     .strides = {2, 2}},
    {.name = "TransposedGroupsPadsAndOutputPadding",
     .op = "ConvTranspose",
     .input = {2, 6, 4, 5},
     .weights = {6, 2, 3, 3},
     .output = {2, 4, 8, 9},
     .attributes = {{"strides", Integers{2, 2}},
                    {"pads", Integers{1, 1, 1, 1}},
                    {"output_padding", Integers{1, 0}},
                    {"group", std::int64_t{2}}},
     .strides = {2, 2},
     .pad_before = {1, 1},
     .group = 2},
    {.name = "TransposedUnevenPads",
     .op = "ConvTranspose",
     .input = {1, 2, 3, 4, 2},
     .weights = {2, 3, 3, 2, 2},
     .output = {1, 3, 5, 6, 3},
     .attributes = {{"strides", Integers{2, 2, 1}}, {"pads", Integers{2, 0, 0, 0, 2, 0}}},
     .strides = {2, 2, 1},
     .dilations = {1, 1, 1},
     .pad_before = {2, 0, 0}},
};

INSTANTIATE_TEST_SUITE_P(All, Products, ::testing::ValuesIn(cases),
                         [](const auto& instance) { return instance.param.name; });

struct MatrixCase {
  std::string name;
  std::string op;
  Shape input;
  Shape weights;
  Attributes attributes = {};
  std::int64_t rows = 0;
};

class MatrixProducts : public ::testing::TestWithParam<MatrixCase> {};

TEST_P(MatrixProducts, AreWhatTheirDefinitionSays) {
  const MatrixCase& c = GetParam();
  GraphBuilder builder;
  builder.input("x", c.input).reals("w", c.weights, random_values(count_of(c.weights), 2));
  const Graph graph = builder.node(c.op, {"x", "w"}, {"y"}, c.attributes).output("y").build();
  const auto layer = weighted_operator(graph, graph.nodes.front());
  const auto shape = product_shape(graph.nodes.front(), *layer, c.input);
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->samples, c.rows);
  const bool outputs_first = c.weights[0] == 4;
  const std::vector<float> x = random_values(count_of(c.input), 1);
  const std::vector<float>& w = *graph.constant("w")->reals();
  const std::vector<float> b = random_values(4, 3);
  Expected expected;
  for (std::size_t row = 0; row < static_cast<std::size_t>(c.rows); ++row) {
    for (std::size_t o = 0; o < 4; ++o) {
      double sum = static_cast<double>(b[o]);
      double magnitude = std::fabs(sum);
      for (std::size_t i = 0; i < 6; ++i) {
        const double term = static_cast<double>(x[row * 6 + i]) *
                            static_cast<double>(w[outputs_first ? o * 6 + i : i * 4 + o]);
        sum += term;
        magnitude += std::fabs(term);
      }
      expected.sum.push_back(sum);
      expected.magnitude.push_back(magnitude);
      expected.terms.push_back(6.0);
    }
  }
  std::vector<float> y(shape->output_size());
  open_product_library(*testing::test_backend())->product(*shape)->compute(x, w, b, y);
  expect_near(y, expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, MatrixProducts,
    ::testing::Values(MatrixCase{"Gemm", "Gemm", {5, 6}, {6, 4}, {}, 5},
                      MatrixCase{
                          "GemmTransposedWeights", "Gemm", {5, 6}, {4, 6}, {{"transB", std::int64_t{1}}}, 5},
                      MatrixCase{"MatMul", "MatMul", {2, 3, 6}, {6, 4}, {}, 6},
                      MatrixCase{"Vector", "MatMul", {6}, {6, 4}, {}, 1},
                      MatrixCase{"RowsInAnotherShape", "Gemm", {5, 3, 1, 2}, {6, 4}, {}, 5}),
    [](const auto& instance) { return instance.param.name; });

TEST(ProductShape, IsAbsentWhereInputAndWeightsDoNotFit) {
  const auto shape_of = [](const Case& c, const Shape& input) {
    const Graph graph = graph_of(c);
    const auto layer = weighted_operator(graph, graph.nodes.front());
    return product_shape(graph.nodes.front(), *layer, input);
  };
  const Case& plain = cases.front();
  EXPECT_TRUE(shape_of(plain, plain.input));
  EXPECT_FALSE(shape_of(plain, {2, 4, 7, 6})) << "channels";
  EXPECT_FALSE(shape_of(plain, {2, 3, 7})) << "rank";
  EXPECT_FALSE(shape_of(plain, {2, 3, 2, 6})) << "smaller than the window";
  const Case transposed{.name = "",
                        .op = "Gemm",
                        .input = {},
                        .weights = {6, 4},
                        .output = {},
                        .attributes = {{"transA", std::int64_t{1}}}};
  EXPECT_FALSE(shape_of(transposed, {6, 5}));
  const Case gemm{.name = "", .op = "Gemm", .input = {}, .weights = {6, 4}, .output = {}};
  EXPECT_FALSE(shape_of(gemm, {5, 7}));
}

TEST(ProductShape, CountsMultiplications) {
  const auto of = [](const std::string& name) {
    const Case& c = *std::ranges::find(cases, name, &Case::name);
    const Graph graph = graph_of(c);
    return product_shape(graph.nodes.front(), *weighted_operator(graph, graph.nodes.front()), c.input)
        ->multiply_adds();
  };
  EXPECT_EQ(of("Plain"), 2.0 * (4 * 3 * 3 * 2) * (5 * 5));
  EXPECT_EQ(of("Depthwise"), 3.0 * (17 * 3 * 3) * (6 * 6));
  EXPECT_EQ(of("Transposed"), 2.0 * (3 * 4 * 3 * 3) * (4 * 5)) << "each input meets each weight";
}

TEST(ProductLibrary, SaysWhichItIs) {
  const bool is_cuda = testing::test_backend()->name() == "cuda";
  EXPECT_THAT(open_product_library(*testing::test_backend())->name(),
              ::testing::StartsWith(is_cuda ? "cuDNN 9." : "oneDNN 2."));
}

TEST(ProductLibrary, RefusesWhatItDoesNotKnow) {
  ProductShape shape{.kind = ProductShape::Kind::convolution};
  shape.axes.assign(4, WindowAxis{.input = 4, .output = 3, .kernel = 2});
  EXPECT_EQ(open_product_library(*testing::test_backend())->product(shape), nullptr) << "four spatial axes";
}

}  // namespace
}  // namespace qcal
