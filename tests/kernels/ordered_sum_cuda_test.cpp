// Chunk sums on the device are added by OrderedTree's order, in whatever pieces they come.
#include "kernels/ordered_sum_cuda.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "kernels/cuda_support/check.h"
#include "kernels/cuda_support/resources.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

constexpr std::int64_t channels = 2;
constexpr int terms = 2;
constexpr std::int64_t sums_a_chunk = channels * terms;

// Of `sums_a_chunk` sums with `chunks` chunks each, one sum behind the other.
std::vector<double> chunk_sums(std::int64_t chunks, std::uint64_t seed) {
  const std::vector<float> values =
      samples(Shape::heavy_tail, static_cast<std::size_t>(sums_a_chunk * chunks), seed);
  return {values.begin(), values.end()};
}

void expect_trees(const std::vector<std::int64_t>& pieces) {
  const std::int64_t total = std::accumulate(pieces.begin(), pieces.end(), std::int64_t{0});
  std::vector<OrderedTree> expected(sums_a_chunk);
  DeviceBuffer trees;
  DeviceBuffer sums;
  DeviceBuffer totals;
  trees.reserve(sums_a_chunk * sizeof(OrderedTree));
  totals.reserve(sums_a_chunk * sizeof(double));
  check_cuda(cudaMemset(trees.data(), 0, trees.bytes()), "clearing a test's trees");
  std::int64_t first = 0;
  for (const std::int64_t chunks : pieces) {
    const std::vector<double> own = chunk_sums(chunks, static_cast<std::uint64_t>(first));
    for (std::size_t i = 0; i < own.size(); ++i) expected[i / static_cast<std::size_t>(chunks)].add(own[i]);
    check_cuda(cudaDeviceSynchronize(), "waiting for the piece before");
    sums.reserve(own.size() * sizeof(double));
    check_cuda(cudaMemcpy(sums.data(), own.data(), own.size() * sizeof(double), cudaMemcpyHostToDevice),
               "copying a test's chunk sums");
    DeviceRows rows;
    rows.channels = channels;
    rows.inner = chunks * ordered_sum_chunk;
    OrderedSumState state;
    state.trees = reinterpret_cast<OrderedTree*>(trees.data());
    state.chunk_sums = reinterpret_cast<double*>(sums.data());
    add_chunk_sums({}, rows, {first * ordered_sum_chunk, total * ordered_sum_chunk}, terms, state,
                   reinterpret_cast<double*>(totals.data()));
    first += chunks;
  }
  std::vector<double> found(sums_a_chunk);
  check_cuda(cudaDeviceSynchronize(), "waiting for the last piece");
  check_cuda(cudaMemcpy(found.data(), totals.data(), totals.bytes(), cudaMemcpyDeviceToHost),
             "copying a test's totals");
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], expected[i].total()) << "sum " << i;
}

TEST(OrderedSumCuda, FewChunks) {
  for (const std::int64_t chunks : {1, 2, 3, 255, 256, 257, 1'000, 2'048, 4'095}) expect_trees({chunks});
}

TEST(OrderedSumCuda, WholeNodes) {
  for (const std::int64_t chunks : {4'096, 4'097, 8'192, 3 * 4'096 + 2'047}) expect_trees({chunks});
}

TEST(OrderedSumCuda, MoreNodesThanABlockHasThreads) {
  expect_trees({258 * 4'096 + 1});
}

TEST(OrderedSumCuda, PiecesThatBeginInsideANode) {
  expect_trees({1'172, 7'021, 4'096, 3});
  expect_trees({4'095, 4'098, 4'096 + 4'095});
  expect_trees({4'096, 5, 4'091, 8'192});
}

}  // namespace
}  // namespace qcal::testing
