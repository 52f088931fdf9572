#include "engine/replay/squared_distance.h"

#include <gtest/gtest.h>
#include <tbb/task_arena.h>

#include <random>
#include <vector>

namespace qcal {
namespace {

// Sums of small whole numbers are exact in any order.
TEST(SquaredDistance, CountsEveryValueOnceWhateverTheSize) {
  for (const std::size_t size : {0, 1, 7, 8, 9, 32767, 32768, 32769, 100'003}) {
    std::vector<float> a(size), b(size);
    double distance = 0.0, length = 0.0;
    for (std::size_t i = 0; i < size; ++i) {
      a[i] = static_cast<float>(i % 13);
      b[i] = static_cast<float>(i % 7);
      const double difference = static_cast<double>(i % 13) - static_cast<double>(i % 7);
      distance += difference * difference;
      length += static_cast<double>((i % 13) * (i % 13));
    }
    EXPECT_EQ(squared_distance(a, b), distance) << size;
    EXPECT_EQ(squared_length(a), length) << size;
  }
}

TEST(SquaredDistance, HasTheSameBitsOnAnyNumberOfThreads) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> a(1'000'000), b(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = normal(generator), b[i] = normal(generator);
  const auto on = [&](int threads) {
    tbb::task_arena arena(threads);
    return arena.execute([&] { return squared_distance(a, b); });
  };
  const double alone = on(1);
  for (const int threads : {2, 3, 8}) EXPECT_EQ(on(threads), alone) << threads;
}

}  // namespace
}  // namespace qcal
