// A tensor in device memory, as the kernels see it: each channel is a number of runs without gaps.
#pragma once

#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/tensor_view.h"

namespace qcal {

// Element i of channel c, in the channel's logical order, is data[c * channel_stride + (i / inner) *
// outer_stride + i % inner]. Strides count elements; `data` is aligned to one. f32, f16 or bf16.
// Example: axis 1 of [N, C, H, W] has N runs of H * W elements.
struct DeviceRows {
  const void* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t channels = 1;
  std::int64_t outer = 1;
  std::int64_t inner = 0;
  std::int64_t channel_stride = 0;
  std::int64_t outer_stride = 0;

  QCAL_HOST_DEVICE std::int64_t elements() const { return outer * inner; }  // of one channel
};

// Channels that a launch takes at once; its blocks go on with the others. More blocks than a device holds
// would gain nothing.
inline constexpr std::int64_t most_channels_at_once = 1024;

// How the runs of a channel are shared out: in tiles of at most `length` elements, one a warp at a time.
struct Tiling {
  std::int64_t length = 0;
  std::int64_t per_run = 0;
  std::int64_t per_channel = 0;
};

// Blocks along x share a channel, blocks along y take a channel each in turn.
struct TileGrid {
  Tiling tiling;
  unsigned x = 1;
  unsigned y = 1;
};

// About `blocks` blocks of `warps` warps in all, none of them without work. Tiles are long enough to stream
// and short enough that every warp has one.
TileGrid tile_grid(const DeviceRows& rows, std::int64_t blocks, std::int64_t warps);

}  // namespace qcal
