// Small kernels in the manner of the project's own: what the emulation is tested with.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace qcal::samples {

inline constexpr int histogram_bins = 64;

// *sum += the sum of values[0, count); values are aligned to 4 bytes, and read 16 bytes at a time. Device
// memory.
void add_values(const unsigned* values, std::size_t count, unsigned long long* sum, int blocks,
                cudaStream_t stream);

// histogram[b] += how many of values[0, count) are b modulo histogram_bins.
void add_histogram(const unsigned* values, std::size_t count, unsigned* histogram, int blocks,
                   cudaStream_t stream);

// *result = the largest of values[0, count), count > 0. partial has room for `blocks`, and *arrived is 0
// before and after.
void find_largest(const unsigned* values, std::size_t count, unsigned* partial, unsigned* arrived,
                  unsigned* result, int blocks, cudaStream_t stream);

}  // namespace qcal::samples
