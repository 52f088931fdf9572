#include "bench/cuda_place.h"

#include <fmt/format.h>

#include "bench/clock.h"
#include "bench/cuda_places.h"
#include "kernels/cuda_support/check.h"
#include "tests/support/device_tensor.h"

namespace qcal::bench {
namespace {

constexpr std::size_t copied_bytes = std::size_t{256} << 20;

// A point in a stream's work that has a time.
class TimedEvent {
 public:
  TimedEvent() { check_cuda(cudaEventCreate(&event_), "creating an event"); }
  TimedEvent(const TimedEvent&) = delete;
  TimedEvent& operator=(const TimedEvent&) = delete;
  ~TimedEvent() { cudaEventDestroy(event_); }

  void record(cudaStream_t stream) { check_cuda(cudaEventRecord(event_, stream), "recording an event"); }
  double seconds_since(const TimedEvent& earlier) const {
    check_cuda(cudaEventSynchronize(event_), "waiting for what is timed");
    float milliseconds = 0.0f;
    check_cuda(cudaEventElapsedTime(&milliseconds, earlier.event_, event_), "reading the device's clock");
    return static_cast<double>(milliseconds) * 1e-3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

// As large as twice the cache: clearing it leaves nothing else in there.
std::size_t flushing_bytes() {
  int device = 0;
  int cache = 0;
  check_cuda(cudaGetDevice(&device), "asking for the current device");
  check_cuda(cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, device), "asking for the cache's size");
  return 2 * static_cast<std::size_t>(cache);
}

// Host tensors: the collector sends them.
class CudaFromHostPlace final : public Place {
 public:
  std::string name() const override { return "cuda_from_host"; }
  void open() override { backend_ = Backend::cuda(); }
  const Backend& backend() const override { return *backend_; }
  std::string bandwidth_is() const override { return "a copy from pinned host memory to the device"; }
  PlacedTensor put(const TensorView& host) const override { return {host, nullptr}; }

  double measured_bandwidth() const override {
    PinnedBuffer from;
    DeviceBuffer to;
    from.reserve(copied_bytes);
    to.reserve(copied_bytes);
    const Work copy{[&](Stream) {
      check_cuda(cudaMemcpy(to.data(), from.data(), copied_bytes, cudaMemcpyHostToDevice), "copying");
    }};
    return static_cast<double>(copied_bytes) / fastest([&] { return seconds_of(copy); });
  }

  double seconds_of(const Work& work) const override {
    return wall_seconds([&] {
      work.enqueue({});
      work.finish();
    });
  }

 private:
  std::shared_ptr<const Backend> backend_;
};

}  // namespace

struct CudaPlace::Opened {
  Opened() : device(CudaLimits{}) { flushed.reserve(flushing_bytes()); }

  CudaDevice device;
  DeviceBuffer flushed;
  TimedEvent begin;
  TimedEvent end;
};

CudaPlace::~CudaPlace() = default;

void CudaPlace::open() {
  backend_ = Backend::cuda();
  opened_ = std::make_unique<Opened>();
}

double CudaPlace::measured_bandwidth() const {
  DeviceBuffer from;
  DeviceBuffer to;
  from.reserve(copied_bytes);
  to.reserve(copied_bytes);
  const Work copy{[&](Stream stream) {
    check_cuda(cudaMemcpyAsync(to.data(), from.data(), copied_bytes, cudaMemcpyDeviceToDevice,
                               static_cast<cudaStream_t>(stream.handle)),
               "copying");
  }};
  return static_cast<double>(2 * copied_bytes) / fastest([&] { return seconds_of(copy); });
}

PlacedTensor CudaPlace::put(const TensorView& host) const {
  const auto tensor = std::make_shared<const testing::DeviceTensor>(host, 0);
  check_cuda(cudaDeviceSynchronize(), "waiting for a copy");  // which the kernels' stream would not
  return {tensor->view(), tensor};
}

double CudaPlace::seconds_of(const Work& work) const {
  cudaStream_t stream = opened_->device.compute_stream();
  check_cuda(cudaMemsetAsync(opened_->flushed.data(), 0, opened_->flushed.bytes(), stream),
             "flushing the cache");
  opened_->begin.record(stream);
  work.enqueue({stream});
  opened_->end.record(stream);
  const double seconds = opened_->end.seconds_since(opened_->begin);
  work.finish();
  return seconds;
}

KernelContext CudaPlace::context() const {
  return opened_->device.context(opened_->device.compute_stream(), "a tensor of quant_bench");
}

std::vector<std::shared_ptr<Place>> cuda_places() {
  return {std::make_shared<CudaPlace>(), std::make_shared<CudaFromHostPlace>()};
}

}  // namespace qcal::bench
