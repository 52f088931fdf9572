#include "kernels/cuda_collector.h"

#include <exception>

#include "kernels/batch_results.h"
#include "kernels/channel_layout.h"
#include "kernels/cuda_support/check.h"
#include "kernels/device_batch.h"
#include "kernels/gathering.h"
#include "kernels/histogram_cuda.h"
#include "kernels/moments_cuda.h"
#include "kernels/raw_histogram_cuda.h"
#include "kernels/scale_error_cuda.h"
#include "kernels/statistics_cuda.h"
#include "kernels/vitis_histogram.h"

namespace qcal {
namespace {

// What finished batches are added to, by a thread of the CUDA runtime.
struct Gathered {
  explicit Gathered(const CollectSpec& spec) : gathering(spec) {}

  std::mutex mutex;
  Gathering gathering;
  std::exception_ptr failure;
};

// A batch's results, on the host.
struct FinishedBatch {
  std::shared_ptr<Gathered> gathered;
  BatchResults layout;
  const std::byte* results;
};

void gather(void* finished) {
  const std::unique_ptr<FinishedBatch> batch(static_cast<FinishedBatch*>(finished));
  const std::lock_guard lock(batch->gathered->mutex);
  try {
    Gathering& gathering = batch->gathered->gathering;
    if (gathering.enter(batch->layout.ranges_in(batch->results))) {
      gathering.add(batch->layout.summaries_in(batch->results));
    }
  } catch (...) {
    batch->gathered->failure = std::current_exception();
  }
}

BinRule rule_of(Binning binning) {
  return is_dyadic(binning) ? BinRule::dyadic : BinRule::linear;
}

// One batch of one collector, in a slot.
class BatchWork {
 public:
  BatchWork(const CollectSpec& spec, CudaDevice& device, BatchSlot& slot, const KernelContext& context,
            const TensorParts& parts)
      : spec_(spec),
        slot_(slot),
        context_(context),
        batch_(device, slot, context, parts, spec.channel_axis),
        by_patterns_(context.shared_bytes >= BatchResults::patterns_need_shared_bytes &&
                     reads_patterns(spec, batch_)),
        layout_(spec, batch_.channels(), batch_.elements(), batch_.most_chunks(), by_patterns_) {
    if (layout_.bytes() > slot.work.bytes() || layout_.result_bytes() > slot.results.bytes()) {
      slot.drained.wait();  // growing drops the last batch's
      slot.work.reserve(layout_.bytes());
      slot.results.reserve(layout_.result_bytes());
    }
    check_cuda(cudaMemsetAsync(memory(), 0, layout_.zeroed_bytes(), context.stream), "clearing results");
  }

  const BatchResults& layout() const { return layout_; }

  void run() {
    if (by_patterns_) return run_by_patterns();
    batch_.for_each([&](const DevicePiece& piece) { gather_statistics(piece); });
    const bool counts = is_planned(spec_.binning);
    if (!counts && spec_.candidates.empty()) return;
    plan();
    batch_.for_each([&](const DevicePiece& piece) {
      if (counts) {
        count_bins(context_, piece.rows, layout_.plans(memory()) + piece.first_channel, histogram_bins,
                   layout_.counts(memory()) + piece.first_channel * histogram_bins);
      }
      for (std::size_t set = 0; set < spec_.candidates.size(); ++set) add_candidates(piece, set);
    });
  }

