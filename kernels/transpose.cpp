#include "kernels/transpose.h"

#include <algorithm>

// Compiled once for every instruction set that Highway knows; the fastest one that runs here is taken.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/transpose.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qcal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void transpose_values(const float* from, std::int64_t from_row, std::int64_t rows, std::int64_t columns,
                      float* to, std::int64_t to_row) {
#if HWY_TARGET == HWY_SCALAR
  constexpr std::int64_t side = 1;
  const auto square = [&](const float* source, float* target) { *target = *source; };
#else
  // Four by four: wider squares would save little, since memory is the limit.
  constexpr std::int64_t side = 4;
  const hn::Full128<float> d;
  const auto square = [&](const float* source, float* target) HWY_ATTR {
    const auto a = hn::LoadU(d, source);
    const auto b = hn::LoadU(d, source + from_row);
    const auto c = hn::LoadU(d, source + 2 * from_row);
    const auto e = hn::LoadU(d, source + 3 * from_row);
    const auto even_low = hn::InterleaveLower(d, a, c);
    const auto even_high = hn::InterleaveUpper(d, a, c);
    const auto odd_low = hn::InterleaveLower(d, b, e);
    const auto odd_high = hn::InterleaveUpper(d, b, e);
    hn::StoreU(hn::InterleaveLower(d, even_low, odd_low), d, target);
    hn::StoreU(hn::InterleaveUpper(d, even_low, odd_low), d, target + to_row);
    hn::StoreU(hn::InterleaveLower(d, even_high, odd_high), d, target + 2 * to_row);
    hn::StoreU(hn::InterleaveUpper(d, even_high, odd_high), d, target + 3 * to_row);
  };
#endif
  const auto piece = [&](std::int64_t row, std::int64_t column) HWY_ATTR {
    const float* const source = from + row * from_row + column;
    float* const target = to + column * to_row + row;
    if (row + side <= rows && column + side <= columns) return square(source, target);
    for (std::int64_t i = 0; i < side && row + i < rows; ++i)
      for (std::int64_t j = 0; j < side && column + j < columns; ++j)
        target[j * to_row + i] = source[i * from_row + j];
  };
  constexpr std::int64_t tile = 16;  // of cache lines, each of which is read or written at one time
  for (std::int64_t row = 0; row < rows; row += tile) {
    for (std::int64_t column = 0; column < columns; column += tile) {
      // Rows are too far apart for the processor to see what comes next.
      for (std::int64_t i = row + tile; i < std::min(row + 2 * tile, rows); ++i)
        hwy::Prefetch(from + i * from_row + column);
      for (std::int64_t i = row; i < std::min(row + tile, rows); i += side)
        for (std::int64_t j = column; j < std::min(column + tile, columns); j += side) piece(i, j);
    }
  }
}

}  // namespace
}  // namespace qcal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qcal {

HWY_EXPORT(transpose_values);

void transpose(const float* from, std::int64_t from_row, std::int64_t rows, std::int64_t columns, float* to,
               std::int64_t to_row) {
  HWY_DYNAMIC_DISPATCH(transpose_values)(from, from_row, rows, columns, to, to_row);
}

}  // namespace qcal
#endif
