// The part of a tensor's values that quantization keeps: what a histogram search finds.
#pragma once

namespace qcal {

// Values below low and above high are clipped. Symmetric: low = -high.
struct ClipRange {
  double low = 0.0;
  double high = 0.0;
};

}  // namespace qcal