  // Of one channel, with bins that the host has chosen; waits for the device.
  void count_channel(std::int64_t channel, const LinearBins& grid, std::uint64_t* counts) {
    const auto bins = static_cast<std::size_t>(grid.bins);
    BinPlan plan;
    plan.grid = grid;
    plan.bins = static_cast<int>(bins);
    wide_counts_.reserve(bins * sizeof(std::uint64_t));
    check_cuda(
        cudaMemcpyAsync(layout_.plans(memory()), &plan, sizeof plan, cudaMemcpyHostToDevice, context_.stream),
        "copying bins to the device");
    check_cuda(cudaMemsetAsync(wide_counts_.data(), 0, bins * sizeof(std::uint64_t), context_.stream),
               "clearing counts");
    batch_.for_each([&](const DevicePiece& piece) {
      const std::int64_t within = channel - piece.first_channel;
      if (within < 0 || within >= piece.rows.channels) return;
      DeviceRows rows = piece.rows;
      rows.data = static_cast<const std::byte*>(rows.data) +
                  within * rows.channel_stride * static_cast<std::int64_t>(size_of(rows.dtype));
      rows.channels = 1;
      count_bins(context_, rows, layout_.plans(memory()), static_cast<std::int64_t>(bins),
                 reinterpret_cast<std::uint64_t*>(wide_counts_.data()));
    });
    check_cuda(cudaMemcpyAsync(counts, wide_counts_.data(), bins * sizeof(std::uint64_t),
                               cudaMemcpyDeviceToHost, context_.stream),
               "copying counts to the host");
    check_cuda(cudaStreamSynchronize(context_.stream), "counting values of " + context_.subject);
  }

 private:
  // Of a 16-bit tensor the counts of bit patterns say everything, from one read.
  static bool reads_patterns(const CollectSpec& spec, const DeviceBatch& batch) {
    return is_planned(spec.binning) && spec.candidates.empty() && !spec.moments && !spec.channel_axis &&
           batch.whole() && batch.whole()->dtype != DType::f32 &&
           batch.elements() >= BatchResults::patterns_pay_from;
  }

  void run_by_patterns() {
    const DeviceRows& rows = *batch_.whole();
    const std::uint64_t* patterns = layout_.patterns(memory());
    count_patterns(context_, rows, layout_.patterns(memory()));
    range_of_patterns(context_, patterns, rows.dtype, layout_.ranges(memory()));
    plan();
    bins_of_patterns(context_, patterns, rows.dtype, layout_.plans(memory()), layout_.counts(memory()));
  }

  std::byte* memory() const { return slot_.work.data(); }

  void plan() {
    const std::int64_t channels = layout_.channels();
    if (is_planned(spec_.binning)) {
      plan_bins(context_, layout_.ranges(memory()), channels, layout_.elements(), rule_of(spec_.binning),
                counted_by(spec_.binning), layout_.plans(memory()));
    }
    for (std::size_t set = 0; set < spec_.candidates.size(); ++set) {
      plan_errors(context_, spec_.candidates[set], layout_.ranges(memory()), channels, layout_.elements(),
                  layout_.specs(memory(), set));
    }
  }

  void gather_statistics(const DevicePiece& piece) {
    DeviceRange* const ranges = layout_.ranges(memory()) + piece.first_channel;
    if (!spec_.moments) return gather_ranges(context_, piece.rows, ranges);
    gather_moments(context_, piece.rows, piece.place,
                   layout_.moment_sums(memory()).from(piece.first_channel, moment_terms), ranges,
                   layout_.moments(memory()) + piece.first_channel);
  }

  void add_candidates(const DevicePiece& piece, std::size_t set) {
    add_errors(context_, piece.rows, piece.place, layout_.specs(memory(), set) + piece.first_channel,
               layout_.error_sums(memory(), set).from(piece.first_channel, diffs_candidates),
               layout_.errors(memory(), set) + piece.first_channel);
  }

  const CollectSpec& spec_;
  BatchSlot& slot_;
  const KernelContext& context_;
  DeviceBatch batch_;
  bool by_patterns_;
  BatchResults layout_;
  DeviceBuffer wide_counts_;
};

class CudaCollector final : public Collector {
 public:
  CudaCollector(const CollectSpec& spec, std::shared_ptr<CudaDevice> device)
      : spec_(spec), device_(std::move(device)), gathered_(std::make_shared<Gathered>(spec)) {}

