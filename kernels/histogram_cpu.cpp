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
using WordTag = hn::RebindToUnsigned<FloatTag>;
using Words = hn::Vec<WordTag>;

// Counters beyond those of the bins: of values in two bins, a counter for each lane, and of values without a
// bin.
constexpr int zeros = histogram_bins;
constexpr int firsts = zeros + most_lanes;
constexpr int none = firsts + most_lanes;

// A bin in a vector is a word, the bits of 2^23 + bin: its lower half is the bin.
constexpr float offset = 0x1p23f;

constexpr std::uint32_t word_of(int bin) {
  return std::bit_cast<std::uint32_t>(offset) + static_cast<std::uint32_t>(bin);
}

// linear_bin() for vectors; `none` for values without a bin. from_zero: where neither `low` nor `prescale`
// change a value. by_width: what lies above `low` is divided by a bin's width; to multiply by the bins first
// is the same where they are a power of two.
template <bool from_zero, bool by_width>
class LinearBinner {
 public:
  explicit LinearBinner(const LinearBins& grid)
      : grid_(grid), width_(exact_divisor(grid.range / grid.bins)) {}

  static bool serves(const LinearBins& grid) {
    if (from_zero && (grid.low != 0.0f || grid.prescale != 1.0f)) return false;
    return !by_width || (has_exact_quotients(grid.range / grid.bins) &&
                         std::has_single_bit(static_cast<unsigned>(grid.bins)));
  }

  int scalar(float x) const { return linear_bin(x, grid_); }

  template <Counted counted>
  HWY_INLINE Words operator()(Floats x) const {
    const FloatTag d;
    const Floats low = hn::Set(d, grid_.low);
    const Floats scaled = from_zero ? x : hn::Mul(x, hn::Set(d, grid_.prescale));
    const Floats above = from_zero ? x : hn::Sub(scaled, low);
    auto inside = hn::Le(scaled, hn::Set(d, grid_.high));
    if constexpr (!from_zero || counted == Counted::value) inside = hn::And(inside, hn::Ge(scaled, low));
    const Floats position =
        by_width ? quotient_lanes(d, above, hn::Set(d, width_.divisor), hn::Set(d, width_.reciprocal))
                 : hn::Div(hn::Mul(above, hn::Set(d, grid_.bins)), hn::Set(d, grid_.range));
    const Floats bin = hn::Floor(hn::Min(position, hn::Set(d, grid_.bins - 1.0f)));
    return hn::IfThenElse(hn::RebindMask(WordTag(), inside),
                          hn::BitCast(WordTag(), hn::Add(bin, hn::Set(d, offset))),
                          hn::Set(WordTag(), word_of(none)));
  }

 private:
  LinearBins grid_;
  ExactDivisor width_;
};

// dyadic_bin() - first for vectors; `none` for values that are not finite.
class DyadicBinner {
 public:
  DyadicBinner(int exponent, std::int64_t first)
      : inverse_width_(exact_power_of_two(-exponent)), first_(first), vanishes_(exponent > 0) {}

  int scalar(float x) const {
    return is_finite(x) ? static_cast<int>(dyadic_bin(x, inverse_width_) - first_) : no_bin;
  }

  template <Counted counted>
  HWY_INLINE Words operator()(Floats x) const {
    const FloatTag d;
    Floats position = hn::Mul(x, hn::Set(d, static_cast<float>(inverse_width_)));
    if (counted == Counted::value && vanishes_) {
      const Floats below = hn::Min(position, hn::Set(d, -std::numeric_limits<float>::min()));
      position = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), below, position);
    }
    const Floats bin = hn::Add(hn::Floor(position), hn::Set(d, offset - static_cast<float>(first_)));
    // Infinities and NaN stay what they are, whose bits are above every bin's.
    return hn::Min(hn::BitCast(WordTag(), bin), hn::Set(WordTag(), word_of(none)));
  }

 private:
  double inverse_width_;
  std::int64_t first_;
  bool vanishes_;  // the product of a small value can be 0
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
// wait for memory. Real activations pile up, though, around 0, or at one value where they are constant or
// clipped. So the bin of 0 and that of a round's first value have a counter for each lane of a vector
// besides.
class Counters {
 public:
  static constexpr std::size_t copies = 4;
  // No counter overflows in this many values.
  static constexpr std::size_t most_values = copies * std::numeric_limits<std::uint16_t>::max();

  // `count` bins, a multiple of the copies.
  HWY_INLINE void add(const std::uint16_t* bins, std::size_t count) {
    for (std::size_t i = 0; i < count; i += copies) {
      for (std::size_t copy = 0; copy < copies; ++copy) ++table_[copy][bins[i + copy]];
    }
  }

