// Warp operations, atomics and intrinsics give what CUDA's documentation says.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <vector>

#include "tests/host_cuda/device_array.h"
#include "tests/host_cuda/host_cuda.h"

namespace host_cuda {
namespace {

constexpr unsigned all_lanes = 0xffffffffu;
constexpr unsigned even_lanes = 0x55555555u;

// What each lane of a warp leaves.
std::vector<int> lanes_after(void (*kernel)(int*)) {
  reset();
  const DeviceArray<int> out(32);
  launch(kernel, 1, 32, 0, nullptr, std::tuple<int*>(out.data()));
  return out.to_host();
}

template <class Expected>
std::vector<int> lanes(Expected expected) {
  std::vector<int> values;
  for (int lane = 0; lane < 32; ++lane) values.push_back(expected(lane));
  return values;
}

int own() {
  return static_cast<int>(threadIdx.x);
}

TEST(Warp, ShufflesStayInTheirGroup) {
  EXPECT_EQ(lanes_after([](int* out) { out[own()] = __shfl_sync(all_lanes, own(), 5); }),
            lanes([](int) { return 5; }));
  EXPECT_EQ(lanes_after([](int* out) { out[own()] = __shfl_sync(all_lanes, own(), 9, 8); }),
            lanes([](int lane) { return lane / 8 * 8 + 1; }));
  EXPECT_EQ(lanes_after([](int* out) { out[own()] = __shfl_up_sync(all_lanes, own(), 3, 16); }),
            lanes([](int lane) { return lane % 16 < 3 ? lane : lane - 3; }));
  EXPECT_EQ(lanes_after([](int* out) { out[own()] = __shfl_down_sync(all_lanes, own(), 3, 16); }),
            lanes([](int lane) { return lane % 16 > 12 ? lane : lane + 3; }));
  EXPECT_EQ(lanes_after([](int* out) { out[own()] = __shfl_xor_sync(all_lanes, own(), 5); }),
            lanes([](int lane) { return lane ^ 5; }));
  // A lower group may be read, a higher one not.
  EXPECT_EQ(lanes_after([](int* out) { out[own()] = __shfl_xor_sync(all_lanes, own(), 8, 8); }),
            lanes([](int lane) { return lane % 16 < 8 ? lane : lane - 8; }));
}

TEST(Warp, ShufflesMoveEightBytes) {
  EXPECT_EQ(lanes_after([](int* out) {
              const double wide = __shfl_xor_sync(all_lanes, own() + 0.25, 1);
              out[own()] = static_cast<int>(wide * 4);
            }),
            lanes([](int lane) { return (lane ^ 1) * 4 + 1; }));
}

TEST(Warp, VotesAndReductions) {
  EXPECT_EQ(lanes_after([](int* out) {
              out[own()] = static_cast<int>(__ballot_sync(all_lanes, own() % 3 == 0) & 0x7fffffffu);
            }),
            lanes([](int) { return 0x49249249 & 0x7fffffff; }));
  EXPECT_EQ(lanes_after([](int* out) {
              out[own()] = __any_sync(all_lanes, own() == 7) + 2 * __all_sync(all_lanes, own() < 31);
            }),
            lanes([](int) { return 1; }));
  EXPECT_EQ(lanes_after([](int* out) { out[own()] = __reduce_add_sync(all_lanes, own() - 16); }),
            lanes([](int) { return -16; }));
  EXPECT_EQ(lanes_after([](int* out) { out[own()] = __reduce_min_sync(all_lanes, 5 - own()); }),
            lanes([](int) { return -26; }));
  EXPECT_EQ(lanes_after([](int* out) { out[own()] = __reduce_max_sync(all_lanes, own() - 40); }),
            lanes([](int) { return -9; }));
  EXPECT_EQ(lanes_after([](int* out) {
              out[own()] = static_cast<int>(__reduce_xor_sync(all_lanes, 1u << (own() % 8) | 256u));
            }),
            lanes([](int) { return 0; }));
}

TEST(Warp, HalvesOfAWarpMayDoDifferentThings) {
  EXPECT_EQ(lanes_after([](int* out) {
              if (own() % 2 == 0) {
                out[own()] = static_cast<int>(__reduce_add_sync(even_lanes, 1u));
              } else {
                out[own()] = __shfl_sync(~even_lanes, own(), 3);
              }
            }),
            lanes([](int lane) { return lane % 2 == 0 ? 16 : 3; }));
}

TEST(Warp, MatchFindsEqualValues) {
  EXPECT_EQ(lanes_after([](int* out) {
              out[own()] = __popc(__match_any_sync(all_lanes, own() < 20 ? 1.5 : own() % 2 + 2.0));
            }),
            lanes([](int lane) { return lane < 20 ? 20 : 6; }));
}

TEST(Atomics, ReturnTheOldValueAndKeepTheNew) {
  reset();
  const DeviceArray<unsigned> cells(6);
  cells.copy_from({0, 100, 5, 0, 0, 0});
  launch(
      +[](unsigned* cell) {
        const unsigned thread = threadIdx.x;
        atomicAdd(&cell[0], thread);
        atomicMin(&cell[1], thread + 3);
        atomicMax(&cell[2], thread);
        atomicOr(&cell[3], 1u << (thread % 32));
        atomicInc(&cell[4], 9);
        for (unsigned seen = cell[5], old = 0; (old = atomicCAS(&cell[5], seen, seen + 2)) != seen;)
          seen = old;
      },
      2, 64, 0, nullptr, std::tuple<unsigned*>(cells.data()));
  EXPECT_EQ(cells.to_host(), (std::vector<unsigned>{2 * 63 * 32, 3, 63, all_lanes, 128 % 10, 256}));
}

TEST(Atomics, AddRealNumbers) {
  reset();
  const DeviceArray<double> sum(1);
  sum.copy_from({0.5});
  launch(
      +[](double* total) { atomicAdd(total, 0.25); }, 3, 32, 0, nullptr, std::tuple<double*>(sum.data()));
  EXPECT_EQ(sum.to_host()[0], 24.5);
}

TEST(Intrinsics, ConversionsSaturate) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(__float2int_rz(3e9f), std::numeric_limits<int>::max());
  EXPECT_EQ(__float2int_rz(-infinity), std::numeric_limits<int>::min());
  EXPECT_EQ(__float2int_rz(std::nanf("")), 0);
  EXPECT_EQ(__float2int_rn(2.5f), 2);
  EXPECT_EQ(__float2int_ru(2.1f), 3);
  EXPECT_EQ(__float2int_rd(-2.1f), -3);
  EXPECT_EQ(__float2uint_rz(-1.0f), 0u);
  EXPECT_EQ(__float2uint_rz(5e9f), std::numeric_limits<unsigned>::max());
  EXPECT_EQ(__double2ll_rn(-0.5), 0);
}

TEST(Intrinsics, DirectedAddition) {
  constexpr float tiny = 1e-10f;
  EXPECT_EQ(__fadd_rd(1.0f, tiny), 1.0f);
  EXPECT_EQ(__fadd_ru(1.0f, tiny), std::nextafter(1.0f, 2.0f));
  EXPECT_EQ(__fadd_rd(1.0f, -tiny), std::nextafter(1.0f, 0.0f));
  EXPECT_EQ(__fadd_rd(1.5f, 2.25f), 3.75f);
}

TEST(Intrinsics, DirectedFusedMultiplication) {
  constexpr float shifter = 12582912.0f;
  EXPECT_EQ(__fmaf_rd(3.0f, 0.5f, shifter), shifter + 1.0f);
  EXPECT_EQ(__fmaf_rd(-3.0f, 0.5f, shifter), shifter - 2.0f);
  EXPECT_EQ(__fmaf_rd(-1e-30f, 1e-30f, shifter), shifter - 1.0f);
  EXPECT_EQ(__fmaf_rd(1e-30f, 1e-30f, shifter), shifter);
  EXPECT_EQ(__fmaf_rd(1.0f + 0x1p-23f, 1.0f - 0x1p-23f, 0.0f), std::nextafter(1.0f, 0.0f));
  EXPECT_EQ(__fmaf_rd(2.0f, 4.0f, 1.0f), 9.0f);
}

TEST(Intrinsics, Bits) {
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__brev(1u), 0x80000000u);
  EXPECT_EQ(__umulhi(0x80000000u, 6u), 3u);
  EXPECT_EQ(min(3, std::nanf("")), 3.0f);
  EXPECT_EQ(max(std::nanf(""), 2.0f), 2.0f);
}

}  // namespace
}  // namespace host_cuda
