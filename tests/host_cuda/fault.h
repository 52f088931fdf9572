// What a launch throws on the host's stack where its kernel breaks a rule, and the words for it.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace host_cuda {

class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "file.cu:12"
std::string text(const std::source_location& where);
// "0x0000ffff"
std::string hexadecimal(unsigned mask);

}  // namespace host_cuda
