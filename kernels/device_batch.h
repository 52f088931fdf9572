// A batch as the kernels read it: on the device already, sent there whole, or piece by piece.
#pragma once

#include <functional>
#include <optional>

#include "kernels/cuda_device.h"
#include "kernels/scale_error_cuda.h"
#include "kernels/tensor_parts.h"

namespace qcal {

// Some channels' elements, in device memory.
struct DevicePiece {
  DeviceRows rows;
  PieceOfChannel place;
  std::int64_t first_channel = 0;
};

class DeviceBatch {
 public:
  // Device views are used where they are; host batches are copied into the slot where they fit. `context` is
  // of the stream that will read the batch. Enqueued; see StagingRing for when the host waits.
  DeviceBatch(CudaDevice& device, BatchSlot& slot, const KernelContext& context, const TensorParts& batch,
              std::optional<int> channel_axis);

  std::int64_t channels() const { return channels_; }
  std::int64_t elements() const { return elements_; }  // of one channel
  // Chunks of the ordered sum that one piece touches, in all of its channels together, at most.
  std::int64_t most_chunks() const;

  // All of it, where the device has it in one piece.
  const std::optional<DeviceRows>& whole() const { return rows_; }

  // Visits the pieces in the order of their elements, each for as long as `visit` enqueues work on it. A
  // batch that is not on the device is sent anew each time.
  void for_each(const std::function<void(const DevicePiece&)>& visit) const;

 private:
  DeviceRows rows_of(const TensorView& view, std::byte* gathered) const;
  void send_pieces(const std::function<void(const DevicePiece&)>& visit) const;
  bool send_whole();
  std::size_t quarter_bytes() const;

  CudaDevice& device_;
  BatchSlot& slot_;
  const KernelContext& context_;
  const TensorParts& batch_;
  std::optional<int> axis_;
  std::int64_t channels_ = 1;
  std::int64_t elements_ = 1;
  DType staged_ = DType::f32;
  std::optional<DeviceRows> rows_;  // of the whole batch, where the device has it
};

}  // namespace qcal
