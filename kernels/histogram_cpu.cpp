#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "kernels/exact_division_math.h"
#include "kernels/histogram.h"

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/histogram_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
constexpr int most_lanes = 16;
using FloatTag = hn::CappedTag<float, most_lanes>;
using Floats = hn::Vec<FloatTag>;

// linear_bin() for vectors, as a float; `none` for values without a bin. from_zero: where neither `low` nor
// `prescale` change a value. To divide by a bin's width is to multiply by the bins, a power of two, first.
template <bool from_zero>
class LinearBinner {
 public:
  explicit LinearBinner(const LinearBins& grid)
      : grid_(grid),
        width_(exact_divisor(grid.range / grid.bins)),
        by_quotient_(has_exact_quotients(width_.divisor) &&
                     std::has_single_bit(static_cast<unsigned>(grid.bins))) {}

  int scalar(float x) const { return linear_bin(x, grid_); }

  template <Counted counted>
  HWY_INLINE Floats operator()(Floats x, Floats none) const {
    const FloatTag d;
    const Floats low = hn::Set(d, grid_.low);
    const Floats scaled = from_zero ? x : hn::Mul(x, hn::Set(d, grid_.prescale));
    const Floats above = from_zero ? x : hn::Sub(scaled, low);
    auto inside = hn::Le(scaled, hn::Set(d, grid_.high));
    if constexpr (!from_zero || counted == Counted::value) inside = hn::And(inside, hn::Ge(scaled, low));
    const Floats position =
        by_quotient_ ? quotient_lanes(d, above, hn::Set(d, width_.divisor), hn::Set(d, width_.reciprocal))
                     : hn::Div(hn::Mul(above, hn::Set(d, grid_.bins)), hn::Set(d, grid_.range));
    const Floats bin = hn::Floor(hn::Min(position, hn::Set(d, grid_.bins - 1.0f)));
    return hn::IfThenElse(inside, bin, none);
  }

 private:
  LinearBins grid_;
  ExactDivisor width_;
  bool by_quotient_;
};

// dyadic_bin() - first for vectors, as a float; `none` for values that are not finite.
class DyadicBinner {
 public:
  DyadicBinner(int exponent, std::int64_t first)
      : inverse_width_(exact_power_of_two(-exponent)), first_(first) {}

  int scalar(float x) const {
    return is_finite(x) ? static_cast<int>(dyadic_bin(x, inverse_width_) - first_) : no_bin;
  }

  template <Counted counted>
  HWY_INLINE Floats operator()(Floats x, Floats none) const {
    const FloatTag d;
    const Floats magnitude = counted == Counted::magnitude ? x : hn::Abs(x);
    const auto finite = hn::Lt(magnitude, hn::Set(d, std::numeric_limits<float>::infinity()));
    Floats position = hn::Mul(x, hn::Set(d, static_cast<float>(inverse_width_)));
    if constexpr (counted == Counted::value) {
      const Floats below = hn::Min(position, hn::Set(d, -std::numeric_limits<float>::min()));
      position = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), below, position);
    }
    const Floats bin = hn::Sub(hn::Floor(position), hn::Set(d, static_cast<float>(first_)));
    return hn::IfThenElse(finite, bin, none);
  }

 private:
  double inverse_width_;
  std::int64_t first_;
};

float counted_value(float x, Counted counted) {
  return counted == Counted::magnitude ? std::fabs(x) : x;
}

template <class Binner>
void count_one_by_one(const Binner& binner, const float* values, std::size_t size, Counted counted,
                      std::span<std::uint64_t> counts) {
  for (std::size_t i = 0; i < size; ++i) {
    const int bin = binner.scalar(counted_value(values[i], counted));
    if (bin != no_bin) ++counts[static_cast<std::size_t>(bin)];
  }
}

// Counters of 16 bits, in copies that neighbouring values take in turn: adding to one counter again has to
// wait for memory, and real activations pile up, at 0 behind a ReLU, at one value where they are constant or
// clipped. So the bin of 0 and that of a block's first value have a counter for each lane of a vector
// besides.
class Counters {
 public:
  static constexpr int copies = 4;
  static constexpr int zeros = histogram_bins;       // from here on, of the lanes' zeros
  static constexpr int firsts = zeros + most_lanes;  // and of their values in the first one's bin
  static constexpr int none = firsts + most_lanes;   // of values without a bin
  // No counter overflows in this many values.
  static constexpr std::size_t most_values = std::size_t{1} << 17;
  static_assert(most_values / copies < (std::size_t{1} << 16));

  // `count` bins, a multiple of the copies.
  HWY_INLINE void add(const std::uint16_t* bins, std::size_t count) {
    for (std::size_t i = 0; i < count; i += copies) {
      std::uint64_t word;  // fewer loads than four
      std::memcpy(&word, bins + i, sizeof word);
      ++table_[0][word & 0xffffu];
      ++table_[1][(word >> 16) & 0xffffu];
      ++table_[2][(word >> 32) & 0xffffu];
      ++table_[3][word >> 48];
    }
  }

  void move_to(std::span<std::uint64_t> counts, int zero_bin, int first_bin) {
    for (std::size_t bin = 0; bin < counts.size(); ++bin) counts[bin] += sum(static_cast<int>(bin));
    if (zero_bin != no_bin) counts[static_cast<std::size_t>(zero_bin)] += sum(zeros, firsts);
    if (first_bin != no_bin) counts[static_cast<std::size_t>(first_bin)] += sum(firsts, none);
    for (auto& copy : table_) std::fill(std::begin(copy), std::end(copy), std::uint16_t{0});
  }

