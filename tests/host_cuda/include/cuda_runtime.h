// Stands in for the CUDA toolkit's header of this name where tests compile CUDA sources as plain C++: the
// language extensions, built-in functions and the part of the runtime API that qcal uses. See ../host_cuda.h.
#pragma once

#include <cmath>

#define QCAL_HOST_CUDA 1

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
#define __shared__ _Pragma("GCC error \"use QCAL_SHARED_ARRAY or QCAL_DYNAMIC_SHARED instead of __shared__\"")

#include "host_cuda/atomics.h"
#include "host_cuda/execution.h"
#include "host_cuda/intrinsics.h"
#include "host_cuda/runtime_api.h"
#include "host_cuda/vector_types.h"
#include "host_cuda/warp.h"
