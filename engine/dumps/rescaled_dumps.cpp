#include "engine/dumps/rescaled_dumps.h"

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "engine/dumps/in_quotes.h"
#include "engine/error.h"
#include "kernels/channel_reader.h"

namespace qcal {
namespace {

constexpr std::size_t channel_axis = 1;

using Divisors = std::map<std::string, std::vector<float>, std::less<>>;

std::vector<float> divided(const TensorPart& part, std::span<const float> divisors) {
  const std::vector<std::int64_t>& shape = part.view.shape;
  std::vector<float> values(static_cast<std::size_t>(part.view.size()));
  if (values.empty()) return values;
  const auto count = static_cast<std::int64_t>(values.size());
  const auto read = ChannelReader(part.view, std::nullopt).read(0, 0, count, values.data());
  std::size_t row_length = 1;
  for (std::size_t i = channel_axis + 1; i < shape.size(); ++i)
    row_length *= static_cast<std::size_t>(shape[i]);
  std::size_t at = 0;
  for (std::int64_t row = 0; at < values.size(); ++row) {
    const std::int64_t channel = part.origin[channel_axis] + row % shape[channel_axis];
    const float divisor = divisors[static_cast<std::size_t>(channel)];
    for (const std::size_t end = at + row_length; at < end; ++at) values[at] = read[at] / divisor;
  }
  return values;
}

class RescaledParts final : public TensorParts {
 public:
  RescaledParts(std::unique_ptr<TensorParts> parts, std::span<const float> divisors)
      : parts_(std::move(parts)), divisors_(divisors) {}

  DType dtype() const override { return DType::f32; }
  const std::vector<std::int64_t>& shape() const override { return parts_->shape(); }
  bool whole() const override { return parts_->whole(); }
  void for_each(const std::function<void(const TensorPart&)>& visit) const override {
    parts_->for_each([&](const TensorPart& part) {
      const std::vector<float> values = divided(part, divisors_);
      visit({{values.data(), DType::f32, part.view.shape, Memory::host, {}}, part.origin});
    });
  }

 private:
  std::unique_ptr<TensorParts> parts_;
  std::span<const float> divisors_;
};

class RescaledBatch final : public DumpBatch {
 public:
  RescaledBatch(const TensorView& view, std::span<const float> divisors)
      : values_(divided({view, std::vector<std::int64_t>(view.shape.size(), 0)}, divisors)),
        view_{values_.data(), DType::f32, view.shape, Memory::host, {}} {}

  const TensorView& view() const override { return view_; }

 private:
  std::vector<float> values_;
  TensorView view_;
};

class RescaledDumps final : public DumpSource {
 public:
  RescaledDumps(std::unique_ptr<DumpSource> dumps, Divisors divisors)
      : dumps_(std::move(dumps)), divisors_(std::move(divisors)) {}

  const std::vector<std::string>& names() const override { return dumps_->names(); }
  bool contains(const std::string& name) const override { return dumps_->contains(name); }
  std::size_t batches(const std::string& name) const override { return dumps_->batches(name); }
  std::optional<std::string> model_sha256() const override { return dumps_->model_sha256(); }
  std::string description() const override { return dumps_->description(); }

  std::uint64_t bytes(const std::string& name) const override {
    const std::uint64_t stored = dumps_->bytes(name);
    if (!divisors_.contains(name) || batches(name) == 0) return stored;
    return stored / size_of(dumps_->parts(name, 0)->dtype()) * sizeof(float);
  }

  std::unique_ptr<DumpBatch> open(const std::string& name, std::size_t index) const override {
    auto batch = dumps_->open(name, index);
    const std::span<const float> divisors = divisors_for(name, batch->view().shape);
    if (divisors.empty()) return batch;
    return std::make_unique<RescaledBatch>(batch->view(), divisors);
  }

  std::unique_ptr<TensorParts> parts(const std::string& name, std::size_t index) const override {
    auto parts = dumps_->parts(name, index);
    const std::span<const float> divisors = divisors_for(name, parts->shape());
    if (divisors.empty()) return parts;
    return std::make_unique<RescaledParts>(std::move(parts), divisors);
  }

 private:
  std::span<const float> divisors_for(const std::string& name, const std::vector<std::int64_t>& shape) const {
    const auto found = divisors_.find(name);
    if (found == divisors_.end()) return {};
    const std::size_t channels = found->second.size();
    if (shape.size() <= channel_axis || shape[channel_axis] != static_cast<std::int64_t>(channels)) {
      throw InputError(
          fmt::format("{}: tensor {}: axis 1 of a batch does not have the {} channels of the network",
                      description(), in_quotes(name), channels));
    }
    return found->second;
  }

  std::unique_ptr<DumpSource> dumps_;
  Divisors divisors_;
};

}  // namespace

std::unique_ptr<DumpSource> rescaled_dumps(std::unique_ptr<DumpSource> dumps, Divisors divisors) {
  if (divisors.empty()) return dumps;
  return std::make_unique<RescaledDumps>(std::move(dumps), std::move(divisors));
}

}  // namespace qcal
