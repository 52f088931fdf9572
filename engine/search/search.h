// From the statistics of one tensor (or channel) to its scale and zero point.
#pragma once

#include <optional>
#include <string>

#include "engine/search/preset.h"
#include "engine/search/search_settings.h"
#include "kernels/collector.h"

namespace qcal {

// What collectors must gather for these settings. `accumulated`: over all batches rather than one.
Binning binning_for(const SearchSettings& settings, const Preset& preset, bool accumulated);
CandidateRule candidates_for(const SearchSettings& settings, const Preset& preset, bool accumulated);

// The choice for one channel. `candidate_index` selects among channel.errors (which belong to the settings'
// own CandidateSpec). Throws InvalidArgument where the data and the settings contradict each other (unsigned
// symmetric with negative values; degenerate data where the preset says that the peer fails); the caller adds
// the tensor's name.
ScaleChoice search_scale(const ChannelSummary& channel, std::size_t candidate_index,
                         const SearchSettings& settings, const Preset& preset);

// The five-step candidates' description for a collector.
CandidateSpec candidate_spec(const SearchSettings& settings, const Preset& preset, bool accumulated);

// One choice from the choices of many batches, in batch order (at least one).
ScaleChoice over_batches(const std::vector<ScaleChoice>& batches, BatchStatistic statistic,
                         const SearchSettings& settings, const Preset& preset);

// -log2(scale), rounded down where a statistic over power-of-two scales (vai_q_pytorch's mean) is none
// itself.
int fix_pos_of(double scale);

}  // namespace qcal
