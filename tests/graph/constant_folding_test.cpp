#include "engine/graph/constant_folding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using testing::Attributes;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using Integers = std::vector<std::int64_t>;

constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max();

// The constant that "y" became; nullptr where it is still computed.
ConstantPointer folded(const GraphBuilder& builder, std::uint64_t limit = 1 << 20) {
  const Graph graph = fold_constants(builder.build(), limit);
  const auto found = graph.constants.find("y");
  return found == graph.constants.end() ? nullptr : found->second;
}

TEST(ConstantFolding, MovesElements) {
  GraphBuilder base;
  base.reals("x", {2, 3}, {1, 2, 3, 4, 5, 6});
  const auto transposed = folded(GraphBuilder(base).node("Transpose", {"x"}, {"y"}));
  ASSERT_TRUE(transposed);
  EXPECT_THAT(transposed->shape, ElementsAre(3, 2));
  EXPECT_THAT(*transposed->reals(), ElementsAre(1, 4, 2, 5, 3, 6));

  const auto reshaped = folded(GraphBuilder(base).integers("s", {3, -1}).node("Reshape", {"x", "s"}, {"y"}));
  ASSERT_TRUE(reshaped);
  EXPECT_THAT(reshaped->shape, ElementsAre(3, 2));
  EXPECT_THAT(*reshaped->reals(), ElementsAre(1, 2, 3, 4, 5, 6));

  const auto unsqueezed =
      folded(GraphBuilder(base).integers("a", {-1, 0}).node("Unsqueeze", {"x", "a"}, {"y"}));
  ASSERT_TRUE(unsqueezed);
  EXPECT_THAT(unsqueezed->shape, ElementsAre(1, 2, 3, 1));

  const auto flat = folded(GraphBuilder(base).node("Flatten", {"x"}, {"y"}, {{"axis", std::int64_t{0}}}));
  ASSERT_TRUE(flat);
  EXPECT_THAT(flat->shape, ElementsAre(1, 6));

  const auto joined =
      folded(GraphBuilder(base).node("Concat", {"x", "x"}, {"y"}, {{"axis", std::int64_t{1}}}));
  ASSERT_TRUE(joined);
  EXPECT_THAT(joined->shape, ElementsAre(2, 6));
  EXPECT_THAT(*joined->reals(), ElementsAre(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6));
}

TEST(ConstantFolding, SlicesAsNumpyDoes) {
  struct Case {
    Integers starts, ends, steps;
    std::vector<float> expected;
  };
  const std::vector<Case> cases{
      {{1}, {3}, {1}, {1, 2}},    {{0}, {far}, {2}, {0, 2, 4}},
      {{-2}, {far}, {1}, {3, 4}}, {{-1}, {-far - 1}, {-1}, {4, 3, 2, 1, 0}},
      {{far}, {0}, {-2}, {4, 2}}, {{3}, {1}, {1}, {}},
      {{0}, {5}, {far}, {0}},     {{4}, {-far - 1}, {-far - 1}, {4}},
  };
  for (const Case& slice : cases) {
    const auto result = folded(GraphBuilder()
                                   .reals("x", {5}, {0, 1, 2, 3, 4})
                                   .integers("s", slice.starts)
                                   .integers("e", slice.ends)
                                   .integers("a", {0})
                                   .integers("t", slice.steps)
                                   .node("Slice", {"x", "s", "e", "a", "t"}, {"y"}));
    ASSERT_TRUE(result);
    EXPECT_EQ(*result->reals(), slice.expected)
        << slice.starts[0] << ':' << slice.ends[0] << ':' << slice.steps[0];
  }
}

TEST(ConstantFolding, GathersAndExpands) {
  const auto gathered = folded(GraphBuilder()
                                   .reals("x", {3, 2}, {1, 2, 3, 4, 5, 6})
                                   .integers("i", {-1, 0})
                                   .node("Gather", {"x", "i"}, {"y"}));
  ASSERT_TRUE(gathered);
  EXPECT_THAT(*gathered->reals(), ElementsAre(5, 6, 1, 2));
  EXPECT_FALSE(
      folded(GraphBuilder().reals("x", {2}, {1, 2}).integers("i", {2}).node("Gather", {"x", "i"}, {"y"})));

  const auto expanded = folded(
      GraphBuilder().reals("x", {2, 1}, {1, 2}).integers("s", {2, 3}).node("Expand", {"x", "s"}, {"y"}));
  ASSERT_TRUE(expanded);
  EXPECT_THAT(*expanded->reals(), ElementsAre(1, 1, 1, 2, 2, 2));
}

