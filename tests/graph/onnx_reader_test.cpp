#include "engine/graph/onnx_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "engine/error.h"
#include "engine/plan/quantization_plan.h"
#include "engine/transform/normalise.h"

namespace qcal {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string file_bytes(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

const fs::path models = QCAL_MODELS;

Graph parse(const onnx::ModelProto& model, const fs::path& folder = ".") {
  return parse_onnx(model.SerializeAsString(), "m.onnx", folder);
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

// y = Relu(x + w), w two floats.
onnx::ModelProto small_model() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  auto& graph = *model.mutable_graph();
  graph.add_input()->set_name("x");
  graph.add_output()->set_name("y");
  auto& weights = *graph.add_initializer();
  weights.set_name("w");
  weights.set_data_type(onnx::TensorProto::FLOAT);
  weights.add_dims(2);
  weights.add_float_data(1.5F);
  weights.add_float_data(-2.0F);
  auto& add = *graph.add_node();
  add.set_op_type("Add");
  add.add_input("x");
  add.add_input("w");
  add.add_output("s");
  auto& relu = *graph.add_node();
  relu.set_name("act");
  relu.set_op_type("Relu");
  relu.add_input("s");
  relu.add_output("y");
  return model;
}

onnx::TensorProto& weights_of(onnx::ModelProto& model) {
  return *model.mutable_graph()->mutable_initializer(0);
}

TEST(OnnxReader, ReadsAGraph) {
  const Graph graph = parse(small_model());
  EXPECT_EQ(graph.opset, 17);
  EXPECT_THAT(graph.inputs, ElementsAre("x"));
  EXPECT_THAT(graph.outputs, ElementsAre("y"));
  ASSERT_EQ(graph.nodes.size(), 2U);
  EXPECT_EQ(graph.nodes[0].name, "s") << "an unnamed node is named after its output";
  EXPECT_EQ(graph.nodes[1].name, "act");
  EXPECT_THAT(*graph.constant("w")->reals(), ElementsAre(1.5F, -2.0F));
}

TEST(OnnxReader, InitializersListedAsInputsAreConstants) {
  onnx::ModelProto model = small_model();
  model.mutable_graph()->add_input()->set_name("w");
  EXPECT_THAT(parse(model).inputs, ElementsAre("x"));
}

TEST(OnnxReader, EveryStorageOfAnInitializer) {
  onnx::ModelProto model = small_model();
  onnx::TensorProto& weights = weights_of(model);
  const auto values = [&] { return *parse(model).constant("w")->reals(); };
  weights.clear_float_data();
  const std::vector<float> raw{1.5F, -2.0F};
  weights.set_raw_data(raw.data(), 8);
  EXPECT_THAT(values(), ElementsAre(1.5F, -2.0F));
  weights.clear_raw_data();
  weights.set_data_type(onnx::TensorProto::DOUBLE);
  weights.add_double_data(1.5);
  weights.add_double_data(-2);
  EXPECT_THAT(values(), ElementsAre(1.5F, -2.0F));
  weights.set_data_type(onnx::TensorProto::FLOAT16);
  weights.add_int32_data(0x3e00);
  weights.add_int32_data(0xc000);
  EXPECT_THAT(values(), ElementsAre(1.5F, -2.0F));
  weights.set_data_type(onnx::TensorProto::BFLOAT16);
  weights.set_int32_data(0, 0x3fc0);
  EXPECT_THAT(values(), ElementsAre(1.5F, -2.0F));
  weights.set_data_type(onnx::TensorProto::INT8);
  weights.set_raw_data("\x01\xfe");
  EXPECT_THAT(*parse(model).constant("w")->integers(), ElementsAre(1, -2));
}

TEST(OnnxReader, NodesAreSortedAndCyclesRefused) {
  onnx::ModelProto model = small_model();
  model.mutable_graph()->mutable_node()->SwapElements(0, 1);
  EXPECT_EQ(parse(model).nodes[0].op_type, "Add");
  model.mutable_graph()->mutable_node(1)->set_input(0, "y");
  EXPECT_THAT(refusal([&] { parse(model); }), AllOf(StartsWith("m.onnx: "), HasSubstr("cycle")));
}

TEST(OnnxReader, DynamoMetadataGivesTheModulePath) {
  const Graph graph = read_onnx(models / "rn_digits/rn_digits.dyn.op18.fold.onnx");
  for (const Node& node : graph.nodes) {
    if (node.name == "node_conv2d_1") {
      EXPECT_EQ(node.module_path, "layer1.0.conv1");
    }
  }
}

TEST(OnnxReader, RefusesWhatIsNoModel) {
  EXPECT_THAT(refusal([] { read_onnx("no/such/file.onnx"); }), StartsWith("no/such/file.onnx: "));
  EXPECT_THAT(refusal([] { read_onnx(models); }), HasSubstr("not a regular file"));
  EXPECT_THAT(refusal([] { parse_onnx("", "m.onnx", "."); }),
              AllOf(StartsWith("m.onnx: "), HasSubstr("empty")));
  EXPECT_THAT(refusal([] { parse_onnx("just some text", "m.onnx", "."); }), HasSubstr("not an ONNX model"));
  EXPECT_THAT(refusal([] { parse_onnx(std::string(5000, '\0'), "m.onnx", "."); }),
              HasSubstr("not an ONNX model"));
}

TEST(OnnxReader, RefusesInconsistentModels) {
  struct Case {
    const char* what;
    std::function<void(onnx::ModelProto&)> spoil;
    const char* message;
  };
  const std::vector<Case> cases{
      {"old opset", [](auto& m) { m.mutable_opset_import(0)->set_version(8); }, "opset 8"},
      {"no opset", [](auto& m) { m.clear_opset_import(); }, "no opset"},
      {"undefined tensor", [](auto& m) { m.mutable_graph()->mutable_node(0)->set_input(1, "v"); },
       R"("v" is read)"},
      {"undefined output", [](auto& m) { m.mutable_graph()->mutable_output(0)->set_name("z"); },
       R"("z" is read)"},
      {"defined twice", [](auto& m) { m.mutable_graph()->mutable_node(0)->set_output(0, "y"); }, "twice"},
      {"too few values", [](auto& m) { weights_of(m).add_dims(2); }, R"(tensor "w": 2 values, 4 expected)"},
      {"negative dimension", [](auto& m) { weights_of(m).set_dims(0, -2); }, "negative"},
      {"huge dimensions", [](auto& m) { weights_of(m).set_dims(0, std::int64_t{1} << 62); }, "more than"},
      {"huge dimensions beside none",
       [](auto& m) {
         weights_of(m).clear_float_data();
         weights_of(m).clear_dims();
         for (const std::int64_t extent : {std::int64_t{0}, std::int64_t{1} << 62, std::int64_t{1} << 62})
           weights_of(m).add_dims(extent);
       },
       "more than"},
      {"huge sparse dimensions",
       [](auto& m) {
         auto& sparse = *m.mutable_graph()->add_sparse_initializer();
         sparse.mutable_values()->set_name("v");
         sparse.add_dims(std::int64_t{1} << 62);
       },
       "tensor \"v\": more than"},
      {"two initializers of one name",
       [](auto& m) { *m.mutable_graph()->add_initializer() = m.graph().initializer(0); },
       "tensor \"w\" is defined twice"},
      {"a name of two lines", [](auto& m) { m.mutable_graph()->mutable_output(0)->set_name("a\nb"); },
       R"("a\x0ab" is read)"},
      {"short raw data", [](auto& m) { weights_of(m).set_raw_data("abc"); }, "3 bytes of data"},
  };
  for (const Case& broken : cases) {
    onnx::ModelProto model = small_model();
    broken.spoil(model);
    EXPECT_THAT(refusal([&] { parse(model); }), AllOf(StartsWith("m.onnx: "), HasSubstr(broken.message)))
        << broken.what;
  }
}

// Every prefix of a real model is either refused with InputError or a model.
TEST(OnnxReader, TruncatedFilesNeverCrash) {
  const std::string bytes = file_bytes(models / "rn_digits/rn_digits.dyn.op18.fold.onnx");
  ASSERT_GT(bytes.size(), 10'000U);
  std::size_t refused = 0;
  std::size_t tried = 0;
  for (std::size_t length = 0; length < bytes.size(); length += length < 600 ? 1 : 199) {
    ++tried;
    try {
      normalise(parse_onnx(std::string_view(bytes).substr(0, length), "cut.onnx", "."));
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), StartsWith("cut.onnx: "));
      ++refused;
    }
  }
  EXPECT_EQ(refused, tried) << "the graph comes before the opset in this file, so no prefix is a model";
}

TEST(OnnxReader, DamagedFilesNeverCrash) {
  const std::string bytes = file_bytes(models / "rn_digits/rn_digits.dyn.op18.bn.onnx");
  std::uint64_t state = 1;
  const auto random = [&] { return (state = state * 6364136223846793005U + 1442695040888963407U) >> 33; };
  for (int round = 0; round < 150; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      make_plan(normalise(parse_onnx(damaged, "damaged.onnx", ".")), Configuration{});
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), StartsWith("damaged.onnx: "));
    }
  }
}

