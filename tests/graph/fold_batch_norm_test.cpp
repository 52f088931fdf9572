#include "engine/transform/fold_batch_norm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "engine/graph/constant_folding.h"
#include "engine/graph/onnx_reader.h"
#include "engine/graph/weighted_operator.h"
#include "engine/transform/normalise.h"
#include "engine/transform/remove_identities.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using testing::Attributes;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using testing::operators;

// Two channels: y = 2 (x - 1) + 10 and y = -4 (x - 3) + 20, with epsilon 0.
GraphBuilder with_norm(GraphBuilder builder, const std::string& input, Attributes attributes = {}) {
  attributes.emplace("epsilon", 0.0F);
  return builder.reals("gamma", {2}, {2, -4})
      .reals("beta", {2}, {10, 20})
      .reals("mean", {2}, {1, 3})
      .reals("variance", {2}, {1, 1})
      .node("BatchNormalization", {input, "gamma", "beta", "mean", "variance"}, {"y"}, attributes)
      .output("y");
}

TEST(FoldBatchNorm, IntoConv) {
  const Graph graph = fold_batch_norms(with_norm(GraphBuilder()
                                                     .input("x", {1, 1, 2, 2})
                                                     .reals("c.weight", {2, 1, 1, 2}, {1, 2, 3, 4})
                                                     .node("Conv", {"x", "c.weight"}, {"c"}),
                                                 "c")
                                           .build());
  ASSERT_THAT(operators(graph), ElementsAre("Conv"));
  EXPECT_THAT(graph.nodes[0].inputs, ElementsAre("x", "c.weight", "c.bias"));
  EXPECT_THAT(graph.nodes[0].outputs, ElementsAre("y"));
  EXPECT_THAT(*graph.constant("c.weight")->reals(), ElementsAre(2, 4, -12, -16));
  EXPECT_THAT(*graph.constant("c.bias")->reals(), ElementsAre(8, 32));
}

TEST(FoldBatchNorm, BiasKeepsItsName) {
  const Graph graph = fold_batch_norms(with_norm(GraphBuilder()
                                                     .input("x", {1, 1, 2, 2})
                                                     .reals("w", {2, 1, 1, 1}, {1, 2})
                                                     .reals("b", {2}, {5, 6})
                                                     .node("Conv", {"x", "w", "b"}, {"c"}),
                                                 "c")
                                           .build());
  EXPECT_THAT(graph.nodes[0].inputs, ElementsAre("x", "w", "b"));
  EXPECT_THAT(*graph.constant("b")->reals(), ElementsAre(18, 8));
}

TEST(FoldBatchNorm, IntoGroupedTransposedConv) {
  // Two groups of one input channel each: row i makes output channel i.
  const Graph graph =
      fold_batch_norms(with_norm(GraphBuilder()
                                     .input("x", {1, 2, 2, 2})
                                     .reals("w", {2, 1, 1, 2}, {1, 2, 3, 4})
                                     .node("ConvTranspose", {"x", "w"}, {"c"}, {{"group", std::int64_t{2}}}),
                                 "c")
                           .build());
  ASSERT_THAT(operators(graph), ElementsAre("ConvTranspose"));
  EXPECT_THAT(*graph.constant("w")->reals(), ElementsAre(2, 4, -12, -16));
}

TEST(FoldBatchNorm, IntoGemmOfBothLayouts) {
  const auto weights = [](std::int64_t transposed) {
    const Graph graph =
        fold_batch_norms(with_norm(GraphBuilder()
                                       .input("x", {1, 2})
                                       .reals("w", {2, 2}, {1, 2, 3, 4})
                                       .node("Gemm", {"x", "w"}, {"c"}, {{"transB", transposed}}),
                                   "c")
                             .build());
    return *graph.constant("w")->reals();
  };
  EXPECT_THAT(weights(1), ElementsAre(2, 4, -12, -16));
  EXPECT_THAT(weights(0), ElementsAre(2, -8, 6, -16));
}

TEST(FoldBatchNorm, SharedWeightsStayForTheOthers) {
  const Graph graph = fold_batch_norms(with_norm(GraphBuilder()
                                                     .input("x", {1, 1, 2, 2})
                                                     .reals("w", {2, 1, 1, 1}, {1, 2})
                                                     .node("Conv", {"x", "w"}, {"c"})
                                                     .node("Conv", {"x", "w"}, {"d"})
                                                     .output("d"),
                                                 "c")
                                           .build());
  EXPECT_EQ(graph.nodes[1].input(1), "w");
  EXPECT_THAT(*graph.constant("w")->reals(), ElementsAre(1, 2));
  EXPECT_THAT(*graph.constant(graph.nodes[0].input(1))->reals(), ElementsAre(2, -8));
}

