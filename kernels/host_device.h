// Marks functions that the CPU and CUDA back ends share; vanishes where no CUDA compiler reads the header.
#pragma once

// Before a QCAL_HOST_DEVICE template that is only ever called with functions of the side that it runs on.
#if defined(__CUDACC__)
#define QCAL_HOST_DEVICE __host__ __device__
#define QCAL_EITHER_SIDE _Pragma("nv_exec_check_disable")
#else
#define QCAL_HOST_DEVICE
#define QCAL_EITHER_SIDE
#endif
