// How the CPU back end walks the elements of a channel.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/channel_reader.h"
#include "kernels/ordered_sum_math.h"

namespace qcal {

// Elements read at a time: several chunks of the ordered sum, small enough for the first-level cache.
// (Float16 from memory is read twice as fast so as in blocks that only the second-level cache holds.)
inline constexpr std::int64_t block_elements = 8 * ordered_sum_chunk;
// Unit of parallel work, a whole subtree of the ordered sum.
inline constexpr int segment_level = 6;
inline constexpr std::int64_t segment_elements = ordered_sum_chunk << segment_level;

// Calls work(values) for consecutive blocks of elements [begin, end) of a channel.
template <std::int64_t size = block_elements, class Work>
void for_each_block(const ChannelReader& reader, std::int64_t channel, std::int64_t begin, std::int64_t end,
                    const Work& work) {
  std::array<float, size> scratch;
  for (std::int64_t at = begin; at < end; at += size) {
    work(reader.read(channel, at, std::min(size, end - at), scratch.data()));
  }
}

// The same, but at once where the elements lie together as float32.
template <std::int64_t size = block_elements, class Work>
void for_each_span(const ChannelReader& reader, std::int64_t channel, std::int64_t begin, std::int64_t end,
                   const Work& work) {
  if (const auto together = reader.in_place(channel, begin, end - begin)) return work(*together);
  for_each_block<size>(reader, channel, begin, end, work);
}

}  // namespace qcal
