// Marks functions that the CPU and CUDA back ends share; vanishes where no CUDA compiler reads the header.
#pragma once

#if defined(__CUDACC__)
#define QCAL_HOST_DEVICE __host__ __device__
#else
#define QCAL_HOST_DEVICE
#endif
