// A layer's result that is left in float, because quantizing it costs too much.
#pragma once

#include <string>

namespace qcal {

struct CostlyOutput {
  std::string tensor;
  std::string layer;             // node that owns it
  double sqnr = 0.0;             // dB that quantizing it would leave
  double min_output_sqnr = 0.0;  // that were asked for
};

}  // namespace qcal
