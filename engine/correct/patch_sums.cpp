#include "engine/correct/patch_sums.h"

#include <algorithm>
#include <utility>

#include "engine/correct/window_ranges.h"
#include "engine/dumps/stored_tensor.h"

namespace qcal {
namespace {

constexpr std::int64_t held_back_period = 4;

class WindowPatchSums final : public PatchSums {
 public:
  WindowPatchSums(const Node& node, Shape weights, std::int64_t channels)
      : node_(node), weights_(std::move(weights)), channels_(channels) {}

 private:
  std::optional<Layout> layout_of(const Shape& batch) override {
    if (batch.size() != weights_.size() || batch[1] != channels_) return std::nullopt;
    const auto ranges = window_ranges(node_, batch, weights_);
    if (!ranges) return std::nullopt;
    inner_ = ranges->axes.back();
    row_sums_.resize(inner_.size());
    meet({batch.begin() + 2, batch.end() - 1}, *ranges);
    const auto planes = static_cast<std::int64_t>(meeting_.size());
    return Layout{batch[0], channels_ * planes, batch.back(), ranges->positions,
                  static_cast<std::size_t>(channels_) * outer_offsets_ * inner_.size()};
  }

  // Lists for every row of a channel the rows of window offsets that meet it.
  void meet(const Shape& extents, const WindowRanges& ranges) {
    meeting_.assign(1, {0});
    outer_offsets_ = 1;
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
      const std::vector<CoordinateRange>& offsets = ranges.axes[axis];
      std::vector<std::vector<std::size_t>> finer;
      for (const std::vector<std::size_t>& met : meeting_) {
        for (std::int64_t at = 0; at < extents[axis]; ++at) {
          std::vector<std::size_t>& row = finer.emplace_back();
          for (const std::size_t before : met) {
            for (std::size_t k = 0; k < offsets.size(); ++k)
              if (offsets[k].contains(at)) row.push_back(before * offsets.size() + k);
          }
        }
      }
      meeting_ = std::move(finer);
      outer_offsets_ *= offsets.size();
    }
  }

  void add_row(std::int64_t index, const float* row, std::vector<double>& sums) override {
    const auto planes = static_cast<std::int64_t>(meeting_.size());
    const std::vector<std::size_t>& met = meeting_[static_cast<std::size_t>(index % planes)];
    if (met.empty()) return;
    range_sums(row, inner_.data(), static_cast<std::int64_t>(inner_.size()), row_sums_.data());
    double* channel = sums.data() + static_cast<std::size_t>(index / planes) * outer_offsets_ * inner_.size();
    for (const std::size_t offset : met) {
      for (std::size_t k = 0; k < inner_.size(); ++k) channel[offset * inner_.size() + k] += row_sums_[k];
    }
  }

  const Node& node_;
  const Shape weights_;
  const std::int64_t channels_;
  std::vector<CoordinateRange> inner_;             // of the offsets along the last axis
  std::size_t outer_offsets_ = 1;                  // along all the others
  std::vector<std::vector<std::size_t>> meeting_;  // [row of a channel]: outer offsets
  std::vector<double> row_sums_;                   // of one row, one for each inner offset
};

class RowPatchSums final : public PatchSums {
 public:
  explicit RowPatchSums(std::int64_t features) : features_(features) {}

 private:
  std::optional<Layout> layout_of(const Shape& batch) override {
    std::int64_t values = 1;
    for (std::size_t i = 1; i < batch.size(); ++i) values *= batch[i];
    const bool is_vector = batch.size() == 1;
    if (is_vector) values = batch[0];
    if (batch.empty() || features_ < 1 || values % features_ != 0) return std::nullopt;
    const std::int64_t rows = values / features_;
    return Layout{is_vector ? 1 : batch[0], rows, features_, rows, static_cast<std::size_t>(features_)};
  }

  void add_row(std::int64_t, const float* row, std::vector<double>& sums) override {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(finite_or_zero(row[i]));
  }

  const std::int64_t features_;
};

}  // namespace

void PatchTotals::add(const std::vector<double>& sample, std::int64_t sample_positions) {
  sums.resize(sample.size());
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += sample[i];
  positions += sample_positions;
  ++samples;
}

std::vector<double> PatchTotals::means() const {
  std::vector<double> result = sums;
  for (double& sum : result) sum /= static_cast<double>(positions);
  return result;
}

void PatchSums::begin(const Shape& batch) {
  if (!problem_.empty()) return;
  const auto layout = layout_of(batch);
  if (!layout) {
    problem_ = "its input was recorded with shape " + shape_text(batch);
    return;
  }
  layout_ = *layout;
  row_ = 0;
  sample_sums_.assign(layout_.sums, 0.0);
}

void PatchSums::add(std::span<const float> values) {
  if (!problem_.empty()) return;
  const auto length = static_cast<std::size_t>(layout_.row_length);
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

void PatchSums::take_row(const float* row) {
  add_row(row_, row, sample_sums_);
  if (++row_ < layout_.rows) return;
  row_ = 0;
  const bool hold = sample_++ % held_back_period == held_back_period - 1;
  (hold ? held_back_ : fitted_).add(sample_sums_, layout_.positions);
  std::ranges::fill(sample_sums_, 0.0);
}

std::unique_ptr<PatchSums> window_patch_sums(const Node& node, Shape weights, std::int64_t channels) {
  return std::make_unique<WindowPatchSums>(node, std::move(weights), channels);
}

std::unique_ptr<PatchSums> row_patch_sums(std::int64_t features) {
  return std::make_unique<RowPatchSums>(features);
}

}  // namespace qcal
