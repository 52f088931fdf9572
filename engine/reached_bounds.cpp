#include "engine/reached_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "engine/dumps/in_quotes.h"
#include "engine/error.h"
#include "kernels/channel_blocks.h"

namespace qcal {

ReachedBounds::ReachedBounds(UpperBounds bounds) : bounds_(std::move(bounds)) {
  for (const auto& [tensor, values] : bounds_) counts_[tensor] = {};
}

void ReachedBounds::observe(const std::string& tensor, const TensorParts& batch) {
  const auto found = bounds_.find(tensor);
  if (found == bounds_.end()) return;
  const std::vector<float>& bounds = found->second;
  const bool alike = bounds.size() == 1;
  const auto channels = static_cast<std::int64_t>(bounds.size());
  if (!alike && (batch.shape().size() < 2 || batch.shape()[1] != channels)) {
    throw InputError(fmt::format("tensor {}: axis 1 of a batch does not have the {} channels of the network",
                                 in_quotes(tensor), channels));
  }
  BoundCounts& counts = counts_.at(tensor);
  batch.for_each([&](const TensorPart& part) {
    const ChannelReader reader(part.view, alike ? std::nullopt : std::optional(1));
    const std::size_t first = alike ? 0 : static_cast<std::size_t>(part.origin[1]);
    for (std::int64_t channel = 0; channel < reader.channels(); ++channel) {
      const float bound = bounds.at(first + static_cast<std::size_t>(channel));
      for_each_block(reader, channel, 0, reader.elements(), [&](std::span<const float> values) {
        const auto reach = [bound](float value) { return value >= bound; };
        const auto exceed = [bound](float value) { return value > bound; };
        counts.values += values.size();
        counts.reached += static_cast<std::uint64_t>(std::ranges::count_if(values, reach));
        counts.exceeded += static_cast<std::uint64_t>(std::ranges::count_if(values, exceed));
      });
    }
  });
}

std::vector<std::string> ReachedBounds::tensors() const {
  std::vector<std::string> names;
  for (const auto& [tensor, bounds] : bounds_) names.push_back(tensor);
  return names;
}

void ReachedBounds::add(const std::string& tensor, const BoundCounts& counts) {
  BoundCounts& own = counts_.at(tensor);
  own.values += counts.values;
  own.reached += counts.reached;
  own.exceeded += counts.exceeded;
}

void ReachedBounds::observe_rest(const DumpSource& dumps) {
  for (const auto& [tensor, bounds] : bounds_) {
    if (counts(tensor).values > 0 || !dumps.contains(tensor)) continue;
    for (std::size_t index = 0; index < dumps.batches(tensor); ++index)
      observe(tensor, *dumps.parts(tensor, index));
  }
}

}  // namespace qcal