  void collect(const TensorParts& parts, Stream stream) override {
    expect_channels(parts.shape());
    const auto lock = device_->lock();
    BatchSlot& slot = device_->next_slot();
    const KernelContext context = device_->context(parts, stream);
    slot.drained.hold(context.stream);
    try {
      BatchWork work(spec_, *device_, slot, context, parts);
      work.run();
      slot.computed.record(context.stream);
      if (spec_.binning == Binning::vitis) {
        gather_vitis(work, slot, context.stream);
      } else {
        drain(work.layout(), slot);
      }
    } catch (...) {
      cudaDeviceSynchronize();  // what was enqueued must not reach into the slot's next batch
      throw;
    }
    last_ = &slot;
  }

  std::vector<Summary> take_all(Wait wait) override {
    if (wait == Wait::yes && last_ != nullptr) {
      const auto lock = device_->lock();
      last_->drained.wait();
    }
    const std::lock_guard lock(gathered_->mutex);
    if (gathered_->failure) std::rethrow_exception(gathered_->failure);
    return gathered_->gathering.take();
  }

  void resume(Summary earlier) override {
    const std::lock_guard lock(gathered_->mutex);
    gathered_->gathering.resume(std::move(earlier));
  }

 private:
  void expect_channels(const std::vector<std::int64_t>& shape) {
    std::int64_t channels = 1;
    if (spec_.channel_axis) {
      const int axis = checked_channel_axis(*spec_.channel_axis, static_cast<int>(shape.size()));
      channels = shape[static_cast<std::size_t>(axis)];
    }
    const std::lock_guard lock(gathered_->mutex);
    gathered_->gathering.expect_channels(static_cast<std::size_t>(channels));
  }

  // Results go to the host on a stream of their own, so that the next batch need not wait for the callback.
  void drain(const BatchResults& layout, BatchSlot& slot) {
    cudaStream_t stream = device_->drain_stream();
    slot.computed.hold(stream);
    check_cuda(cudaMemcpyAsync(slot.results.data(), slot.work.data(), layout.result_bytes(),
                               cudaMemcpyDeviceToHost, stream),
               "copying results to the host");
    auto finished = std::make_unique<FinishedBatch>(FinishedBatch{gathered_, layout, slot.results.data()});
    check_cuda(cudaLaunchHostFunc(stream, gather, finished.get()), "asking for a callback");
    finished.release();  // gather() has it now
    slot.drained.record(stream);
  }

  // vai_q_pytorch's bins follow from this batch's range and all batches before: the host chooses them.
  void gather_vitis(BatchWork& work, BatchSlot& slot, cudaStream_t stream) {
    check_cuda(cudaMemcpyAsync(slot.results.data(), slot.work.data(), work.layout().result_bytes(),
                               cudaMemcpyDeviceToHost, stream),
               "copying results to the host");
    slot.drained.record(stream);
    slot.drained.wait();
    const std::lock_guard lock(gathered_->mutex);
    Gathering& gathering = gathered_->gathering;
    if (!gathering.enter(work.layout().ranges_in(slot.results.data()))) return;
    std::vector<ChannelSummary> summaries = work.layout().summaries_in(slot.results.data());
    for (std::size_t channel = 0; channel < summaries.size(); ++channel) {
      ChannelSummary& summary = summaries[channel];
      summary.histogram = vitis_accumulate(
          gathering.histogram(channel), summary.range, [&](const LinearBins& grid, std::uint64_t* counts) {
            work.count_channel(static_cast<std::int64_t>(channel), grid, counts);
          });
    }
    gathering.add(std::move(summaries));
  }

  CollectSpec spec_;
  std::shared_ptr<CudaDevice> device_;
  std::shared_ptr<Gathered> gathered_;
  BatchSlot* last_ = nullptr;  // of the latest batch
};

}  // namespace

std::unique_ptr<Collector> make_cuda_collector(const CollectSpec& spec, std::shared_ptr<CudaDevice> device) {
  return std::make_unique<CudaCollector>(spec, std::move(device));
}

}  // namespace qcal
