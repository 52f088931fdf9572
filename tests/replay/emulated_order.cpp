#include "tests/replay/emulated_order.h"

#include <cuda_runtime.h>  // the emulated one

void finish_what_waits() {
  cudaStreamSynchronize(nullptr);
}
