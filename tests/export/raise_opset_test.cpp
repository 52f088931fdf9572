#include "engine/export/raise_opset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "engine/error.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::HasSubstr;
using Integers = std::vector<std::int64_t>;

// One node of an old opset, raised.
struct Raised {
  Graph graph;
  const Node& node() const { return graph.nodes.at(0); }
  Integers integers(std::size_t input) const { return *graph.constant(node().input(input))->integers(); }
};

Raised raised(std::int64_t from, std::int64_t to, const std::string& op, std::vector<std::string> inputs,
              testing::Attributes attributes, std::vector<std::string> outputs = {"y"}) {
  GraphBuilder builder(from);
  builder.input("x", {2, 3, 4, 5}).reals("scales", {4}, {1, 1, 2, 2});
  return {raise_opset(
      builder.node(op, std::move(inputs), std::move(outputs), std::move(attributes)).output("y").build(),
      to)};
}

TEST(RaiseOpset, AxesBecomeAnInput) {
  for (const char* op : {"Squeeze", "Unsqueeze", "ReduceSum"}) {
    const Raised result = raised(11, 13, op, {"x"}, {{"axes", Integers{1, 2}}});
    EXPECT_THAT(result.integers(1), ElementsAre(1, 2)) << op;
    EXPECT_FALSE(result.node().attributes.contains("axes")) << op;
    EXPECT_EQ(result.graph.opset, 13);
  }
  EXPECT_TRUE(
      raised(11, 13, "ReduceMean", {"x"}, {{"axes", Integers{1}}}).node().attributes.contains("axes"));
  EXPECT_THAT(raised(13, 21, "ReduceMean", {"x"}, {{"axes", Integers{1}}}).integers(1), ElementsAre(1));
}

TEST(RaiseOpset, WithoutAxesThereIsNoInput) {
  EXPECT_THAT(raised(11, 13, "Squeeze", {"x"}, {}).node().inputs, ElementsAre("x"));
}

TEST(RaiseOpset, SplitSaysItsLengthsOrTheNumberOfItsOutputs) {
  EXPECT_THAT(raised(11, 21, "Split", {"x"}, {{"split", Integers{1, 1}}}, {"y", "z"}).integers(1),
              ElementsAre(1, 1));
  const Raised even = raised(11, 21, "Split", {"x"}, {}, {"y", "z"});
  EXPECT_EQ(even.node().integer("num_outputs", 0), 2);
  EXPECT_FALSE(raised(11, 13, "Split", {"x"}, {}, {"y", "z"}).node().attributes.contains("num_outputs"));
}

TEST(RaiseOpset, PadsBoundsAndKBecomeInputs) {
  const Raised pad = raised(10, 13, "Pad", {"x"},
                            {{"pads", Integers{0, 1}}, {"value", 2.0F}, {"mode", std::string("constant")}});
  EXPECT_THAT(pad.integers(1), ElementsAre(0, 1));
  EXPECT_THAT(*pad.graph.constant(pad.node().input(2))->reals(), ElementsAre(2.0F));
  const Raised slice = raised(9, 13, "Slice", {"x"}, {{"starts", Integers{1}}, {"ends", Integers{2}}});
  EXPECT_THAT(slice.node().inputs.size(), 3U);
  EXPECT_THAT(slice.integers(2), ElementsAre(2));
  EXPECT_THAT(raised(9, 13, "TopK", {"x"}, {{"k", std::int64_t{3}}}, {"y", "z"}).integers(1), ElementsAre(3));
}

TEST(RaiseOpset, ResizingKeepsItsCoordinates) {
  for (const char* op : {"Upsample", "Resize"}) {
    const Raised result =
        raised(9 + (op[0] == 'R'), 13, op, {"x", "scales"}, {{"mode", std::string("nearest")}});
    EXPECT_EQ(result.node().op_type, "Resize");
    EXPECT_THAT(result.node().inputs, ElementsAre("x", "", "scales")) << "scales are moved once";
    EXPECT_EQ(result.node().text("coordinate_transformation_mode", ""), "asymmetric");
    EXPECT_EQ(result.node().text("nearest_mode", ""), "floor");
  }
}

TEST(RaiseOpset, SoftmaxOverTheLastAxisOnly) {
  EXPECT_EQ(raised(11, 13, "Softmax", {"x"}, {{"axis", std::int64_t{3}}}).node().integer("axis", 0), -1);
  try {
    raised(11, 13, "Softmax", {"x"}, {});
    FAIL() << "the default axis of a tensor of rank 4 flattens three axes";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("node \"y\" (Softmax)"));
  }
}

TEST(RaiseOpset, OnlyWhatLiesBetweenChanges) {
  EXPECT_TRUE(raised(11, 13, "Resize", {"x", "", "scales"}, {}).node().attributes.empty());
  EXPECT_EQ(raised(20, 13, "Squeeze", {"x"}, {}).graph.opset, 20) << "never lowered";
}

TEST(RaiseOpset, BodiesOfBranchesAreNotTouched) {
  const auto body = [](const char* op) {
    return std::make_shared<const Graph>(
        GraphBuilder(11).node(op, {"x"}, {"y"}, {{"axes", Integers{1}}}).build());
  };
  EXPECT_THROW(raised(11, 13, "If", {"x"}, {{"then_branch", body("Squeeze")}}), InputError);
  EXPECT_NO_THROW(raised(11, 13, "If", {"x"}, {{"then_branch", body("Relu")}}));
}

}  // namespace
}  // namespace qcal
