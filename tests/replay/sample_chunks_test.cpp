#include "engine/replay/sample_chunks.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <vector>

#include "tests/support/cut_tensor.h"

namespace qcal {
namespace {

std::vector<float> counted(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

struct Seen {
  std::vector<float> values;
  std::vector<std::int64_t> samples;
};

Seen chunks(const TensorParts& batch, std::size_t most_values) {
  Seen seen;
  for_each_sample_chunk(batch, most_values, [&](const SampleChunk& chunk) {
    seen.values.insert(seen.values.end(), chunk.values.begin(), chunk.values.end());
    seen.samples.push_back(chunk.samples);
  });
  return seen;
}

using Counts = std::vector<std::int64_t>;

TEST(SampleChunks, HoldWholeSamplesOfABatch) {
  const std::vector<float> values = counted(5 * 6);
  const TensorView view{values.data(), DType::f32, {5, 2, 3}, Memory::host, {}};
  const WholeTensor batch(view);
  const auto samples = [&](std::size_t most) {
    const Seen seen = chunks(batch, most);
    EXPECT_EQ(seen.values, values);
    return seen.samples;
  };
  EXPECT_EQ(samples(1000), (Counts{5}));
  EXPECT_EQ(samples(13), (Counts{2, 2, 1}));
  EXPECT_EQ(samples(1), (Counts{1, 1, 1, 1, 1})) << "at least one";
}

TEST(SampleChunks, DoNotDependOnHowTheBatchIsCut) {
  const std::vector<float> values = counted(4 * 10);
  const TensorView view{values.data(), DType::f32, {4, 10}, Memory::host, {}};
  const Seen seen = chunks(testing::CutTensor(view, 7), 20);
  EXPECT_EQ(seen.values, values);
  EXPECT_EQ(seen.samples, (Counts{2, 2}));
}

TEST(SampleChunks, TakeAVectorAsOneSample) {
  const std::vector<float> values = counted(6);
  const TensorView view{values.data(), DType::f32, {6}, Memory::host, {}};
  EXPECT_EQ(chunks(WholeTensor(view), 2).samples, (Counts{1}));
  const TensorView nothing{values.data(), DType::f32, {0, 6}, Memory::host, {}};
  EXPECT_EQ(chunks(WholeTensor(nothing), 2).samples, Counts{});
}

TEST(SampleChunks, HaveNoNaNOrInfinity) {
  const std::vector<float> values{1.0F, std::numeric_limits<float>::quiet_NaN(),
                                  std::numeric_limits<float>::infinity(), 2.0F};
  const TensorView view{values.data(), DType::f32, {1, 4}, Memory::host, {}};
  EXPECT_EQ(chunks(WholeTensor(view), 4).values, (std::vector<float>{1.0F, 0.0F, 0.0F, 2.0F}));
}

}  // namespace
}  // namespace qcal
