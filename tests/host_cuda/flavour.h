// Which flavour of the emulation a test is linked to.
#pragma once

#include <string_view>

namespace host_cuda {

inline constexpr std::string_view flavour = QCAL_HOST_CUDA_FLAVOUR;

}  // namespace host_cuda
