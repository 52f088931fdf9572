#pragma once

#include <string_view>

namespace host_cuda {

// Which flavour of the emulation a program is linked to: plain, asan or race.
std::string_view flavour();

}  // namespace host_cuda