TEST(FoldBatchNorm, StaysWhereItCannotGo) {
  const auto count = [](GraphBuilder builder) { return fold_batch_norms(builder.build()).nodes.size(); };
  GraphBuilder conv;
  conv.input("x", {1, 1, 2, 2}).reals("w", {2, 1, 1, 1}, {1, 2}).node("Conv", {"x", "w"}, {"c"});
  EXPECT_EQ(count(with_norm(conv, "c", {{"training_mode", std::int64_t{1}}})), 2U);
  EXPECT_EQ(count(with_norm(GraphBuilder(conv).output("c"), "c")), 2U);
  EXPECT_EQ(count(with_norm(GraphBuilder(conv).node("Relu", {"c"}, {"r"}).output("r"), "c")), 3U);
  EXPECT_EQ(count(with_norm(GraphBuilder().input("x", {1, 2, 2, 2}).node("Relu", {"x"}, {"c"}), "c")), 2U);
  GraphBuilder scaled;
  scaled.input("x", {1, 2})
      .reals("w", {2, 2}, {1, 2, 3, 4})
      .node("Gemm", {"x", "w"}, {"c"}, {{"alpha", 2.0F}});
  EXPECT_EQ(count(with_norm(scaled, "c")), 2U);
}

struct Spelling {
  std::string kept, folded;
};

class FoldedByTheExporter : public ::testing::TestWithParam<Spelling> {};

// The largest terms of each channel's folded bias, |mean * s| + |beta|; zeros for a layer without
// BatchNormalization.
std::vector<double> bias_terms(const Graph& graph, const std::string& weights, std::size_t channels) {
  const auto reads = [](const std::string& tensor) {
    return
        [&tensor](const Node& node) { return std::ranges::find(node.inputs, tensor) != node.inputs.end(); };
  };
  const auto layer = std::ranges::find_if(graph.nodes, reads(weights));
  const auto norm = std::ranges::find_if(graph.nodes, reads(layer->output(0)));
  std::vector<double> terms(channels, 0.0);
  if (norm == graph.nodes.end() || !norm->is("BatchNormalization")) return terms;
  const auto parameter = [&](std::size_t input, std::size_t c) {
    return double{(*graph.constant(norm->input(input))->reals())[c]};
  };
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale = parameter(1, c) / std::sqrt(parameter(4, c) + 1e-5);
    terms[c] = std::fabs(parameter(3, c) * scale) + std::fabs(parameter(2, c));
  }
  return terms;
}

std::vector<WeightedOperator> weighted_operators(const Graph& graph) {
  std::vector<WeightedOperator> layers;
  for (const Node& node : graph.nodes) {
    if (auto layer = weighted_operator(graph, node)) layers.push_back(*layer);
  }
  return layers;
}

// The exporter folds in float32: s = gamma * rsqrt(var + eps), W' = W * s, b' = (b - mean) * s + beta. Each
// operation is off by half a unit in the last place, rsqrt by up to two units, and our single rounding by
// half: 8 halves cover a weight. A bias cancels, so its error is relative to its terms; the last sum adds one
// more rounding.
TEST_P(FoldedByTheExporter, SameWeightsAndBiases) {
  const std::filesystem::path models = QCAL_MODELS;
  const Graph original = fold_constants(remove_identities(read_onnx(models / GetParam().kept)));
  const Graph kept = normalise(original);
  const Graph folded = normalise(read_onnx(models / GetParam().folded));
  constexpr double half_unit = std::numeric_limits<float>::epsilon() / 2;
  const auto ours = weighted_operators(kept);
  const auto theirs = weighted_operators(folded);
  ASSERT_EQ(ours.size(), theirs.size());
  ASSERT_GE(ours.size(), 10U);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const auto& our_weights = *kept.constant(ours[i].weights)->reals();
    const auto& their_weights = *folded.constant(theirs[i].weights)->reals();
    ASSERT_EQ(our_weights.size(), their_weights.size());
    for (std::size_t k = 0; k < our_weights.size(); ++k) {
      ASSERT_NEAR(our_weights[k], their_weights[k], 8 * half_unit * std::fabs(their_weights[k]))
          << ours[i].weights;
    }
    const auto& our_bias = *kept.constant(ours[i].bias)->reals();
    const auto& their_bias = *folded.constant(theirs[i].bias)->reals();
    ASSERT_EQ(our_bias.size(), their_bias.size());
    const auto terms = bias_terms(original, ours[i].weights, our_bias.size());
    for (std::size_t c = 0; c < our_bias.size(); ++c) {
      ASSERT_NEAR(our_bias[c], their_bias[c], 9 * half_unit * terms[c]) << ours[i].bias;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, FoldedByTheExporter,
    ::testing::Values(
        Spelling{"rn_digits/rn_digits.ts.op13.bn.onnx", "rn_digits/rn_digits.ts.op17.fold.onnx"},
        Spelling{"rn_digits/rn_digits.dyn.op18.bn.onnx", "rn_digits/rn_digits.dyn.op18.fold.onnx"},
        Spelling{"mbv2_digits/mbv2_digits.ts.op13.bn.onnx", "mbv2_digits/mbv2_digits.ts.op17.fold.onnx"},
        Spelling{"mbv2_digits/mbv2_digits.dyn.op18.bn.onnx", "mbv2_digits/mbv2_digits.dyn.op18.fold.onnx"}));

}  // namespace
}  // namespace qcal