  void add_to(std::span<std::uint64_t> counts, int zero_bin, int first_bin) const {
    for (std::size_t bin = 0; bin < counts.size(); ++bin) counts[bin] += sum(bin);
    if (zero_bin != no_bin) counts[static_cast<std::size_t>(zero_bin)] += sum(zeros, firsts);
    if (first_bin != no_bin) counts[static_cast<std::size_t>(first_bin)] += sum(firsts, none);
  }

 private:
  std::uint32_t sum(std::size_t at) const {
    return std::uint32_t{table_[0][at]} + table_[1][at] + table_[2][at] + table_[3][at];
  }
  std::uint32_t sum(std::size_t begin, std::size_t end) const {
    std::uint32_t total = 0;
    for (std::size_t at = begin; at < end; ++at) total += sum(at);
    return total;
  }

  std::uint16_t table_[copies][none + 1] = {};
};

// Zeros need no counter where vectors are compressed by one instruction. (Elsewhere Highway 1.0 copies a
// table of a kilobyte for each vector.)
constexpr bool leaves_zeros_out = HWY_TARGET <= HWY_AVX3;

constexpr std::size_t block = leaves_zeros_out ? 512 : 128;
constexpr std::size_t chunk = std::size_t{2} * most_lanes;  // found, and counted, at a time

// Bins of a block's values on their way to the counters, `none` where the last chunk is not full.
struct Bins {
  HWY_ALIGN std::uint16_t bins[block];
  std::size_t size;
};

template <Counted counted, class Binner>
void count_with(Binner binner, const float* values, std::size_t size, std::span<std::uint64_t> counts) {
  if (counts.size() > histogram_bins || size < block) {
    return count_one_by_one(binner, values, size, counted, counts);
  }
  const FloatTag d;
  const WordTag wide;
  const hn::Rebind<std::uint16_t, FloatTag> narrow;
  const int zero_bin = binner.scalar(0.0f);
  const Words zero = hn::Set(wide, word_of(zero_bin));
  const Words spread_zeros = hn::Iota(wide, word_of(zeros));
  const Words spread_firsts = hn::Iota(wide, word_of(firsts));
  Bins bins[2];
  std::size_t i = 0;
  while (i + block <= size) {
    const std::size_t round = std::min(Counters::most_values, size - i) / block * block;
    Counters counters;
    const int first_bin = binner.scalar(counted_value(values[i], counted));
    const Words first = hn::Set(wide, word_of(first_bin));
    const auto find = [&](const float* from, std::uint16_t* into) HWY_ATTR {
      const Floats loaded = hn::LoadU(d, from);
      const Floats x = counted == Counted::magnitude ? hn::Abs(loaded) : loaded;
      Words found = binner.template operator()<counted>(x);
      const auto is_zero = hn::Eq(found, zero);
      found = hn::IfThenElse(hn::Eq(found, first), spread_firsts, found);
      found = hn::IfThenElse(is_zero, spread_zeros, found);
      if constexpr (leaves_zeros_out) {
        const auto kept = hn::Ne(hn::BitCast(wide, x), hn::Zero(wide));
        hn::StoreU(hn::TruncateTo(narrow, hn::Compress(found, kept)), narrow, into);
        return hn::CountTrue(wide, kept);
      } else {
        hn::StoreU(hn::TruncateTo(narrow, found), narrow, into);
        return hn::Lanes(d);
      }
    };
    // A block's bins are counted while the next one's are found: by then they have left the store buffer, and
    // the two keep different units busy.
    std::size_t left_out = 0;
    Bins* now = &bins[0];
    Bins* before = &bins[1];
    before->size = 0;
    for (const std::size_t end = i + round; i < end; i += block) {
      std::size_t found = 0;
      std::size_t done = 0;
      std::size_t due = 0;  // of the block before, times the size of a block
      for (std::size_t k = 0; k < block; k += chunk) {
        due += before->size;
        if (due >= block) {
          due -= block;
          counters.add(before->bins + done, chunk);
          done += chunk;
        }
        for (std::size_t lane = 0; lane < chunk; lane += hn::Lanes(d))
          found += find(values + i + k + lane, now->bins + found);
      }
      left_out += block - found;
      for (; found % chunk != 0; ++found) now->bins[found] = none;
      now->size = found;
      std::swap(now, before);
    }
    counters.add(before->bins, before->size);
    counters.add_to(counts, zero_bin, first_bin);
    if (zero_bin != no_bin) counts[static_cast<std::size_t>(zero_bin)] += left_out;
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
  if (LinearBinner<true, true>::serves(grid))
    return count_with(LinearBinner<true, true>(grid), values, size, counted, counts);
  if (LinearBinner<false, true>::serves(grid))
    return count_with(LinearBinner<false, true>(grid), values, size, counted, counts);
  count_with(LinearBinner<false, false>(grid), values, size, counted, counts);
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
