#include "engine/analysis/tensor_use.h"

#include <gtest/gtest.h>

#include "tests/support/memory_dump.h"

namespace qcal {
namespace {

using testing::MemoryDump;

// Four integers, -2 to 1, a step of 0.5.
TensorParameters two_bits() {
  TensorParameters parameters;
  parameters.name = "x";
  parameters.bit_width = 2;
  parameters.qmin = -2;
  parameters.qmax = 1;
  parameters.scale = {0.5};
  parameters.zero_point = {0};
  parameters.amax = {1.0};
  return parameters;
}

TensorUse use_of(const TensorParameters& parameters, const MemoryDump& dumps) {
  PlannedTensor planned;
  planned.name = "x";
  planned.shape = {-1, 2};
  return tensor_use(parameters, planned, dumps, 0, Compatibility::standard).value();
}

TEST(TensorUse, CountsIntegersAndWhatIsClipped) {
  MemoryDump dumps;
  dumps.add("x", {2, 2}, {-1.0F, 0.1F, 0.7F, 0.8F});  // -2, 0, 1, and 1 clipped; 0.7 is only rounded
  const TensorUse use = use_of(two_bits(), dumps);
  EXPECT_EQ(use.values, 4u);
  EXPECT_DOUBLE_EQ(use.levels_used, 0.75);
  EXPECT_DOUBLE_EQ(use.clipped, 0.25);
  EXPECT_FLOAT_EQ(static_cast<float>(use.lowest), -1.0F);
  EXPECT_FLOAT_EQ(static_cast<float>(use.highest), 0.8F);
}

TEST(TensorUse, TakesEachChannelsScale) {
  TensorParameters parameters = two_bits();
  parameters.granularity = Granularity::per_channel;
  parameters.axis = 1;
  parameters.scale = {0.5, 4.0};
  parameters.zero_point = {0, 0};
  parameters.amax = {1.0, 8.0};
  MemoryDump dumps;
  dumps.add("x", {2, 2}, {-1.0F, -8.0F, 0.5F, 4.0F});
  const TensorUse use = use_of(parameters, dumps);
  EXPECT_DOUBLE_EQ(use.levels_used, 0.5);
  EXPECT_DOUBLE_EQ(use.clipped, 0.0);
}

TEST(TensorUse, SpreadIsThatOfTheBatchesScalesWhereTheyWereNoted) {
  MemoryDump dumps;
  dumps.add("x", {1, 2}, {-1.0F, 0.5F}).add("x", {1, 2}, {0.25F, 0.125F});
  TensorParameters parameters = two_bits();
  EXPECT_DOUBLE_EQ(use_of(parameters, dumps).spread.value(), 4.0);
  parameters.per_batch.scale = {{0.5}, {0.2}, {1.0}};
  EXPECT_DOUBLE_EQ(use_of(parameters, dumps).spread.value(), 5.0);
}

TEST(TensorUse, IsAbsentForWhatWasNotRecorded) {
  EXPECT_FALSE(tensor_use(two_bits(), PlannedTensor{}, MemoryDump{}, 0, Compatibility::standard));
}

}  // namespace
}  // namespace qcal
