#include "engine/replay/sample_chunks.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "kernels/channel_reader.h"
#include "kernels/patch_sums_math.h"

namespace qcal {
namespace {

constexpr std::int64_t grain = std::int64_t{1} << 16;

// Values [first, first + to.size()) of the reader's only channel.
void read_finite(const ChannelReader& reader, std::int64_t first, std::span<float> to) {
  const tbb::blocked_range<std::int64_t> all(0, static_cast<std::int64_t>(to.size()), grain);
  tbb::parallel_for(all, [&](const auto& part) {
    for (std::int64_t at = part.begin(); at < part.end(); at += grain) {
      const std::int64_t count = std::min(grain, part.end() - at);
      const std::span<float> into = to.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
      std::ranges::transform(reader.read(0, first + at, count, into.data()), into.begin(), finite_or_zero);
    }
  });
}

}  // namespace

void for_each_sample_chunk(const TensorParts& batch, std::size_t most_values,
                           const std::function<void(const SampleChunk&)>& visit) {
  std::size_t all = 1;
  for (const std::int64_t extent : batch.shape()) all *= static_cast<std::size_t>(extent);
  if (all == 0) return;
  const std::size_t samples = batch.shape().size() < 2 ? 1 : static_cast<std::size_t>(batch.shape()[0]);
  const std::size_t sample_values = all / samples;
  const std::size_t most_samples = std::clamp<std::size_t>(most_values / sample_values, 1, samples);
  std::vector<float> chunk(most_samples * sample_values);
  std::size_t filled = 0;
  const auto hand_over = [&] {
    visit({std::span(chunk).first(filled), static_cast<std::int64_t>(filled / sample_values)});
    filled = 0;
  };
  batch.for_each([&](const TensorPart& part) {
    const ChannelReader reader(part.view, std::nullopt);
    for (std::int64_t first = 0; first < reader.elements();) {
      const auto left = static_cast<std::size_t>(reader.elements() - first);
      const std::size_t taken = std::min(left, chunk.size() - filled);
      read_finite(reader, first, std::span(chunk).subspan(filled, taken));
      first += static_cast<std::int64_t>(taken);
      filled += taken;
      if (filled == chunk.size()) hand_over();
    }
  });
  if (filled > 0) hand_over();
}

}  // namespace qcal