TEST(ConstantFolding, Computes) {
  const auto sum = folded(
      GraphBuilder().reals("a", {2, 1}, {1, 2}).reals("b", {2}, {10, 20}).node("Add", {"a", "b"}, {"y"}));
  ASSERT_TRUE(sum);
  EXPECT_THAT(sum->shape, ElementsAre(2, 2));
  EXPECT_THAT(*sum->reals(), ElementsAre(11, 21, 12, 22));

  const auto quotient =
      folded(GraphBuilder().integers("a", {7, -7}).integers("b", {2}).node("Div", {"a", "b"}, {"y"}));
  ASSERT_TRUE(quotient);
  EXPECT_THAT(*quotient->integers(), ElementsAre(3, -3));
  EXPECT_FALSE(folded(GraphBuilder().integers("a", {7}).integers("b", {0}).node("Div", {"a", "b"}, {"y"})));
  EXPECT_TRUE(
      folded(GraphBuilder().integers("a", {-far - 1}).integers("b", {-1}).node("Div", {"a", "b"}, {"y"})));
  EXPECT_TRUE(
      folded(GraphBuilder().integers("a", {far}).integers("b", {far}).node("Mul", {"a", "b"}, {"y"})));
}

TEST(ConstantFolding, TheChainOfTheDynamoExporter) {
  // Zeros of the length of a weight's first axis: a convolution's bias before BatchNormalization.
  const auto bias =
      folded(GraphBuilder()
                 .input("x", {-1, 1, 8, 8})
                 .ramp("w", {8, 1, 3, 3})
                 .integers("one", {1})
                 .reals("zero", {}, {0})
                 .node("Shape", {"w"}, {"size"}, {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}})
                 .node("Expand", {"size", "one"}, {"length"})
                 .node("CastLike", {"zero", "x"}, {"zero_cast"})
                 .node("Expand", {"zero_cast", "length"}, {"y"}));
  ASSERT_TRUE(bias);
  EXPECT_EQ(*bias->reals(), std::vector<float>(8, 0.0F));
}

TEST(ConstantFolding, LargeResultsAreLeft) {
  GraphBuilder big;
  big.reals("x", {1}, {1}).integers("s", {1000, 1000}).node("Expand", {"x", "s"}, {"y"});
  EXPECT_FALSE(folded(big, 999'999));
  EXPECT_TRUE(folded(big, 1'000'000));
  GraphBuilder huge;
  huge.integers("s", {far, far}).node("ConstantOfShape", {"s"}, {"y"});
  EXPECT_FALSE(folded(huge));
  // A result no larger than its input is always computed: weights of any size must fold.
  EXPECT_TRUE(folded(GraphBuilder().ramp("x", {8, 8}).node("Transpose", {"x"}, {"y"}), 1));
}

TEST(ConstantFolding, GraphOutputsAreLeft) {
  EXPECT_FALSE(folded(GraphBuilder().ramp("x", {2, 2}).node("Transpose", {"x"}, {"y"}).output("y")));
}

TEST(ConstantFolding, CastsThatOnnxLeavesUndefinedAreLeft) {
  const Attributes to_int{{"to", std::int64_t{7}}};
  EXPECT_TRUE(folded(GraphBuilder().reals("x", {2}, {1.9F, -1.9F}).node("Cast", {"x"}, {"y"}, to_int)));
  EXPECT_FALSE(folded(GraphBuilder().reals("x", {1}, {1e30F}).node("Cast", {"x"}, {"y"}, to_int)));
  EXPECT_FALSE(folded(GraphBuilder()
                          .reals("x", {1}, {std::numeric_limits<float>::quiet_NaN()})
                          .node("Cast", {"x"}, {"y"}, to_int)));
}

}  // namespace
}  // namespace qcal
