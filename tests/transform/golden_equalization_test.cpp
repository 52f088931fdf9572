// Cross-layer equalization against what vai_q_pytorch made of seven chains (tests/data/golden/cle), bit for
// bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <fstream>
#include <iterator>
#include <string>

#include "engine/transform/cross_layer_equalization.h"
#include "tests/support/golden_cases.h"
#include "tests/support/graph_builder.h"

namespace qcal {
namespace {

using testing::Array;
using testing::golden_array;
using testing::GraphBuilder;

std::string tensor_name(const char* what, std::size_t layer) {
  return what + std::to_string(layer);
}

Array array_of(const rapidjson::Value& layer, const char* key) {
  return golden_array(std::string("cle/") + layer[key]["file"].GetString());
}

// The convolutions of a case, a ReLU after each but the last.
Graph chain(const rapidjson::Value& layers) {
  GraphBuilder builder;
  std::string data = "x";
  for (rapidjson::SizeType i = 0; i < layers.Size(); ++i) {
    const Array weights = array_of(layers[i], "weight_before");
    const Array bias = array_of(layers[i], "bias_before");
    const std::int64_t group = layers[i]["group"].GetInt64();
    if (i == 0) builder.input("x", {1, weights.shape[1] * group, 8, 8});
    builder.reals(tensor_name("w", i), weights.shape, weights.values)
        .reals(tensor_name("b", i), bias.shape, bias.values)
        .node("Conv", {data, tensor_name("w", i), tensor_name("b", i)}, {tensor_name("c", i)},
              {{"group", group}});
    data = tensor_name("c", i);
    if (i + 1 == layers.Size()) break;
    builder.node("Relu", {data}, {tensor_name("r", i)});
    data = tensor_name("r", i);
  }
  return builder.output(data).build();
}

TEST(GoldenEqualization, BitForBit) {
  std::ifstream file(QCAL_TEST_DATA "/golden/cle/cle.json");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  rapidjson::Document cases;
  cases.Parse(text.c_str());
  ASSERT_FALSE(cases.HasParseError());
  ASSERT_EQ(cases.Size(), 7U);
  for (const auto& golden : cases.GetArray()) {
    SCOPED_TRACE(golden["name"].GetString());
    const rapidjson::Value& layers = golden["layers"];
    const Equalization result = equalize_layers(chain(layers), EqualizationRule::vitis);
    ASSERT_EQ(result.pairs.size(), golden["pairs"].Size());
    for (rapidjson::SizeType p = 0; p < golden["scales"].Size(); ++p) {
      std::vector<float> scales;
      for (const auto& scale : golden["scales"][p]["values"].GetArray()) scales.push_back(scale.GetFloat());
      EXPECT_EQ(result.divisors.at(tensor_name("c", p)), scales);
      EXPECT_EQ(result.divisors.at(tensor_name("r", p)), scales);
    }
    for (rapidjson::SizeType i = 0; i < layers.Size(); ++i) {
      EXPECT_EQ(*result.graph.constant(tensor_name("w", i))->reals(),
                array_of(layers[i], "weight_after").values);
      EXPECT_EQ(*result.graph.constant(tensor_name("b", i))->reals(),
                array_of(layers[i], "bias_after").values);
    }
  }
}

}  // namespace
}  // namespace qcal
