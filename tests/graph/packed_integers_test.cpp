#include "engine/graph/packed_integers.h"

#include <gtest/gtest.h>

#include <limits>

namespace qcal {
namespace {

template <class Integer>
constexpr std::int64_t least = std::numeric_limits<Integer>::min();
template <class Integer>
constexpr std::int64_t most = std::numeric_limits<Integer>::max();

std::string bytes(ElementType type, const std::vector<std::int64_t>& values) {
  return packed(type, values).bytes;
}

std::string text(std::initializer_list<int> bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(PackedIntegers, HaveTheBytesOfTheirType) {
  EXPECT_EQ(bytes(ElementType::int8, {least<std::int8_t>, -1, most<std::int8_t>}), text({0x80, 0xff, 0x7f}));
  EXPECT_EQ(bytes(ElementType::uint8, {0, most<std::uint8_t>}), text({0, 0xff}));
  EXPECT_EQ(bytes(ElementType::boolean, {1, 0}), text({1, 0}));
  EXPECT_EQ(bytes(ElementType::int16, {least<std::int16_t>, 0x0102}), text({0, 0x80, 2, 1}));
  EXPECT_EQ(bytes(ElementType::uint16, {most<std::uint16_t>, 1}), text({0xff, 0xff, 1, 0}));
  EXPECT_EQ(bytes(ElementType::int32, {-2}), text({0xfe, 0xff, 0xff, 0xff}));
  EXPECT_EQ(bytes(ElementType::uint32, {most<std::uint32_t>}), text({0xff, 0xff, 0xff, 0xff}));
  EXPECT_EQ(bytes(ElementType::int64, {least<std::int64_t>}), text({0, 0, 0, 0, 0, 0, 0, 0x80}));
  EXPECT_EQ(bytes(ElementType::uint64, {0x0102}), text({2, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(bytes(ElementType::int8, {}), "");
}

}  // namespace
}  // namespace qcal
