#include "kernels/patch_sums.h"

#include <algorithm>
#include <string>

#include "kernels/error.h"

namespace qcal {

std::vector<double> PatchTotals::means() const {
  std::vector<double> result = sums;
  for (double& sum : result) sum /= static_cast<double>(positions);
  return result;
}

void PatchSums::collect(const TensorParts& batch, const std::vector<std::optional<PatchWindow>>& windows,
                        Stream stream) {
  std::int64_t elements = 1;
  for (const std::int64_t extent : batch.shape()) elements *= extent;
  sums_.resize(std::max(sums_.size(), windows.size()), 0);
  for (std::size_t layer = 0; layer < windows.size(); ++layer) {
    if (!windows[layer]) continue;
    const PatchWindow& window = *windows[layer];
    const std::int64_t seen = window.samples * window.sample_rows() * window.row_length;
    if (seen != elements)
      throw InvalidArgument("a window over " + std::to_string(seen) + " values of a batch of " +
                            std::to_string(elements));
    if (sums_[layer] != 0 && sums_[layer] != window.sums())
      throw InvalidArgument("a window of " + std::to_string(window.sums()) + " sums after one of " +
                            std::to_string(sums_[layer]));
    sums_[layer] = window.sums();
  }
  const bool read = std::ranges::any_of(windows, [](const auto& window) { return window.has_value(); });
  if (read && elements > 0) add(batch, windows, stream);
}

void PatchSums::resume(std::size_t layer, const PatchSplit& earlier) {
  sums_.resize(std::max(sums_.size(), layer + 1), 0);
  if (sums_[layer] != 0) throw InvalidArgument("sums go on from others only before their first batch");
  const std::size_t count = std::max(earlier.fitted.sums.size(), earlier.held_back.sums.size());
  if (count == 0) return;
  sums_[layer] = static_cast<std::int64_t>(count);
  put(layer, earlier);
}

}  // namespace qcal
