// The squared errors of candidates of which only the cheapest matters.
#pragma once

#include <cstdint>

#include "kernels/channel_reader.h"
#include "kernels/scale_error_math.h"

namespace qcal {

// weighted_errors() of all that `reader` has of `channel`. Those of candidates that cannot be the cheapest
// are infinite: the data are read to their end for the one that leads after a sixteenth of them, and for the
// others only until they cost more, which a scale that clips does soon. Parallel like ChannelSums. Cost: half
// of what all candidates take where the others clip, more than that where all of them cost the same.
CandidateErrors cheapest_errors(const ChannelReader& reader, std::int64_t channel, const ErrorSpec& spec);

}  // namespace qcal
