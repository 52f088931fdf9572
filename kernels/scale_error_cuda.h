// Squared errors of several candidate quantizers for each channel, on the device.
#pragma once

#include "kernels/cuda_support/device_rows.h"
#include "kernels/cuda_support/kernel_context.h"
#include "kernels/device_range_math.h"
#include "kernels/ordered_sum_math.h"
#include "kernels/scale_error_math.h"

namespace qcal {

// One channel's sums of a chunk that one piece of the tensor began and the next goes on with.
struct OpenChunk {
  float lanes[diffs_candidates][ordered_sum_lanes];
};

// Device memory that the sums of one batch live in: one of each a channel.
struct ErrorState {
  ErrorSpec* specs = nullptr;
  OpenChunk* open = nullptr;
  OrderedTree* trees = nullptr;  // [channel][candidate]; zeroed before the first piece
  double* chunk_sums = nullptr;  // [channel][candidate][chunk]: room for chunks_of() of every piece
};

// Where a piece's elements stand in their channels. A batch in one piece: {0, elements of a channel}.
struct PieceOfChannel {
  std::int64_t offset = 0;  // of the piece's first element
  std::int64_t total = 0;   // elements of the whole channel
};

// Chunks of the ordered sum that a piece touches, in each channel.
std::int64_t chunks_of(const DeviceRows& rows, const PieceOfChannel& piece);

// state.specs[channel] from ranges[channel] of `elements` values each: the device goes on from the range it
// has found without the host's help. Enqueued.
void plan_errors(const KernelContext& context, const CandidateSpec& candidates, const DeviceRange* ranges,
                 std::int64_t channels, std::uint64_t elements, const ErrorState& state);

// Adds a piece; pieces come in the order of their elements. After the last one, totals[channel] (device
// memory) has the errors, the bits of the CPU's chunk_errors() and OrderedTree. Enqueued; one read of
// the data.
void add_errors(const KernelContext& context, const DeviceRows& rows, const PieceOfChannel& piece,
                Rounding rounding, const ErrorState& state, CandidateErrors* totals);

}  // namespace qcal
