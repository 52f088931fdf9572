#include "kernels/cheapest_errors.h"

#include <algorithm>
#include <limits>
#include <span>

#include "kernels/channel_blocks.h"
#include "kernels/channel_sums.h"
#include "kernels/scale_error.h"

namespace qcal {
namespace {

using Alone = ChannelSums<1>::Totals;

// Sums of what is not negative only grow. Added up in another order they may differ in their last bits, of
// which this leaves far more.
bool cannot_cost_less(double so_far, double cost) {
  return so_far * (1.0 - 1e-9) > cost;
}

}  // namespace

CandidateErrors cheapest_errors(const ChannelReader& reader, std::int64_t channel, const ErrorSpec& spec) {
  constexpr std::int64_t pieces = 16;
  const std::int64_t size = reader.elements();
  const std::int64_t segments = (size + segment_elements - 1) / segment_elements;
  const std::int64_t piece = (segments + pieces - 1) / pieces * segment_elements;
  ChannelSums<diffs_candidates> all(
      [&](std::span<const float> values, CandidateErrors* sums) { chunk_errors(values, spec, sums); });
  std::int64_t at = 0;
  const auto next_piece = [&] {
    const std::int64_t count = std::min(piece, size - at);
    all.add(reader.part(at, count), channel);
    at += count;
  };
  next_piece();
  CandidateErrors costs = weighted_errors(all.total(), spec);
  if (at == size) return costs;

  // Of what is left too, for one candidate.
  const auto finished = [&](std::size_t candidate) {
    ChannelSums<1> alone = all.alone(candidate, [&](std::span<const float> values, Alone* sums) {
      chunk_errors(values, spec, candidate, sums);
    });
    alone.add(reader.part(at, size - at), channel);
    CandidateErrors sums = {};
    sums[candidate] = alone.total()[0];
    return weighted_errors(sums, spec)[candidate];
  };
  const auto leader = static_cast<std::size_t>(std::ranges::min_element(costs) - costs.begin());
  const double least = finished(leader);
  std::vector<std::size_t> rivals;
  const auto find_rivals = [&] {
    rivals.clear();
    for (std::size_t k = 0; k < costs.size(); ++k) {
      if (k != leader && !cannot_cost_less(costs[k], least)) rivals.push_back(k);
    }
  };
  for (find_rivals(); rivals.size() > 1 && at < size; find_rivals()) {
    next_piece();
    costs = weighted_errors(all.total(), spec);
  }
  CandidateErrors kept;
  kept.fill(std::numeric_limits<double>::infinity());
  kept[leader] = least;
  for (const std::size_t rival : rivals) kept[rival] = finished(rival);
  return kept;
}

}  // namespace qcal
