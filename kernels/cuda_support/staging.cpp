#include "kernels/cuda_support/staging.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/channel_reader.h"
#include "kernels/cuda_support/check.h"
#include "kernels/error.h"

namespace qcal {
namespace {

constexpr std::size_t least_bytes = 64 * 1024;
constexpr std::int64_t copied_at_once = 64 * 1024;  // elements

bool is_gapless(const TensorView& view) {
  const ChannelLayout layout = channel_layout(view, std::nullopt);
  return layout.dimensions.size() == 1 && (layout.dimensions.front().stride == 1 || layout.elements <= 1);
}

}  // namespace

DType staged_dtype(const TensorView& view) {
  return view.dtype != DType::f64 && is_gapless(view) ? view.dtype : DType::f32;
}

StagingRing::StagingRing(int buffers, std::size_t bytes) {
  for (buffer_bytes_ = bytes;; buffer_bytes_ = std::max(buffer_bytes_ / 2, least_bytes)) {
    try {
      buffers_.clear();
      for (int i = 0; i < buffers; ++i) {
        buffers_.push_back(std::make_unique<Buffer>());
        buffers_.back()->memory.reserve(buffer_bytes_);
      }
      // Where memory is short, results need some too.
      if (buffer_bytes_ < bytes && buffers_.size() > 1) buffers_.pop_back();
      return;
    } catch (const CudaError&) {
      if (buffer_bytes_ <= least_bytes) throw;
    }
  }
}

void StagingRing::upload(const TensorView& view, DType as, std::byte* to, cudaStream_t stream) {
  const std::size_t element = size_of(as);
  const auto a_buffer = static_cast<std::int64_t>(buffer_bytes_ / element);
  const bool as_it_is = as == view.dtype && is_gapless(view);
  const ChannelReader reader(view, std::nullopt);
  for (std::int64_t at = 0; at < reader.elements(); at += a_buffer) {
    Buffer& buffer = *buffers_[next_];
    next_ = (next_ + 1) % buffers_.size();
    buffer.copied.wait();
    const std::int64_t count = std::min(a_buffer, reader.elements() - at);
    const std::size_t bytes = static_cast<std::size_t>(count) * element;
    const std::size_t offset = static_cast<std::size_t>(at) * element;
    // One thread copies slower than the link to the device.
    tbb::parallel_for(tbb::blocked_range<std::int64_t>(0, count, copied_at_once), [&](const auto& part) {
      const std::size_t skipped = static_cast<std::size_t>(part.begin()) * element;
      const std::int64_t size = part.end() - part.begin();
      std::byte* const into = buffer.memory.data() + skipped;
      const void* from = static_cast<const std::byte*>(view.data) + offset + skipped;
      if (!as_it_is) from = reader.read(0, at + part.begin(), size, reinterpret_cast<float*>(into)).data();
      if (from != into) std::memcpy(into, from, static_cast<std::size_t>(size) * element);
    });
    check_cuda(cudaMemcpyAsync(to + offset, buffer.memory.data(), bytes, cudaMemcpyHostToDevice, stream),
               "copying " + std::to_string(bytes) + " bytes to the device");
    buffer.copied.record(stream);
  }
}

}  // namespace qcal
