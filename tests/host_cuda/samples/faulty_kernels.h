// Kernels that each break one rule, and their correct twins.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <vector>

namespace qcal::samples {

inline constexpr unsigned faulty_threads = 128;  // and elements of in and of out

struct FaultyKernel {
  using Kernel = void (*)(const unsigned* in, unsigned* out);

  std::string name;
  Kernel faulty;
  Kernel correct;
  unsigned blocks = 1;
  unsigned threads = faulty_threads;
  std::size_t shared_bytes = 0;
};

const std::vector<FaultyKernel>& faulty_kernels();

// Launches one of them on the default stream.
void launch_faulty(const FaultyKernel& kernel, bool faulty, const unsigned* in, unsigned* out);

}  // namespace qcal::samples
