// A device stream, without the device's headers.
#pragma once

namespace qcal {

// Null means the back end's own stream; the CPU back end has none and ignores it.
struct Stream {
  void* handle = nullptr;  // cudaStream_t
};

}  // namespace qcal
