// Chunks of the ordered sum for vectors, which read whole rows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "kernels/ordered_sum_math.h"

namespace qcal {

// Calls of_chunks(values, chunks, rows, sums) for the whole chunks of `values`, then for a shorter one behind
// them, to which zeros are added up to a row: none of qcal's sums changes by them.
template <class Sums, class OfChunks>
void for_whole_chunks(std::span<const float> values, Sums* sums, const OfChunks& of_chunks) {
  constexpr std::size_t rows = ordered_sum_chunk / ordered_sum_lanes;
  const std::size_t whole = values.size() / ordered_sum_chunk;
  if (whole > 0) of_chunks(values.data(), whole, rows, sums);
  const std::span<const float> rest = values.subspan(whole * ordered_sum_chunk);
  if (rest.empty()) return;
  float padded[ordered_sum_chunk] = {};
  std::copy(rest.begin(), rest.end(), padded);
  of_chunks(padded, 1, (rest.size() + ordered_sum_lanes - 1) / ordered_sum_lanes, sums + whole);
}

}  // namespace qcal