class ExternalData : public ::testing::Test {
 protected:
  ExternalData() : root_(fs::path(::testing::TempDir()) / "qcal_external_data") {
    fs::remove_all(root_);
    fs::create_directories(root_ / "model" / "inner");
    const std::vector<float> values{0.0F, 1.5F, -2.0F};
    for (const char* file : {"model/w.bin", "model/inner/w.bin", "outside.bin"}) {
      std::ofstream(root_ / file, std::ios::binary).write(reinterpret_cast<const char*>(values.data()), 12);
    }
  }
  ~ExternalData() override { fs::remove_all(root_); }

  Graph read(const std::string& location, const std::string& offset = "4", const std::string& length = "8") {
    onnx::ModelProto model = small_model();
    onnx::TensorProto& weights = weights_of(model);
    weights.clear_float_data();
    weights.set_data_location(onnx::TensorProto::EXTERNAL);
    const std::vector<std::pair<std::string, std::string>> entries{
        {"location", location}, {"offset", offset}, {"length", length}};
    for (const auto& [key, value] : entries) {
      auto& entry = *weights.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
    return parse(model, root_ / "model");
  }

  fs::path root_;
};

TEST_F(ExternalData, IsReadBesideTheModel) {
  EXPECT_THAT(*read("w.bin").constant("w")->reals(), ElementsAre(1.5F, -2.0F));
  EXPECT_THAT(*read("inner/w.bin").constant("w")->reals(), ElementsAre(1.5F, -2.0F));
}

TEST_F(ExternalData, OutsideTheFolderIsRefused) {
  fs::create_symlink(root_ / "outside.bin", root_ / "model/link.bin");
  for (const std::string& path : {std::string("../outside.bin"), std::string("inner/../../outside.bin"),
                                  (root_ / "outside.bin").string(), std::string("link.bin")}) {
    EXPECT_THAT(refusal([&] { read(path); }),
                AllOf(StartsWith("m.onnx: tensor \"w\": "), HasSubstr("outside")));
  }
}

TEST_F(ExternalData, BoundsAreChecked) {
  EXPECT_THAT(refusal([&] { read("w.bin", "8"); }), HasSubstr("12 bytes, needed are 8 from offset 8"));
  EXPECT_THAT(refusal([&] { read("w.bin", "18446744073709551615"); }), HasSubstr("12 bytes"));
  EXPECT_THAT(refusal([&] { read("w.bin", "-4"); }), HasSubstr("no number"));
  EXPECT_THAT(refusal([&] { read("w.bin", "4", "4"); }), HasSubstr("length 4"));
  EXPECT_THAT(refusal([&] { read("missing.bin"); }), HasSubstr("missing.bin"));
  EXPECT_THAT(refusal([&] { read("inner"); }), HasSubstr("not a regular file"));
  EXPECT_THAT(refusal([&] { read(""); }), HasSubstr("without a location"));
}

}  // namespace
}  // namespace qcal
