#include "kernels/cuda_patch_sums.h"

#include <algorithm>
#include <utility>

#include "kernels/channel_layout.h"
#include "kernels/cuda_support/check.h"
#include "kernels/error.h"
#include "kernels/gather_rows_cuda.h"
#include "kernels/patch_sums_cuda.h"

namespace qcal {
namespace {

// One layer's sums on the device, and how far it has come.
class LayerSums {
 public:
  // Starts a batch. `idle` has passed once nothing uses the memory any more.
  void begin(const PatchWindow& window, const KernelContext& context, StagingRing& staging,
             const Event& idle) {
    if (sums_.bytes() == 0) {
      reserve(static_cast<std::size_t>(window.sums()));
      check_cuda(cudaMemsetAsync(sums_.data(), 0, sums_.bytes(), context.stream), "clearing sums");
    }
    if (window_ != window) {
      const std::vector<std::int64_t> lists = packed_lists(window);
      const std::size_t list_bytes = lists.size() * sizeof(std::int64_t);
      if (list_bytes > lists_.bytes()) {
        idle.wait();  // growing drops the lists
        lists_.reserve(list_bytes);
      }
      // To the staging ring these are so many words.
      const TensorView words{
          lists.data(), DType::f32, {static_cast<std::int64_t>(list_bytes / 4)}, Memory::host, {}};
      staging.upload(words, DType::f32, lists_.data(), context.stream);
      on_device_ = device_window(window, reinterpret_cast<const std::int64_t*>(lists_.data()));
      window_ = window;
    }
    next_row_ = 0;
  }

  std::size_t work_bytes() const {
    return patch_work_bytes(on_device_, window_.samples * window_.sample_rows());
  }
  std::int64_t row_length() const { return window_.row_length; }
  // Of the batch: where the rows begin that have not been added.
  std::int64_t next_element() const { return next_row_ * window_.row_length; }

  // Adds the rows that are there of a stretch of the batch that begins at element `first` and ends before
  // `end`.
  void add(const KernelContext& context, const float* values, std::int64_t first, std::int64_t end,
           std::byte* work) {
    const RowSpan span{next_row_, end / window_.row_length - next_row_, samples_};
    if (span.count == 0) return;
    add_rows(context, on_device_, values + (next_element() - first), span, state_, work);
    next_row_ += span.count;
  }

  void finish() {
    for (std::int64_t i = 0; i < window_.samples; ++i) {
      PatchTotals& totals = is_held_back(samples_++) ? split_.held_back : split_.fitted;
      totals.positions += window_.positions;
      ++totals.samples;
    }
  }

  // Before the first batch.
  void put(const PatchSplit& earlier) {
    split_ = earlier;
    samples_ = earlier.fitted.samples + earlier.held_back.samples;
    reserve(std::max(earlier.fitted.sums.size(), earlier.held_back.sums.size()));
    check_cuda(cudaMemset(sums_.data(), 0, sums_.bytes()), "clearing sums");
    write(earlier.fitted, state_.fitted);
    write(earlier.held_back, state_.held_back);
    check_cuda(cudaDeviceSynchronize(), "setting sums");  // batches come on other streams
  }

  // The device must be done with them.
  PatchSplit split() const {
    PatchSplit result = split_;
    read(state_.fitted, result.fitted);
    read(state_.held_back, result.held_back);
    return result;
  }

 private:
  void reserve(std::size_t count) {
    count_ = count;
    sums_.reserve(3 * count * sizeof(double));
    auto* const first = reinterpret_cast<double*>(sums_.data());
    state_ = {first, first + count, first + 2 * count};
  }

  static void write(const PatchTotals& totals, double* to) {
    if (totals.sums.empty()) return;
    check_cuda(
        cudaMemcpy(to, totals.sums.data(), totals.sums.size() * sizeof(double), cudaMemcpyHostToDevice),
        "copying sums of input patches to the device");
  }

  void read(const double* from, PatchTotals& totals) const {
    if (totals.samples == 0) return;
    totals.sums.resize(count_);
    check_cuda(
        cudaMemcpy(totals.sums.data(), from, totals.sums.size() * sizeof(double), cudaMemcpyDeviceToHost),
        "copying sums of input patches to the host");
  }

  PatchWindow window_;
  DevicePatchWindow on_device_;
  DeviceBuffer lists_;
  DeviceBuffer sums_;
  std::size_t count_ = 0;  // of sums
  PatchSumState state_;
  PatchSplit split_;  // its sums are those on the device
  std::int64_t samples_ = 0;
  std::int64_t next_row_ = 0;  // of the batch
};

// The tensor, where its values lie in device memory as float32 in C order.
const float* plain_values(const TensorView& view) {
  const std::optional<DeviceRows> rows = direct_rows(view, channel_layout(view, std::nullopt));
  const bool plain = rows && rows->dtype == DType::f32 && rows->outer == 1;
  return plain ? static_cast<const float*>(rows->data) : nullptr;
}

class CudaPatchSums final : public PatchSums {
 public:
  explicit CudaPatchSums(std::shared_ptr<CudaDevice> device) : device_(std::move(device)) {}
  ~CudaPatchSums() override {
    try {
      added_.wait();
    } catch (const CudaError&) {  // a device that failed uses no memory any more
    }
  }

