#include "engine/graph/onnx_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/graph/onnx_reader.h"
#include "tests/dumps/dump_files.h"

namespace qcal {
namespace {

const std::filesystem::path model =
    std::filesystem::path(QCAL_MODELS) / "rn_digits/rn_digits.ts.op17.fold.onnx";

TEST(OnnxWriter, WhatExceedsTheLimitGoesBesideTheModel) {
  const Graph graph = read_onnx(model);
  const OnnxFiles files = write_onnx(model, graph, graph, DataFile{"net.data", 1000});
  ASSERT_FALSE(files.data.empty());
  EXPECT_LT(files.model.size(), std::filesystem::file_size(model) / 2);
  const testing::TemporaryDirectory folder;
  testing::write_bytes(folder / "net.onnx", files.model);
  testing::write_bytes(folder / "net.data", files.data);
  const Graph again = read_onnx(folder / "net.onnx");
  ASSERT_EQ(again.constants.size(), graph.constants.size());
  for (const auto& [name, constant] : graph.constants) {
    ASSERT_TRUE(again.constant(name)) << name;
    EXPECT_EQ(again.constant(name)->values, constant->values) << name;
    EXPECT_EQ(again.constant(name)->shape, constant->shape) << name;
  }
}

TEST(OnnxWriter, WhatFitsStaysInTheModel) {
  const Graph graph = read_onnx(model);
  EXPECT_EQ(write_onnx(model, graph, graph, DataFile{"net.data"}).data, "");
  EXPECT_EQ(write_onnx(model, graph, graph, DataFile{"net.data"}).model,
            write_onnx(model, graph, graph).model);
}

}  // namespace
}  // namespace qcal
