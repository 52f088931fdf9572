#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/histogram.h"

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/histogram_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using Floats = hn::Vec<FloatTag>;
using Ints = hn::Vec<IntTag>;
using IntMask = hn::Mask<IntTag>;

// Bins of a vector of values, and which of them have one.
struct Binned {
  Ints bins;
  IntMask counted;
};

// linear_bin() for vectors.
class LinearBinner {
 public:
  explicit LinearBinner(const LinearBins& grid) : grid_(grid) {}

  int scalar(float x) const { return linear_bin(x, grid_); }

  Binned operator()(Floats x) const {
    const FloatTag d;
    const IntTag di;
    const Floats scaled = hn::Mul(x, hn::Set(d, grid_.prescale));
    const Floats low = hn::Set(d, grid_.low);
    const auto inside = hn::And(hn::Ge(scaled, low), hn::Le(scaled, hn::Set(d, grid_.high)));
    const Floats position =
        hn::Div(hn::Mul(hn::Sub(scaled, low), hn::Set(d, grid_.bins)), hn::Set(d, grid_.range));
    const Ints bins = hn::ConvertTo(di, hn::IfThenElseZero(inside, position));
    const Ints last = hn::Set(di, static_cast<std::int32_t>(grid_.bins) - 1);
    return {hn::Min(bins, last), hn::RebindMask(di, inside)};
  }

 private:
  LinearBins grid_;
};

// dyadic_bin() - first for vectors, by dyadic_position().
class DyadicBinner {
 public:
  DyadicBinner(int exponent, std::int64_t first)
      : inverse_width_(exact_power_of_two(-exponent)), first_(first) {}

  int scalar(float x) const {
    return is_finite(x) ? static_cast<int>(dyadic_bin(x, inverse_width_) - first_) : no_bin;
  }

  Binned operator()(Floats x) const {
    const FloatTag d;
    const IntTag di;
    const auto finite = hn::Lt(hn::Abs(x), hn::Set(d, std::numeric_limits<float>::infinity()));
    const Floats product = hn::Mul(x, hn::Set(d, static_cast<float>(inverse_width_)));
    const Floats below = hn::Min(product, hn::Set(d, -std::numeric_limits<float>::min()));
    const Floats position = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), below, product);
    const Ints bins = hn::ConvertTo(di, hn::Floor(hn::IfThenElseZero(finite, position)));
    return {hn::Sub(bins, hn::Set(di, static_cast<std::int32_t>(first_))), hn::RebindMask(di, finite)};
  }

 private:
  double inverse_width_;
  std::int64_t first_;
};

// Adding to one counter again and again waits for memory each time, and real activations pile up: at 0 behind
// a ReLU, at one value where they are constant or clipped. So the bin of 0 and that of each block's first
// value are counted in registers, and only the others in `counts`.
template <class Binner>
void count_with(const Binner& binner, const float* values, std::size_t size, Counted counted,
                std::uint64_t* counts) {
  const FloatTag d;
  const IntTag di;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t block = 1024;
  HWY_ALIGN std::array<std::int32_t, block + HWY_MAX_BYTES / sizeof(std::int32_t)> others;
  const auto counted_value = [&](float x) { return counted == Counted::magnitude ? std::fabs(x) : x; };
  const int zero_bin = binner.scalar(0.0f);
  const Ints zero = hn::Set(di, zero_bin);
  std::size_t i = 0;
  while (i + lanes <= size) {
    const std::size_t end = i + std::min(block, size - i) / lanes * lanes;
    const int first_bin = binner.scalar(counted_value(values[i]));
    const Ints first = hn::Set(di, first_bin);
    std::size_t zeros = 0;
    std::size_t firsts = 0;
    std::size_t kept = 0;
    for (; i < end; i += lanes) {
      const Floats loaded = hn::LoadU(d, values + i);
      const Binned binned = binner(counted == Counted::magnitude ? hn::Abs(loaded) : loaded);
      const IntMask is_zero = hn::And(binned.counted, hn::Eq(binned.bins, zero));
      const IntMask is_first = hn::And(binned.counted, hn::Eq(binned.bins, first));
      const IntMask is_other = hn::AndNot(hn::Or(is_zero, is_first), binned.counted);
      zeros += hn::CountTrue(di, is_zero);
      firsts += hn::CountTrue(di, is_first);
      // Compressed in a register: compressing stores are slow on some processors.
      hn::StoreU(hn::Compress(binned.bins, is_other), di, others.data() + kept);
      kept += hn::CountTrue(di, is_other);
    }
    for (std::size_t k = 0; k < kept; ++k) ++counts[others[k]];
    if (zeros > 0) counts[zero_bin] += zeros;
    if (firsts > 0 && first_bin != zero_bin) counts[first_bin] += firsts;
  }
  for (; i < size; ++i) {
    const int bin = binner.scalar(counted_value(values[i]));
    if (bin != no_bin) ++counts[bin];
  }
}

void count_linear_values(const float* values, std::size_t size, const LinearBins& grid, Counted counted,
                         std::uint64_t* counts) {
  count_with(LinearBinner(grid), values, size, counted, counts);
}

void count_dyadic_values(const float* values, std::size_t size, int exponent, std::int64_t first,
                         Counted counted, std::uint64_t* counts) {
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
                  std::uint64_t* counts) {
  HWY_DYNAMIC_DISPATCH(count_linear_values)(values.data(), values.size(), grid, counted, counts);
}

void count_dyadic(std::span<const float> values, int exponent, std::int64_t first, Counted counted,
                  std::uint64_t* counts) {
  if (-exponent <= dyadic_float_exponents && exponent <= dyadic_float_exponents) {
    HWY_DYNAMIC_DISPATCH(count_dyadic_values)(values.data(), values.size(), exponent, first, counted, counts);
    return;
  }
  const double inverse_width = exact_power_of_two(-exponent);  // no float32: data around the smallest numbers
  for (const float value : values) {
    if (!is_finite(value)) continue;
    ++counts[dyadic_bin(counted == Counted::magnitude ? std::fabs(value) : value, inverse_width) - first];
  }
}

}  // namespace qcal
#endif
