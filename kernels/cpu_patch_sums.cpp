#include "kernels/cpu_patch_sums.h"

#include <algorithm>
#include <span>
#include <utility>

#include "kernels/channel_blocks.h"

namespace qcal {
namespace {

void add_sample(const std::vector<double>& sample, std::int64_t positions, PatchTotals& totals) {
  totals.sums.resize(sample.size());
  for (std::size_t i = 0; i < sample.size(); ++i) totals.sums[i] += sample[i];
  totals.positions += positions;
  ++totals.samples;
}

// One layer's.
class LayerSums {
 public:
  // Starts a batch.
  void begin(const PatchWindow& window) {
    if (window_ != window) {
      window_ = window;
      row_sums_.resize(window.inner.size());
      meeting_.assign(static_cast<std::size_t>(window.rows), {});
      for (std::size_t offset = 0; offset < window.outer.size(); ++offset) {
        for (const CoordinateRange& rows : window.outer[offset]) {
          for (std::int64_t i = 0; i < rows.count; ++i)
            meeting_[static_cast<std::size_t>(rows.first + i * rows.step)].push_back(offset);
        }
      }
    }
    row_ = 0;
    sample_sums_.assign(static_cast<std::size_t>(window.sums()), 0.0);
  }

  // Its next values.
  void add(std::span<const float> values) {
    const auto length = static_cast<std::size_t>(window_.row_length);
    while (!values.empty()) {
      if (pending_.empty() && values.size() >= length) {
        take_row(values.data());
        values = values.subspan(length);
        continue;
      }
      const std::size_t taken = std::min(length - pending_.size(), values.size());
      pending_.insert(pending_.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(taken));
      values = values.subspan(taken);
      if (pending_.size() < length) return;
      take_row(pending_.data());
      pending_.clear();
    }
  }

  const PatchSplit& split() const { return split_; }

  void put(const PatchSplit& earlier) {
    split_ = earlier;
    sample_ = earlier.fitted.samples + earlier.held_back.samples;
  }

 private:
  void take_row(const float* row) {
    add_row(row);
    if (++row_ < window_.sample_rows()) return;
    row_ = 0;
    add_sample(sample_sums_, window_.positions, is_held_back(sample_++) ? split_.held_back : split_.fitted);
    std::ranges::fill(sample_sums_, 0.0);
  }

  void add_row(const float* row) {
    const auto inner = static_cast<std::size_t>(window_.inner_offsets());
    const std::vector<std::size_t>& met = meeting_[static_cast<std::size_t>(row_ % window_.rows)];
    if (met.empty()) return;
    double* channel =
        sample_sums_.data() + static_cast<std::size_t>(row_ / window_.rows) * window_.outer.size() * inner;
    if (window_.inner.empty()) {
      for (const std::size_t offset : met) {
        for (std::size_t i = 0; i < inner; ++i)
          channel[offset * inner + i] += static_cast<double>(finite_or_zero(row[i]));
      }
      return;
    }
    range_sums(AllLanes{}, row, window_.inner.data(), window_.inner_offsets(), row_sums_.data());
    for (const std::size_t offset : met) {
      for (std::size_t i = 0; i < inner; ++i) channel[offset * inner + i] += row_sums_[i];
    }
  }

  PatchWindow window_;
  std::vector<std::vector<std::size_t>> meeting_;  // [row of a channel]: outer offsets
  PatchSplit split_;
  std::int64_t sample_ = 0;  // over all batches
  std::int64_t row_ = 0;     // of this sample
  std::vector<double> sample_sums_;
  std::vector<double> row_sums_;  // of one row, one for each inner offset
  std::vector<float> pending_;    // the beginning of a row
};

class CpuPatchSums final : public PatchSums {
 public:
  PatchSplit take(std::size_t layer) override {
    return layer < layers_.size() ? layers_[layer].split() : PatchSplit{};
  }

 private:
  void put(std::size_t layer, const PatchSplit& earlier) override {
    layers_.resize(std::max(layers_.size(), layer + 1));
    layers_[layer].put(earlier);
  }

  void add(const TensorParts& batch, const std::vector<std::optional<PatchWindow>>& windows,
           Stream) override {
    layers_.resize(std::max(layers_.size(), windows.size()));
    std::vector<LayerSums*> reading;
    for (std::size_t layer = 0; layer < windows.size(); ++layer) {
      if (!windows[layer]) continue;
      layers_[layer].begin(*windows[layer]);
      reading.push_back(&layers_[layer]);
    }
    batch.for_each([&](const TensorPart& part) {
      const ChannelReader values(part.view, std::nullopt);
      for_each_block(values, 0, 0, values.elements(), [&](std::span<const float> block) {
        for (LayerSums* layer : reading) layer->add(block);
      });
    });
  }

  std::vector<LayerSums> layers_;
};

}  // namespace

std::unique_ptr<PatchSums> make_cpu_patch_sums() {
  return std::make_unique<CpuPatchSums>();
}

}  // namespace qcal
