// What becomes of a batch that holds NaN or infinities.
#pragma once

namespace qcal {

enum class NonFinite {
  reject,  // leave the batch out and report it as an error
  skip,    // leave the batch out
  ignore,  // use its finite values
};

}  // namespace qcal
