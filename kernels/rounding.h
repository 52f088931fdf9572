// The four round modes, by what they do with a value exactly half-way between two integers.
#pragma once

namespace qcal {

enum class Rounding {
  half_even,  // to the even neighbour (IEEE, ONNX)
  half_up,    // toward +infinity (DPU activations)
  half_down,  // toward zero
  std_round,  // away from zero (C's round)
};

}  // namespace qcal
