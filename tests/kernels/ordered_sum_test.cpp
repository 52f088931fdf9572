#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "kernels/ordered_sum_math.h"
#include "tests/reference/reference_sum.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

double chunk_sum(std::span<const float> chunk) {
  float lanes[ordered_sum_lanes] = {};
  for (std::size_t i = 0; i < chunk.size(); ++i) lanes[i % ordered_sum_lanes] += chunk[i];
  return add_lanes(lanes);
}

double ordered_sum(std::span<const float> values) {
  OrderedTree tree;
  for (std::size_t at = 0; at < values.size(); at += ordered_sum_chunk) {
    tree.add(chunk_sum(values.subspan(at, std::min<std::size_t>(ordered_sum_chunk, values.size() - at))));
  }
  return tree.total();
}

std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

// Values whose sum depends on the order in nearly every bit.
std::vector<float> sensitive(std::size_t count) {
  SplitMix64 random(count);
  std::vector<float> values(count);
  for (float& value : values) {
    const double factor = random.normal();
    value = static_cast<float>(factor * (1.0 + 1e6 * random.uniform()));
  }
  return values;
}

TEST(OrderedSum, IsTheDocumentedOrder) {
  for (std::size_t size : edge_sizes) {
    const std::vector<float> values = sensitive(size);
    EXPECT_EQ(bits(ordered_sum(values)), bits(reference_ordered_sum(values))) << size;
  }
  for (std::size_t chunks = 1; chunks <= 70; ++chunks) {
    const std::vector<float> values = sensitive(512 * chunks - 5);
    EXPECT_EQ(bits(ordered_sum(values)), bits(reference_ordered_sum(values))) << chunks;
  }
}

// The order is part of the file format, in effect: parameters of old and new releases must not differ.
TEST(OrderedSum, NeverChanges) {
  struct Pinned {
    std::size_t size;
    std::uint64_t sum;
  };
  constexpr Pinned pinned[] = {
      {.size = 1, .sum = 0x4123c66ec0000000},     {.size = 16, .sum = 0x41330ae3de000000},
      {.size = 17, .sum = 0xc14d88ca67a00000},    {.size = 512, .sum = 0xc15c5fb114c00000},
      {.size = 513, .sum = 0x41750c6e2ec00000},   {.size = 5000, .sum = 0x41846aa244c00000},
      {.size = 32769, .sum = 0x418c6ac0fb320000}, {.size = 100'000, .sum = 0xc1a5ea7e8e550000},
  };
  for (const Pinned& expected : pinned) {
    const double sum = ordered_sum(sensitive(expected.size));
    EXPECT_EQ(bits(sum), expected.sum) << expected.size << std::hex << " 0x" << bits(sum);
  }
}

// The reference would be no witness if another order gave the same bits.
TEST(OrderedSum, OtherOrdersGiveOtherBits) {
  const std::vector<float> values = sensitive(100'000);
  double plain = 0.0;
  for (const float value : values) plain += value;
  EXPECT_NE(bits(ordered_sum(values)), bits(plain));
  std::vector<float> reversed(values.rbegin(), values.rend());
  EXPECT_NE(bits(ordered_sum(values)), bits(ordered_sum(reversed)));
}

TEST(OrderedSum, WholeSubtreesStandForTheirChunks) {
  SplitMix64 random(5);
  std::vector<double> sums(300);
  for (double& sum : sums) sum = random.normal() * 1e3 * random.uniform();
  for (const int level : {1, 2, 6}) {
    const std::size_t width = std::size_t{1} << level;
    for (const std::size_t count :
         {width - 1, width, width + 1, 3 * width, 3 * width + 2, std::size_t{300}}) {
      OrderedTree by_chunk;
      OrderedTree by_subtree;
      for (std::size_t i = 0; i < count; ++i) by_chunk.add(sums[i]);
      std::size_t at = 0;
      for (; at + width <= count; at += width) {
        by_subtree.add(reference_perfect_tree(std::span(sums).subspan(at, width)), level);
      }
      for (; at < count; ++at) by_subtree.add(sums[at]);
      EXPECT_EQ(bits(by_subtree.total()), bits(by_chunk.total())) << level << " " << count;
      EXPECT_EQ(bits(by_chunk.total()), bits(reference_tree(std::span(sums).first(count)))) << count;
    }
  }
}

TEST(OrderedSum, NothingIsZero) {
  EXPECT_EQ(OrderedTree{}.total(), 0.0);
}

}  // namespace
}  // namespace qcal::testing
