// Sums of the inputs that meet a window's offsets, on the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/cuda_support/kernel_context.h"
#include "kernels/patch_sums.h"

namespace qcal {

// A PatchWindow whose lists are in device memory.
struct DevicePatchWindow {
  std::int64_t channels = 1;
  std::int64_t rows = 0;  // of a channel
  std::int64_t row_length = 0;
  std::int64_t outer_offsets = 1;
  std::int64_t inner_offsets = 0;
  const CoordinateRange* inner = nullptr;  // null: each place in a row is an offset of its own
  const CoordinateRange* outer = nullptr;  // of all outer offsets, one behind another
  const std::int64_t* ends = nullptr;      // [outer offset]: where its ranges end in `outer`

  QCAL_HOST_DEVICE std::int64_t sample_rows() const { return channels * rows; }
  QCAL_HOST_DEVICE std::int64_t sums() const { return channels * outer_offsets * inner_offsets; }
};

// The lists of a window as they stand in device memory, and the window that finds them there.
std::vector<std::int64_t> packed_lists(const PatchWindow& window);
DevicePatchWindow device_window(const PatchWindow& window, const std::int64_t* lists);

// Device memory of sums() numbers each. `open` is the sample that the rows so far have left unfinished.
struct PatchSumState {
  double* open = nullptr;
  double* fitted = nullptr;
  double* held_back = nullptr;
};

// Consecutive rows of a batch.
struct RowSpan {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t first_sample = 0;  // of the batch, counted over all batches
};

// What add_rows() needs for `rows` rows at a time at most: 4 MiB, or what one row takes and its samples'
// sums.
std::size_t patch_work_bytes(const DevicePatchWindow& window, std::int64_t rows);

// Adds a span; spans come in the order of their rows. `values` are the span's; all device memory, `work` of
// patch_work_bytes(). Enqueued; one read of the values.
void add_rows(const KernelContext& context, const DevicePatchWindow& window, const float* values,
              const RowSpan& span, const PatchSumState& state, std::byte* work);

}  // namespace qcal
