// The exceptions that qcal throws. Messages give the condition and the values; the library never prints or
// exits.
#pragma once

#include <stdexcept>
#include <string>

namespace qcal {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A value that a caller passed breaks a documented rule.
class InvalidArgument : public Error {
 public:
  using Error::Error;
};

// A call of the CUDA runtime, or a kernel, failed.
class CudaError : public Error {
 public:
  using Error::Error;
};

}  // namespace qcal
