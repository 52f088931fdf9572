// What bias correction found for one layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qcal {

struct BiasCorrection {
  std::string layer;
  std::string layer_type;
  std::string weights;
  std::string bias;  // "" where the layer has none
  bool kept = false;
  std::string reason;  // why not, where it is not kept
  std::int64_t samples = 0;
  std::int64_t held_back = 0;  // of these
  // Root mean square over the channels of the mean output error on the held-back samples, and what the
  // correction found on the others leaves of it.
  double error_before = 0.0;
  double error_after = 0.0;
  // Per output channel, from all samples: what is added to the float bias, and the bias that results (0 and
  // the correction where there was none). Empty where the layer could not be looked at.
  std::vector<double> added;
  std::vector<float> corrected;
  bool operator==(const BiasCorrection&) const = default;
};

}  // namespace qcal