  PatchSplit take(std::size_t layer) override {
    if (layer >= layers_.size()) return {};
    added_.wait();
    return layers_[layer]->split();
  }

 private:
  using Readers = std::vector<LayerSums*>;

  void put(std::size_t layer, const PatchSplit& earlier) override {
    const auto lock = device_->lock();
    while (layers_.size() <= layer) layers_.push_back(std::make_unique<LayerSums>());
    layers_[layer]->put(earlier);
  }

  void add(const TensorParts& batch, const std::vector<std::optional<PatchWindow>>& windows,
           Stream stream) override {
    const auto lock = device_->lock();
    const KernelContext context = device_->context(batch, stream);
    BatchSlot& slot = device_->next_slot();
    slot.drained.hold(context.stream);
    added_.hold(context.stream);
    try {
      const Readers readers = begin(windows, slot, context);
      const std::optional<TensorView> on_device = whole_on_device(batch);
      if (const float* values = on_device ? plain_values(*on_device) : nullptr) {
        for (LayerSums* reader : readers)
          reader->add(context, values, 0, on_device->size(), slot.work.data());
      } else {
        add_pieces(batch, readers, on_device.has_value(), slot, context);
      }
      for (LayerSums* reader : readers) reader->finish();
      slot.drained.record(context.stream);
      added_.record(context.stream);
    } catch (...) {
      cudaDeviceSynchronize();  // what was enqueued must not reach into the slot's next batch
      throw;
    }
  }

  Readers begin(const std::vector<std::optional<PatchWindow>>& windows, BatchSlot& slot,
                const KernelContext& context) {
    while (layers_.size() < windows.size()) layers_.push_back(std::make_unique<LayerSums>());
    Readers readers;
    std::size_t work_bytes = 0;
    for (std::size_t layer = 0; layer < windows.size(); ++layer) {
      if (!windows[layer]) continue;
      readers.push_back(layers_[layer].get());
      readers.back()->begin(*windows[layer], context, device_->staging(), added_);
      work_bytes = std::max(work_bytes, readers.back()->work_bytes());
    }
    if (work_bytes > slot.work.bytes()) {
      slot.drained.wait();  // growing drops the last batch's
      slot.work.reserve(work_bytes);
    }
    return readers;
  }

  // Two halves of the slot take turns, so that a piece is sent while the one before is read. Rows that a
  // piece ends in the middle of are copied to where the next one begins.
  void add_pieces(const TensorParts& batch, const Readers& readers, bool on_device, BatchSlot& slot,
                  const KernelContext& context) {
    std::int64_t longest = 1;
    for (const LayerSums* reader : readers) longest = std::max(longest, reader->row_length());
    std::int64_t half = 0;  // in elements
    do {
      half = std::max(static_cast<std::int64_t>(device_->batch_bytes() / (2 * sizeof(float))), 2 * longest);
    } while (!device_->reserve_batch(slot, 2 * static_cast<std::size_t>(half) * sizeof(float)));
    cudaStream_t sending = on_device ? context.stream : device_->copy_stream();
    slot.drained.hold(sending);
    Event read[2];
    std::size_t turn = 0;
    const float* values = nullptr;  // of elements [first, end)
    std::int64_t first = 0;
    std::int64_t end = 0;
    batch.for_each([&](const TensorPart& part) {
      for (const TensorBox& box : contiguous_boxes(part.view.shape, half - longest)) {
        const TensorView piece = box_of(part.view, box);
        if (piece.size() == 0) continue;
        float* const to =
            reinterpret_cast<float*>(slot.batch.data()) + static_cast<std::int64_t>(turn) * half;
        read[turn].hold(sending);
        std::int64_t kept = 0;
        for (const LayerSums* reader : readers) kept = std::max(kept, end - reader->next_element());
        if (kept > 0) {
          check_cuda(cudaMemcpyAsync(to, values + (end - kept - first),
                                     static_cast<std::size_t>(kept) * sizeof(float), cudaMemcpyDeviceToDevice,
                                     sending),
                     "keeping the beginning of a row");
        }
        send(piece, to + kept, sending, context);
        slot.uploaded.record(sending);
        slot.uploaded.hold(context.stream);
        values = to;
        first = end - kept;
        end += piece.size();
        for (LayerSums* reader : readers) reader->add(context, values, first, end, slot.work.data());
        read[turn].record(context.stream);
        turn = 1 - turn;
      }
    });
  }

  void send(const TensorView& piece, float* to, cudaStream_t stream, const KernelContext& context) {
    if (piece.memory == Memory::device) {
      gather_rows(context, piece, channel_layout(piece, std::nullopt), to);
    } else {
      device_->staging().upload(piece, DType::f32, reinterpret_cast<std::byte*>(to), stream);
    }
  }

  std::shared_ptr<CudaDevice> device_;
  std::vector<std::unique_ptr<LayerSums>> layers_;
  Event added_;  // all batches so far
};

}  // namespace

std::unique_ptr<PatchSums> make_cuda_patch_sums(std::shared_ptr<CudaDevice> device) {
  return std::make_unique<CudaPatchSums>(std::move(device));
}

}  // namespace qcal
