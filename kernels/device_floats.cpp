#include "kernels/device_floats.h"

#include <cuda_runtime.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "kernels/cuda_support/check.h"
#include "kernels/cuda_support/resources.h"
#include "kernels/cuda_support/staging.h"

namespace qcal {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{8} << 20;
constexpr int buffers_up = 3;
constexpr std::size_t copied_at_once = std::size_t{64} << 10;  // floats
constexpr cudaStream_t default_stream = nullptr;

// One thread copies slower than the link to the device.
void copy_by_all_threads(const float* from, std::span<float> to) {
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, to.size(), copied_at_once), [&](const auto& part) {
    std::memcpy(to.data() + part.begin(), from + part.begin(), part.size() * sizeof(float));
  });
}

}  // namespace

struct HostLink::Buffers {
  struct Down {
    PinnedBuffer memory;
    Event filled;
  };

  StagingRing up{buffers_up, buffer_bytes};
  std::array<Down, 2> down;
};

HostLink::HostLink() : buffers_(std::make_unique<Buffers>()) {
  for (auto& buffer : buffers_->down) buffer.memory.reserve(buffer_bytes);
}

HostLink::~HostLink() = default;

void HostLink::upload(std::span<const float> values, float* to) {
  const TensorView view{
      values.data(), DType::f32, {static_cast<std::int64_t>(values.size())}, Memory::host, {}};
  buffers_->up.upload(view, DType::f32, reinterpret_cast<std::byte*>(to), default_stream);
}

void HostLink::download(const float* from, std::span<float> values) {
  constexpr std::size_t most = buffer_bytes / sizeof(float);
  const auto piece = [&](std::size_t number) {
    const std::span<float> rest = values.subspan(std::min(values.size(), number * most));
    return rest.first(std::min(rest.size(), most));
  };
  const auto begin = [&](std::size_t number) {
    const std::span<float> to = piece(number);
    if (to.empty()) return;
    Buffers::Down& buffer = buffers_->down[number % 2];
    check_cuda(cudaMemcpyAsync(buffer.memory.data(), from + number * most, to.size_bytes(),
                               cudaMemcpyDeviceToHost, default_stream),
               "copying from the device");
    buffer.filled.record(default_stream);
  };
  begin(0);
  for (std::size_t number = 0; !piece(number).empty(); ++number) {
    begin(number + 1);
    Buffers::Down& buffer = buffers_->down[number % 2];
    buffer.filled.wait();
    copy_by_all_threads(reinterpret_cast<const float*>(buffer.memory.data()), piece(number));
  }
}

DeviceFloats::DeviceFloats(std::size_t count) : count_(count) {
  if (count == 0) return;
  void* memory = nullptr;
  check_cuda(cudaMalloc(&memory, count * sizeof(float)),
             "allocating " + std::to_string(count * sizeof(float)) + " bytes of device memory");
  data_ = static_cast<float*>(memory);
}

DeviceFloats::~DeviceFloats() {
  cudaFree(data_);
}

}  // namespace qcal
