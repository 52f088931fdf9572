#include "kernels/cuda_support/device_rows.h"

#include <algorithm>

namespace qcal {
namespace {

constexpr std::int64_t shortest_tile = 512;
constexpr std::int64_t longest_tile = 8192;

std::int64_t divided_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

TileGrid tile_grid(const DeviceRows& rows, std::int64_t blocks, std::int64_t warps) {
  TileGrid grid;
  const std::int64_t share = divided_up(rows.channels * rows.elements(), blocks * warps);
  grid.tiling.length =
      std::clamp(divided_up(share, shortest_tile) * shortest_tile, shortest_tile, longest_tile);
  grid.tiling.per_run = divided_up(rows.inner, grid.tiling.length);
  grid.tiling.per_channel = grid.tiling.per_run * rows.outer;
  const std::int64_t wanted = std::max<std::int64_t>(1, blocks / std::max<std::int64_t>(1, rows.channels));
  // Counters of a block are 32 bits wide: no block may see 2^31 elements of a channel.
  const std::int64_t needed = divided_up(rows.elements(), std::int64_t{1} << 30);
  const std::int64_t useful = divided_up(grid.tiling.per_channel, warps);
  grid.x = static_cast<unsigned>(std::clamp<std::int64_t>(useful, 1, std::max(wanted, needed)));
  grid.y = static_cast<unsigned>(std::clamp<std::int64_t>(rows.channels, 1, most_channels_at_once));
  return grid;
}

}  // namespace qcal
