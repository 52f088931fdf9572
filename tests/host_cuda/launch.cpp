// Kernel launches: checks as the runtime makes them, then, at its turn, the grid block by block.
#include <algorithm>
#include <cstdio>
#include <numeric>

#include "tests/host_cuda/block.h"
#include "tests/host_cuda/device.h"
#include "tests/host_cuda/fault.h"
#include "tests/host_cuda/shared_memory.h"

namespace host_cuda {

uint3 current_block{};
dim3 block_extent;
dim3 grid_extent;

namespace {

struct Launch {
  KernelCall call;
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes;
  std::size_t shared_limit;  // dynamic and static
};

std::uint64_t volume(dim3 extent) {
  return std::uint64_t{extent.x} * extent.y * extent.z;
}

bool is_valid(dim3 grid, dim3 block) {
  constexpr unsigned max_grid_x = 0x7fffffff;
  constexpr unsigned max_grid_yz = 65535;
  constexpr unsigned max_block_z = 64;
  return volume(grid) > 0 && grid.x <= max_grid_x && grid.y <= max_grid_yz && grid.z <= max_grid_yz &&
         volume(block) > 0 && volume(block) <= max_threads && block.z <= max_block_z;
}

void run_block(const Launch& launch, std::uint64_t number, const Schedule& schedule, Random& random) {
  current_block.x = static_cast<unsigned>(number % launch.grid.x);
  current_block.y = static_cast<unsigned>(number / launch.grid.x % launch.grid.y);
  current_block.z = static_cast<unsigned>(number / launch.grid.x / launch.grid.y);
  shared_memory.start_block();
  if (checker() != nullptr) checker()->block_started(number);
  block_runner.run(launch.call, static_cast<unsigned>(volume(launch.block)), schedule, random);
}

void run_grid(const Launch& launch, const Options& options, Random& random) {
  grid_extent = launch.grid;
  block_extent = launch.block;
  std::vector<std::uint64_t> order(volume(launch.grid));
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  if (options.seed != 0) random.shuffle(order);
  const Schedule schedule{options.seed, options.preempt_one_in};
  if (checker() != nullptr) checker()->launch_started();
  for (const std::uint64_t number : order) run_block(launch, number, schedule, random);
}

void run(const Launch& launch, Device& device) {
  try {
    shared_memory.start_launch(launch.shared_bytes, launch.shared_limit);
    run_grid(launch, device.options, device.random);
  } catch (const Fault& found) {
    device.fault = found.what();
    std::fprintf(stderr, "host_cuda: %s\n", found.what());
  }
  shared_memory.end_launch();
}

}  // namespace

void enqueue_launch(const KernelCall& call, dim3 grid, dim3 block, std::size_t shared_bytes,
                    cudaStream_t stream) {
  runtime_call([&](Device& device, Lock&) {
    const std::shared_ptr<Queue> queue = device.queue_of(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (!is_valid(grid, block)) return cudaErrorInvalidConfiguration;
    const auto opted_in = device.shared_opt_in.find(call.function);
    const bool more = opted_in != device.shared_opt_in.end() && opted_in->second >= shared_bytes;
    if (shared_bytes > shared_bytes_per_block && !more) return cudaErrorInvalidValue;
    device.launched.insert(call.function);
    ++device.counters.launches;
    const Launch launch{call, grid, block, shared_bytes, more ? shared_bytes_opt_in : shared_bytes_per_block};
    device.enqueue(queue, {.run = [launch, &device] { run(launch, device); }, .after = {}});
    return cudaSuccess;
  });
}

}  // namespace host_cuda