 private:
  std::uint32_t sum(int at) const {
    return std::uint32_t{table_[0][at]} + table_[1][at] + table_[2][at] + table_[3][at];
  }
  std::uint32_t sum(int begin, int end) const {
    std::uint32_t total = 0;
    for (int at = begin; at < end; ++at) total += sum(at);
    return total;
  }

  std::uint16_t table_[copies][none + 1] = {};
};

// A whole number below 2^16 as such.
HWY_INLINE auto low_bits(Floats whole) {
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> wide;
  const hn::Rebind<std::uint16_t, FloatTag> narrow;
  return hn::TruncateTo(narrow, hn::BitCast(wide, hn::Add(whole, hn::Set(d, 0x1p23f))));
}

template <Counted counted, class Binner>
void count_with(const Binner& binner, const float* values, std::size_t size,
                std::span<std::uint64_t> counts) {
  constexpr std::size_t block = 128;
  constexpr std::size_t step = std::max<std::size_t>(Counters::copies, hn::MaxLanes(FloatTag()));
  if (counts.size() > histogram_bins || size < block) {
    return count_one_by_one(binner, values, size, counted, counts);
  }
  const FloatTag d;
  const hn::Rebind<std::uint16_t, FloatTag> narrow;
  // A block's bins are counted while the next one's are found: by then they have left the store buffer, and
  // the two keep different units busy.
  HWY_ALIGN std::uint16_t bins[2][block];
  Counters counters;
  const int zero_bin = binner.scalar(0.0f);
  const Floats zero = hn::Set(d, static_cast<float>(zero_bin));
  const Floats none = hn::Set(d, static_cast<float>(Counters::none));
  const Floats zeros = hn::Iota(d, static_cast<float>(Counters::zeros));
  const Floats firsts = hn::Iota(d, static_cast<float>(Counters::firsts));
  std::size_t i = 0;
  while (i + block <= size) {
    const std::size_t end = i + std::min(Counters::most_values, size - i) / block * block;
    const int first_bin = binner.scalar(counted_value(values[i], counted));
    const Floats first = hn::Set(d, static_cast<float>(first_bin));
    const auto find = [&](const float* from, std::size_t count, std::uint16_t* into) HWY_ATTR {
      for (std::size_t k = 0; k < count; k += hn::Lanes(d)) {
        const Floats loaded = hn::LoadU(d, from + k);
        const Floats found = binner.template operator()<counted>(
            counted == Counted::magnitude ? hn::Abs(loaded) : loaded, none);
        const Floats spread = hn::IfThenElse(hn::Eq(found, first), firsts, found);
        hn::StoreU(low_bits(hn::IfThenElse(hn::Eq(found, zero), zeros, spread)), narrow, into + k);
      }
    };
    std::uint16_t* now = bins[0];
    std::uint16_t* before = bins[1];
    find(values + i, block, now);
    for (i += block; i < end; i += block) {
      std::swap(now, before);
      for (std::size_t k = 0; k < block; k += step) {
        find(values + i + k, step, now + k);
        counters.add(before + k, step);
      }
    }
    counters.add(now, block);
    counters.move_to(counts, zero_bin, first_bin);
  }
  count_one_by_one(binner, values + i, size - i, counted, counts);
}

template <class Binner>
void count_with(const Binner& binner, const float* values, std::size_t size, Counted counted,
                std::span<std::uint64_t> counts) {
  if (counted == Counted::magnitude) return count_with<Counted::magnitude>(binner, values, size, counts);
  count_with<Counted::value>(binner, values, size, counts);
}

void count_linear_values(const float* values, std::size_t size, const LinearBins& grid, Counted counted,
                         std::span<std::uint64_t> counts) {
  if (grid.low == 0.0f && grid.prescale == 1.0f)
    return count_with(LinearBinner<true>(grid), values, size, counted, counts);
  count_with(LinearBinner<false>(grid), values, size, counted, counts);
}

void count_dyadic_values(const float* values, std::size_t size, int exponent, std::int64_t first,
                         Counted counted, std::span<std::uint64_t> counts) {
  count_with(DyadicBinner(exponent, first), values, size, counted, counts);
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {

HWY_EXPORT(count_linear_values);
HWY_EXPORT(count_dyadic_values);

void count_linear(std::span<const float> values, const LinearBins& grid, Counted counted,
                  std::span<std::uint64_t> counts) {
  HWY_DYNAMIC_DISPATCH(count_linear_values)(values.data(), values.size(), grid, counted, counts);
}

void count_dyadic(std::span<const float> values, int exponent, std::int64_t first, Counted counted,
                  std::span<std::uint64_t> counts) {
  if (-exponent <= dyadic_float_exponents && exponent <= dyadic_float_exponents) {
    HWY_DYNAMIC_DISPATCH(count_dyadic_values)(values.data(), values.size(), exponent, first, counted, counts);
    return;
  }
  const double inverse_width = exact_power_of_two(-exponent);  // no float32: data around the smallest numbers
  for (const float value : values) {
    if (!is_finite(value)) continue;
    const float x = counted == Counted::magnitude ? std::fabs(value) : value;
    ++counts[static_cast<std::size_t>(dyadic_bin(x, inverse_width) - first)];
  }
}

}  // namespace qcal
#endif
