#include "engine/replay/sample_chunks.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "kernels/channel_blocks.h"
#include "kernels/patch_sums_math.h"

namespace qcal {

void for_each_sample_chunk(const TensorParts& batch, std::size_t most_values,
                           const std::function<void(const SampleChunk&)>& visit) {
  std::size_t all = 1;
  for (const std::int64_t extent : batch.shape()) all *= static_cast<std::size_t>(extent);
  if (all == 0) return;
  const std::size_t samples = batch.shape().size() < 2 ? 1 : static_cast<std::size_t>(batch.shape()[0]);
  const std::size_t sample_values = all / samples;
  const std::size_t most_samples = std::clamp<std::size_t>(most_values / sample_values, 1, samples);
  std::vector<float> chunk;
  const std::size_t most = most_samples * sample_values;
  chunk.reserve(most);
  const auto hand_over = [&] {
    visit({chunk, static_cast<std::int64_t>(chunk.size() / sample_values)});
    chunk.clear();
  };
  batch.for_each([&](const TensorPart& part) {
    const ChannelReader reader(part.view, std::nullopt);
    for_each_block(reader, 0, 0, reader.elements(), [&](std::span<const float> values) {
      for (const float value : values) {
        chunk.push_back(finite_or_zero(value));
        if (chunk.size() == most) hand_over();
      }
    });
  });
  if (!chunk.empty()) hand_over();
}

}  // namespace qcal
