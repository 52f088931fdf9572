#include "kernels/device_batch.h"

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "kernels/gather_rows_cuda.h"

namespace qcal {
namespace {

constexpr std::size_t alignment = 256;  // of the two halves that pieces alternate between

// A tensor without gaps in device memory.
TensorView gapless(const std::byte* data, DType dtype, const std::vector<std::int64_t>& shape) {
  return {data, dtype, shape, Memory::device, {}};
}

}  // namespace

DeviceBatch::DeviceBatch(CudaDevice& device, BatchSlot& slot, const KernelContext& context,
                         const TensorParts& batch, std::optional<int> channel_axis)
    : device_(device), slot_(slot), context_(context), batch_(batch) {
  TensorView shape{nullptr, batch.dtype(), batch.shape(), Memory::host, {}};
  if (channel_axis) axis_ = checked_channel_axis(*channel_axis, static_cast<int>(shape.shape.size()));
  for (std::size_t d = 0; d < shape.shape.size(); ++d) {
    (axis_ == static_cast<int>(d) ? channels_ : elements_) *= shape.shape[d];
  }
  const std::optional<TensorView> on_device = whole_on_device(batch);
  if (on_device) {
    rows_ = rows_of(*on_device, nullptr);
  } else if (channels_ * elements_ > 0) {
    send_whole();
  }
}

// As they lie where kernels read them well; else gathered, to `gathered` or the slot's own memory.
DeviceRows DeviceBatch::rows_of(const TensorView& view, std::byte* gathered) const {
  const ChannelLayout layout = channel_layout(view, axis_);
  if (const std::optional<DeviceRows> direct = direct_rows(view, layout)) return *direct;
  if (gathered == nullptr) {
    const std::size_t bytes = static_cast<std::size_t>(view.size()) * sizeof(float);
    if (bytes > slot_.batch.bytes()) slot_.drained.wait();  // growing drops the last batch
    slot_.batch.reserve(bytes);
    gathered = slot_.batch.data();
  }
  return gather_rows(context_, view, layout, reinterpret_cast<float*>(gathered));
}

// False where the batch is larger than what the device keeps whole.
bool DeviceBatch::send_whole() {
  const std::size_t bytes = static_cast<std::size_t>(channels_ * elements_) * sizeof(float);
  const std::size_t room = (bytes + alignment - 1) / alignment * alignment;
  const auto reserve = [&](std::size_t needed) {
    return needed <= device_.batch_bytes() && device_.reserve_batch(slot_, needed);
  };
  if (!reserve(room)) return false;
  const TensorView there = gapless(slot_.batch.data(), DType::f32, batch_.shape());
  const bool is_gathered = !direct_rows(there, channel_layout(there, axis_));
  if (is_gathered && !reserve(2 * room)) return false;
  std::byte* const data = slot_.batch.data();
  slot_.drained.hold(device_.copy_stream());
  DType dtype = DType::f32;
  std::size_t sent = 0;
  batch_.for_each([&](const TensorPart& part) {
    dtype = staged_dtype(part.view);
    device_.staging().upload(part.view, dtype, data + sent, device_.copy_stream());
    sent += static_cast<std::size_t>(part.view.size()) * size_of(dtype);
  });
  slot_.uploaded.record(device_.copy_stream());
  slot_.uploaded.hold(context_.stream);
  rows_ = rows_of(gapless(data, dtype, batch_.shape()), data + room);
  return true;
}

// Of what pieces use: half of the memory each, and of that a half for gathered rows.
std::size_t DeviceBatch::quarter_bytes() const {
  return device_.batch_bytes() / 4 / alignment * alignment;
}

std::int64_t DeviceBatch::most_chunks() const {
  const std::int64_t total = channels_ * elements_;
  const auto a_piece = static_cast<std::int64_t>(quarter_bytes() / sizeof(float));
  const std::int64_t at_once = rows_ ? total : std::min(total, a_piece);
  return at_once / ordered_sum_chunk + 2 * channels_;  // a piece may begin and end inside a chunk
}

void DeviceBatch::for_each(const std::function<void(const DevicePiece&)>& visit) const {
  if (rows_) {
    visit({*rows_, {0, elements_}, 0});
  } else if (channels_ * elements_ > 0) {
    send_pieces(visit);
  }
}

// Two halves of the slot take turns, so that a piece is sent while the one before is read.
void DeviceBatch::send_pieces(const std::function<void(const DevicePiece&)>& visit) const {
  while (!device_.reserve_batch(slot_, device_.batch_bytes())) {
  }
  const std::size_t quarter = quarter_bytes();
  const auto most_elements = static_cast<std::int64_t>(quarter / sizeof(float));
  slot_.drained.hold(device_.copy_stream());
  Event read[2];
  std::size_t turn = 0;
  std::vector<std::int64_t> seen(static_cast<std::size_t>(channels_), 0);
  batch_.for_each([&](const TensorPart& part) {
    for (const TensorBox& box : contiguous_boxes(part.view.shape, most_elements)) {
      const TensorView view = box_of(part.view, box);
      if (view.size() == 0) continue;
      std::byte* const data = slot_.batch.data() + 2 * turn * quarter;
      read[turn].hold(device_.copy_stream());
      const DType dtype = staged_dtype(view);
      device_.staging().upload(view, dtype, data, device_.copy_stream());
      slot_.uploaded.record(device_.copy_stream());
      slot_.uploaded.hold(context_.stream);

      DevicePiece piece;
      piece.rows = rows_of(gapless(data, dtype, view.shape), data + quarter);
      if (axis_) {
        const auto axis = static_cast<std::size_t>(*axis_);
        piece.first_channel = part.origin[axis] + box.origin[axis];
      }
      const auto first = seen.begin() + piece.first_channel;
      piece.place = {*first, elements_};
      std::for_each(first, first + piece.rows.channels,
                    [&](std::int64_t& count) { count += piece.rows.elements(); });
      visit(piece);
      read[turn].record(context_.stream);
      turn = 1 - turn;
    }
  });
  // The next visit of the pieces starts on the copy stream's side again.
  slot_.computed.record(context_.stream);
  slot_.computed.hold(device_.copy_stream());
}

}  // namespace qcal
