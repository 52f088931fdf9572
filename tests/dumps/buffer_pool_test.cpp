#include "engine/dumps/buffer_pool.h"

#include <gtest/gtest.h>

namespace qcal {
namespace {

TEST(BufferPool, ReusesWhatIsLargeEnough) {
  BufferPool pool(1 << 20);
  PageBuffer first = pool.take(100'000);
  EXPECT_GE(first.size(), 100'000u);
  std::byte* const address = first.data();
  pool.give_back(std::move(first));
  EXPECT_EQ(pool.take(50'000).data(), address);
}

TEST(BufferPool, TheSmallestThatFits) {
  BufferPool pool(1 << 20);
  PageBuffer large = pool.take(1 << 18);
  PageBuffer small = pool.take(1 << 16);
  std::byte* const small_address = small.data();
  std::byte* const large_address = large.data();
  pool.give_back(std::move(large));
  pool.give_back(std::move(small));
  EXPECT_EQ(pool.take(1 << 15).data(), small_address);
  EXPECT_EQ(pool.take(1 << 15).data(), large_address);
}

TEST(BufferPool, SmallSparesGiveWayToLargeOnes) {
  BufferPool pool(1 << 20);
  std::vector<PageBuffer> small;
  for (int i = 0; i < 16; ++i) small.push_back(pool.take(1 << 16));
  PageBuffer large = pool.take(1 << 20);
  std::byte* const address = large.data();
  for (PageBuffer& buffer : small) pool.give_back(std::move(buffer));
  pool.give_back(std::move(large));
  EXPECT_EQ(pool.take(1).data(), address) << "the only spare left";
}

TEST(BufferPool, NothingLargerThanTheLimitIsKept) {
  BufferPool pool(1 << 16);
  PageBuffer buffer = pool.take((1 << 16) + 1);
  EXPECT_EQ(buffer.size(), (1u << 16) + 1u) << "not rounded up either";
  pool.give_back(std::move(buffer));
  pool.give_back(PageBuffer());
  EXPECT_EQ(pool.take(0).data(), nullptr);
}

TEST(PageBuffer, Moves) {
  PageBuffer a(5000);
  std::byte* const address = a.data();
  a.bytes()[4999] = std::byte{7};
  PageBuffer b = std::move(a);
  EXPECT_EQ(b.data(), address);
  a = std::move(b);
  EXPECT_EQ(a.bytes()[4999], std::byte{7});
}

}  // namespace
}  // namespace qcal
