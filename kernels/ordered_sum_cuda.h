// The ordered sum on the device: where pieces of a channel stand in it, and the tree of its chunks.
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda_support/device_rows.h"
#include "kernels/cuda_support/kernel_context.h"
#include "kernels/ordered_sum_math.h"

namespace qcal {

// Where a piece's elements stand in their channels. A batch in one piece: {0, elements of a channel}.
struct PieceOfChannel {
  std::int64_t offset = 0;  // of the piece's first element
  std::int64_t total = 0;   // elements of the whole channel
};

// Device memory that `terms` sums of each channel live in while the pieces of a batch arrive.
struct OrderedSumState {
  // [channel][term][lane] of the chunk that the last piece left open, and of the one that this piece does:
  // one block goes on with the first while another writes the second.
  float* open = nullptr;
  float* next_open = nullptr;
  OrderedTree* trees = nullptr;  // [channel][term]; zeroed before the first piece
  double* chunk_sums = nullptr;  // [channel][term][chunk]: room for chunks_of() every piece

  // Of the channels from `channel` on. A piece's chunk sums are its own, from the start of the memory.
  OrderedSumState from(std::int64_t channel, int terms) const;
};

// Chunks of the ordered sum that a piece touches, in each channel.
std::int64_t chunks_of(const DeviceRows& rows, const PieceOfChannel& piece);

// Blocks for a kernel that calls sum_chunks() (ordered_chunks.cuh) on a piece.
dim3 chunk_blocks(const DeviceRows& rows, const PieceOfChannel& piece);

// Whether every aligned group of four elements of a channel lies together, aligned for one load.
bool loads_four(const DeviceRows& rows, const PieceOfChannel& piece);

// Adds the chunk sums that a piece completed to the trees. After the last piece, totals[channel][term]
// (device memory) has the sums. Enqueued.
void add_chunk_sums(const KernelContext& context, const DeviceRows& rows, const PieceOfChannel& piece,
                    int terms, const OrderedSumState& state, double* totals);

}  // namespace qcal
