#include "kernels/channel_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "kernels/error.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

constexpr DType all_dtypes[] = {DType::f32, DType::f64, DType::f16, DType::bf16};

// Element number `index` in logical order: a small integer, exact in every dtype.
float logical_value(std::int64_t index) {
  return static_cast<float>(index % 251 - 125);
}

void store(float value, DType dtype, unsigned char* at) {
  const auto put = [at](const auto& stored) { std::memcpy(at, &stored, sizeof stored); };
  const auto bits = std::bit_cast<std::uint32_t>(value);
  switch (dtype) {
    case DType::f32:
      return put(value);
    case DType::f64:
      return put(static_cast<double>(value));
    case DType::bf16:
      return put(static_cast<std::uint16_t>(bits >> 16));  // at most 7 bits of mantissa: exact
    case DType::f16: {
      const auto sign = static_cast<std::uint16_t>(bits >> 31 << 15);
      if (value == 0.0f) return put(sign);
      const std::uint32_t exponent = (bits >> 23 & 0xffu) - 112u;
      return put(static_cast<std::uint16_t>(sign | exponent << 10 | (bits >> 13 & 0x3ffu)));
    }
  }
}

using Extents = std::vector<std::int64_t>;

Extents c_strides(const Extents& shape) {
  Extents strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    strides[d] = step;
    step *= shape[d];
  }
  return strides;
}

Extents fortran_strides(const Extents& shape) {
  Extents strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    strides[d] = step;
    step *= shape[d];
  }
  return strides;
}

// A strided tensor in memory of its own.
class Stored {
 public:
  Stored(const Extents& shape, const Extents& strides, DType dtype, std::size_t misalignment) {
    std::int64_t lowest = 0;
    std::int64_t highest = 0;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const std::int64_t reach = strides[d] * std::max<std::int64_t>(shape[d] - 1, 0);
      lowest += std::min<std::int64_t>(reach, 0);
      highest += std::max<std::int64_t>(reach, 0);
    }
    const auto size = static_cast<std::int64_t>(size_of(dtype));
    bytes_.assign(static_cast<std::size_t>((highest - lowest + 1) * size) + misalignment, 0xff);
    unsigned char* origin = bytes_.data() + misalignment - lowest * size;
    view = {origin, dtype, shape, Memory::host, strides};
    for (std::int64_t i = 0; i < view.size(); ++i)
      store(logical_value(i), dtype, origin + offset_of(i) * size);
  }

  TensorView view;

 private:
  std::int64_t offset_of(std::int64_t index) const {
    std::int64_t offset = 0;
    for (std::size_t d = view.shape.size(); d-- > 0;) {
      offset += index % view.shape[d] * view.strides[d];
      index /= view.shape[d];
    }
    return offset;
  }
  std::vector<unsigned char> bytes_;
};

// The logical indices of a channel's elements, in order.
std::vector<float> expected_channel(const Extents& shape, std::optional<std::size_t> axis,
                                    std::int64_t channel) {
  const std::int64_t size = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  std::vector<float> values;
  for (std::int64_t i = 0; i < size; ++i) {
    std::int64_t rest = i;
    for (std::size_t d = shape.size(); axis && d-- > *axis + 1;) rest /= shape[d];
    if (!axis || rest % shape[*axis] == channel) values.push_back(logical_value(i));
  }
  return values;
}

