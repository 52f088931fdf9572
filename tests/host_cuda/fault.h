// How a kernel that breaks a rule ends.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace host_cuda {

class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Ends the running launch: thrown on the host's stack by the launch that runs the calling CUDA thread.
[[noreturn]] void fault(const std::string& what);

// "file.cu:12"
std::string text(const std::source_location& where);
// "0x0000ffff"
std::string hexadecimal(unsigned mask);

}  // namespace host_cuda
