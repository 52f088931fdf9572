// The engine's own exceptions. tools/ maps ConfigError, InputError and InvalidArgument to exit code 2, the
// rest to 1.
#pragma once

#include "kernels/error.h"

namespace qcal {

// A configuration that cannot be used; the message lists every problem, one a line.
class ConfigError : public Error {
 public:
  using Error::Error;
};

// A file that the user gave cannot be used: missing, truncated, malformed, or it disagrees with another one.
// The message names the file (and tensor) first.
class InputError : public Error {
 public:
  using Error::Error;
};

// The operating system refused to read or write: full disk, permission, a file that shrank while it was read.
class IoError : public Error {
 public:
  using Error::Error;
};

}  // namespace qcal