std::vector<float> read_all(const ChannelReader& reader, std::int64_t channel, std::int64_t piece) {
  std::vector<float> values;
  std::vector<float> scratch(static_cast<std::size_t>(piece));
  for (std::int64_t at = 0; at < reader.elements(); at += piece) {
    const auto part = reader.read(channel, at, std::min(piece, reader.elements() - at), scratch.data());
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

void expect_naive(const Stored& stored, std::optional<int> axis) {
  const ChannelReader reader(stored.view, axis);
  const Extents& shape = stored.view.shape;
  std::optional<std::size_t> index;
  if (axis) index = static_cast<std::size_t>(*axis < 0 ? *axis + static_cast<int>(shape.size()) : *axis);
  ASSERT_EQ(reader.channels(), index ? shape[*index] : 1);
  for (std::int64_t channel = 0; channel < reader.channels(); ++channel) {
    const std::vector<float> expected = expected_channel(shape, index, channel);
    ASSERT_EQ(reader.elements(), static_cast<std::int64_t>(expected.size()));
    for (const std::int64_t piece : {1, 3, 7, 4096})
      ASSERT_EQ(read_all(reader, channel, piece), expected) << piece;
  }
  for (const std::int64_t first : {std::int64_t{0}, reader.elements() / 2}) {
    const ChannelReader part = reader.part(first, reader.elements() - first);
    const std::int64_t row = part.elements() + 3;
    std::vector<float> together(static_cast<std::size_t>(reader.channels() * row), -1.0f);
    part.read_together(together.data(), row);
    for (std::int64_t channel = 0; channel < reader.channels(); ++channel) {
      const auto at = together.begin() + channel * row;
      ASSERT_EQ(std::vector<float>(at, at + part.elements()), read_all(part, channel, 4096));
      ASSERT_EQ(*(at + part.elements()), -1.0f) << "nothing is written between channels";
    }
  }
}

TEST(ChannelReader, EveryDtypeAxisAndOrder) {
  const Extents shapes[] = {{5}, {1}, {3, 4}, {2, 3, 4}, {4, 1, 3}, {1, 5, 1, 2}, {2, 3, 1, 4, 2}, {1, 1}};
  for (const Extents& shape : shapes) {
    for (const DType dtype : all_dtypes) {
      for (const std::size_t misalignment : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
        for (const bool fortran : {false, true}) {
          const Stored stored(shape, fortran ? fortran_strides(shape) : c_strides(shape), dtype,
                              misalignment);
          SCOPED_TRACE(std::string(name_of(dtype)) + " rank " + std::to_string(shape.size()));
          expect_naive(stored, std::nullopt);
          const int rank = static_cast<int>(shape.size());
          for (int axis = -rank; axis < rank; ++axis) expect_naive(stored, axis);
        }
      }
    }
  }
}

TEST(ChannelReader, ArbitraryStrides) {
  struct Case {
    const char* name;
    Extents shape;
    Extents strides;
  };
  const Case cases[] = {
      {.name = "every second column", .shape = {3, 4}, .strides = {8, 2}},
      {.name = "padded rows", .shape = {3, 4}, .strides = {5, 1}},
      {.name = "reversed", .shape = {3, 4}, .strides = {-4, -1}},
      {.name = "reversed rows", .shape = {3, 4}, .strides = {4, -1}},
      {.name = "permuted", .shape = {2, 3, 4}, .strides = {4, 8, 1}},
      {.name = "channels last", .shape = {2, 3, 2, 2}, .strides = {12, 1, 6, 3}},
      {.name = "partly mergeable", .shape = {2, 3, 4}, .strides = {100, 4, 1}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    for (const DType dtype : all_dtypes) {
      const Stored stored(c.shape, c.strides, dtype, 0);
      expect_naive(stored, std::nullopt);
      for (int axis = 0; axis < static_cast<int>(c.shape.size()); ++axis) expect_naive(stored, axis);
    }
  }
}

TEST(ChannelReader, ABroadcastElementIsReadAgainAndAgain) {
  const float value = 3.5f;
  const TensorView view{&value, DType::f32, {2, 3}, Memory::host, {0, 0}};
  EXPECT_EQ(read_all(ChannelReader(view, std::nullopt), 0, 4), std::vector<float>(6, 3.5f));
  EXPECT_EQ(read_all(ChannelReader(view, 1), 2, 4), std::vector<float>(2, 3.5f));
}

TEST(ChannelReader, ContiguousFloatsAreNotCopied) {
  const std::vector<float> values = samples(Shape::normal, 100, 1);
  const TensorView view{values.data(), DType::f32, {4, 25}, Memory::host, {}};
  std::vector<float> scratch(100);
  EXPECT_EQ(ChannelReader(view, std::nullopt).read(0, 10, 60, scratch.data()).data(), values.data() + 10);
  EXPECT_EQ(ChannelReader(view, 0).read(2, 5, 20, scratch.data()).data(), values.data() + 55);
}

TEST(ChannelReader, ScalarsAndEmptyTensors) {
  const float value = 2.0f;
  const ChannelReader scalar({&value, DType::f32, {}, Memory::host, {}}, std::nullopt);
  EXPECT_EQ(read_all(scalar, 0, 8), std::vector<float>{2.0f});
  for (const Extents& shape : {Extents{0}, Extents{0, 3}, Extents{3, 0}, Extents{2, 0, 4}}) {
    const TensorView empty{nullptr, DType::f32, shape, Memory::host, {}};
    EXPECT_EQ(ChannelReader(empty, std::nullopt).elements(), 0);
    for (int axis = 0; axis < static_cast<int>(shape.size()); ++axis) {
      const ChannelReader reader(empty, axis);
      EXPECT_EQ(reader.channels(), shape[static_cast<std::size_t>(axis)]);
      for (std::int64_t channel = 0; channel < reader.channels(); ++channel)
        EXPECT_TRUE(read_all(reader, channel, 8).empty());
    }
  }
}

// Doubles beyond float32 become infinite, which the non-finite policy then sees.
TEST(ChannelReader, DoublesAreRoundedToFloat32) {
  const std::vector<double> values = {0.1, 1e-50, -1e-320, std::numeric_limits<double>::quiet_NaN(),
                                      16777217.0};
  const ChannelReader reader({values.data(), DType::f64, {5}, Memory::host, {}}, std::nullopt);
  const std::vector<float> read = read_all(reader, 0, 8);
  EXPECT_EQ(read[0], 0.1f);
  EXPECT_EQ(read[1], 0.0f);
  EXPECT_EQ(read[2], 0.0f);
  EXPECT_TRUE(std::isnan(read[3]));
  EXPECT_EQ(read[4], 16777216.0f);
  const double big = 1e300;
  EXPECT_EQ(read_all(ChannelReader({&big, DType::f64, {1}, Memory::host, {}}, std::nullopt), 0, 1)[0],
            infinity);
}

TEST(ChannelReader, RefusesImpossibleViews) {
  const float value = 0.0f;
  const auto reader = [&](TensorView view, std::optional<int> axis) { return ChannelReader(view, axis); };
  EXPECT_THROW(reader({&value, DType::f32, {1}, Memory::host, {}}, 1), InvalidArgument);
  EXPECT_THROW(reader({&value, DType::f32, {1}, Memory::host, {}}, -2), InvalidArgument);
  EXPECT_THROW(reader({&value, DType::f32, {}, Memory::host, {}}, 0), InvalidArgument);
  EXPECT_THROW(reader({&value, DType::f32, {1, 1}, Memory::host, {1}}, 0), InvalidArgument);
  EXPECT_THROW(reader({&value, DType::f32, {1}, Memory::device, {}}, 0), InvalidArgument);
  EXPECT_THROW(reader({nullptr, DType::f32, {1}, Memory::host, {}}, 0), InvalidArgument);
  EXPECT_THROW(reader({&value, DType::f32, {-1}, Memory::host, {}}, std::nullopt), InvalidArgument);
  EXPECT_THROW(reader({&value, DType::f32, {2, -3}, Memory::host, {}}, 0), InvalidArgument);
}

}  // namespace
}  // namespace qcal::testing
