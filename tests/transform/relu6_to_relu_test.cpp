#include "engine/transform/relu6_to_relu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/graph/onnx_reader.h"
#include "engine/transform/normalise.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;
using testing::operators;

GraphBuilder image(std::int64_t opset = 17) {
  return GraphBuilder(opset)
      .input("x", {-1, 3, 4, 4})
      .output("y")
      .reals("zero", {}, {0})
      .reals("six", {}, {6})
      .reals("sixes", {3, 1, 1}, {6, 6, 6});
}

TEST(Relu6ToRelu, EverySpellingBecomesOneRelu) {
  const GraphBuilder spellings[] = {
      image(9).node("Clip", {"x"}, {"y"}, {{"min", 0.0F}, {"max", 6.0F}}),
      image().node("Clip", {"x", "zero", "six"}, {"y"}),
      image().node("Relu", {"x"}, {"r"}).node("Min", {"r", "six"}, {"y"}),
      image().node("Relu", {"x"}, {"r"}).node("Min", {"sixes", "r"}, {"y"}),
      image().node("Min", {"x", "six"}, {"m"}).node("Relu", {"m"}, {"y"}),
      image().node("Max", {"zero", "x"}, {"m"}).node("Min", {"m", "six"}, {"y"}),
      image().node("Relu", {"x"}, {"r"}).node("Clip", {"r", "", "six"}, {"y"}),
      image().node("Clip", {"x", "zero"}, {"c"}).node("Clip", {"c", "", "six"}, {"y"}),
      image().node("Relu", {"x"}, {"r"}).node("Clip", {"r", "zero", "six"}, {"y"}),
  };
  for (const GraphBuilder& spelling : spellings) {
    const Graph graph = normalise(spelling.build());
    EXPECT_THAT(relu6_outputs(graph), ElementsAre("y"));
    const Graph changed = relu6_to_relu(graph, relu6_outputs(graph));
    ASSERT_THAT(operators(changed), ElementsAre("Relu"));
    EXPECT_EQ(changed.nodes[0].name, "y");
    EXPECT_THAT(changed.nodes[0].inputs, ElementsAre("x"));
    EXPECT_TRUE(changed.constants.empty()) << "bounds that nobody reads are dropped";
  }
}

TEST(Relu6ToRelu, AHardSwishThatIsSpelledOutStays) {
  const auto hard_swish = [](float shift) {
    return image()
        .reals("shift", {1}, {shift})
        .node("Add", {"x", "shift"}, {"s"})
        .node("Clip", {"s", "zero", "six"}, {"c"})
        .node("Mul", {"x", "c"}, {"m"})
        .node("Div", {"m", "six"}, {"y"});
  };
  EXPECT_THAT(relu6_outputs(normalise(hard_swish(3.0F).build())), IsEmpty());
  EXPECT_THAT(relu6_outputs(normalise(hard_swish(2.0F).build())), ElementsAre("c")) << "any other sum";
}

TEST(Relu6ToRelu, OtherIntervalsStay) {
  const GraphBuilder others[] = {
      image().node("Clip", {"x", "", "six"}, {"y"}),
      image().node("Clip", {"x", "zero"}, {"y"}),
      image().reals("one", {}, {1}).node("Clip", {"x", "one", "six"}, {"y"}),
      image().reals("four", {}, {4}).node("Clip", {"x", "zero", "four"}, {"y"}),
      image().node("Min", {"x", "six"}, {"y"}),
  };
  for (const GraphBuilder& other : others) {
    const Graph graph = normalise(other.build());
    EXPECT_THAT(relu6_outputs(graph), IsEmpty());
    EXPECT_EQ(operators(relu6_to_relu(graph, relu6_outputs(graph))), operators(graph));
  }
}

TEST(Relu6ToRelu, EverySpellingOfMobileNet) {
  for (const char* spelling : {"ts.op13.bn", "ts.op17.fold", "dyn.op18.bn", "dyn.op18.fold"}) {
    const Graph graph = normalise(read_onnx(std::filesystem::path(QCAL_MODELS) / "mbv2_digits" /
                                            (std::string("mbv2_digits.") + spelling + ".onnx")));
    EXPECT_EQ(relu6_outputs(graph).size(), 11U) << spelling;
    EXPECT_THAT(relu6_outputs(relu6_to_relu(graph, relu6_outputs(graph))), IsEmpty()) << spelling;
  }
}

}  // namespace
}  // namespace qcal
