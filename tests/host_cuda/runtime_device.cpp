// The runtime API's questions about the device, and its error texts. The device has few multiprocessors, so
// that persistent grids stay small, and an H100's limits on shared memory.
#include <cstdio>
#include <map>

#include "tests/host_cuda/block.h"
#include "tests/host_cuda/device.h"
#include "tests/host_cuda/shared_memory.h"

using host_cuda::Device;
using host_cuda::Lock;
using host_cuda::runtime_call;

namespace {

constexpr int multiprocessors = 4;
constexpr int threads_per_multiprocessor = 2048;
constexpr int l2_bytes = 4 << 20;
constexpr int compute_major = 9;
constexpr int compute_minor = 0;
constexpr int version = 13000;

const std::map<cudaDeviceAttr, int>& attributes() {
  static const std::map<cudaDeviceAttr, int> values = {
      {cudaDevAttrMaxThreadsPerBlock, static_cast<int>(host_cuda::max_threads)},
      {cudaDevAttrMaxSharedMemoryPerBlock, static_cast<int>(host_cuda::shared_bytes_per_block)},
      {cudaDevAttrWarpSize, static_cast<int>(host_cuda::warp_lanes)},
      {cudaDevAttrMultiProcessorCount, multiprocessors},
      {cudaDevAttrL2CacheSize, l2_bytes},
      {cudaDevAttrMaxThreadsPerMultiProcessor, threads_per_multiprocessor},
      {cudaDevAttrComputeCapabilityMajor, compute_major},
      {cudaDevAttrComputeCapabilityMinor, compute_minor},
      {cudaDevAttrMaxSharedMemoryPerMultiprocessor, static_cast<int>(host_cuda::shared_bytes_opt_in + 1024)},
      {cudaDevAttrMaxSharedMemoryPerBlockOptin, static_cast<int>(host_cuda::shared_bytes_opt_in)},
  };
  return values;
}

struct ErrorText {
  const char* name;
  const char* text;
};

const std::map<cudaError_t, ErrorText>& error_texts() {
  static const std::map<cudaError_t, ErrorText> texts = {
      {cudaSuccess, {"cudaSuccess", "no error"}},
      {cudaErrorInvalidValue, {"cudaErrorInvalidValue", "invalid argument"}},
      {cudaErrorMemoryAllocation, {"cudaErrorMemoryAllocation", "out of memory"}},
      {cudaErrorInitializationError, {"cudaErrorInitializationError", "initialization error"}},
      {cudaErrorInvalidConfiguration, {"cudaErrorInvalidConfiguration", "invalid configuration argument"}},
      {cudaErrorInvalidMemcpyDirection,
       {"cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"}},
      {cudaErrorInsufficientDriver,
       {"cudaErrorInsufficientDriver", "CUDA driver version is insufficient for CUDA runtime version"}},
      {cudaErrorInvalidDeviceFunction, {"cudaErrorInvalidDeviceFunction", "invalid device function"}},
      {cudaErrorNoDevice, {"cudaErrorNoDevice", "no CUDA-capable device is detected"}},
      {cudaErrorInvalidDevice, {"cudaErrorInvalidDevice", "invalid device ordinal"}},
      {cudaErrorInvalidResourceHandle, {"cudaErrorInvalidResourceHandle", "invalid resource handle"}},
      {cudaErrorNotReady, {"cudaErrorNotReady", "device not ready"}},
      {cudaErrorIllegalAddress, {"cudaErrorIllegalAddress", "an illegal memory access was encountered"}},
      {cudaErrorLaunchOutOfResources,
       {"cudaErrorLaunchOutOfResources", "too many resources requested for launch"}},
      {cudaErrorLaunchFailure, {"cudaErrorLaunchFailure", "unspecified launch failure"}},
      {cudaErrorNotPermitted, {"cudaErrorNotPermitted", "operation not permitted"}},
  };
  return texts;
}

ErrorText text_of(cudaError_t error) {
  const auto found = error_texts().find(error);
  return found != error_texts().end() ? found->second : ErrorText{"cudaErrorUnknown", "unknown error"};
}

}  // namespace

const char* cudaGetErrorName(cudaError_t error) {
  return text_of(error).name;
}

const char* cudaGetErrorString(cudaError_t error) {
  if (error != cudaErrorLaunchFailure) return text_of(error).text;
  thread_local std::string found;
  found = host_cuda::last_fault();
  return found.empty() ? text_of(error).text : found.c_str();
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  return runtime_call([&](Device& device, Lock&) {
    *count = device.options.device_count;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* number) {
  return runtime_call([&](Device&, Lock&) {
    *number = 0;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int number) {
  return runtime_call([&](Device& device, Lock&) {
    return number >= 0 && number < device.options.device_count ? cudaSuccess : cudaErrorInvalidDevice;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int number) {
  return runtime_call([&](Device& device, Lock&) {
    if (number < 0 || number >= device.options.device_count) return cudaErrorInvalidDevice;
    *value = attributes().at(attribute);
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int number) {
  return runtime_call([&](Device& device, Lock&) {
    if (number < 0 || number >= device.options.device_count) return cudaErrorInvalidDevice;
    *properties = {};
    std::snprintf(properties->name, sizeof properties->name, "emulated device");
    properties->totalGlobalMem = device.options.device_memory_bytes;
    properties->sharedMemPerBlock = host_cuda::shared_bytes_per_block;
    properties->sharedMemPerBlockOptin = host_cuda::shared_bytes_opt_in;
    properties->major = compute_major;
    properties->minor = compute_minor;
    properties->multiProcessorCount = multiprocessors;
    properties->maxThreadsPerMultiProcessor = threads_per_multiprocessor;
    properties->l2CacheSize = l2_bytes;
    return cudaSuccess;
  });
}

cudaError_t cudaRuntimeGetVersion(int* number) {
  *number = version;
  return cudaSuccess;
}

// As without a driver: 0 where there is no device.
cudaError_t cudaDriverGetVersion(int* number) {
  *number = host_cuda::options().device_count > 0 ? version : 0;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  return runtime_call([&](Device& device, Lock&) {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || static_cast<std::size_t>(value) > host_cuda::shared_bytes_opt_in)
      return cudaErrorInvalidValue;
    device.shared_opt_in[function] = static_cast<std::size_t>(value);
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int, std::size_t) {
  return runtime_call([&](Device&, Lock&) {
    *blocks = 2;
    return cudaSuccess;
  });
}
