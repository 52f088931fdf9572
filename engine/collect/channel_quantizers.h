// The quantizers of a tensor's channels, as its parameters say.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "config/settings.h"
#include "engine/export/quantization_parameters.h"
#include "engine/graph/graph.h"
#include "kernels/quantize_math.h"

namespace qcal {

// Element i (C order) takes entry i / run % quantizers.size().
struct ChannelQuantizers {
  std::vector<ElementQuantizer>
      quantizers;       // one, or one a channel; they differ in scale and zero point only
  std::size_t run = 1;  // elements that follow each other in one channel

  std::size_t channel_of(std::size_t element) const { return element / run % quantizers.size(); }
  // Visits the elements [0, count) in runs of one channel: visit(begin, end, channel).
  template <class Visit>
  void for_each_run(std::size_t count, const Visit& visit) const {
    const std::size_t length = quantizers.size() == 1 ? count : run;
    std::size_t channel = 0;
    for (std::size_t begin = 0; begin < count; begin += length) {
      visit(begin, std::min(count, begin + length), channel);
      if (++channel == quantizers.size()) channel = 0;
    }
  }
};

// `parameters` are those of a tensor of that shape, with scales.
ChannelQuantizers channel_quantizers(const Shape& shape, const TensorParameters& parameters,
                                     Compatibility compatibility);

}  // namespace qcal
