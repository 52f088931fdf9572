#include "engine/collect/fake_quantized.h"

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <optional>

#include "engine/collect/channel_quantizers.h"
#include "kernels/channel_layout.h"
#include "kernels/channel_reader.h"
#include "kernels/error.h"
#include "kernels/fake_quantize.h"

namespace qcal {
namespace {

[[noreturn]] void refuse(const TensorParameters& parameters, const std::string& why) {
  throw InvalidArgument(fmt::format("tensor \"{}\": {}", parameters.name, why));
}

// The same parameters with the axis counted from the front; checked against the tensor.
TensorParameters fitting(TensorParameters parameters, const TensorView& values) {
  if (parameters.scale.empty()) refuse(parameters, "it stays float and has no scale");
  if (values.memory == Memory::device) refuse(parameters, "its values lie in device memory");
  if (parameters.granularity == Granularity::per_tensor) return parameters;
  parameters.axis = checked_channel_axis(parameters.axis.value_or(0), static_cast<int>(values.shape.size()));
  const std::int64_t channels = values.shape[static_cast<std::size_t>(*parameters.axis)];
  if (channels != static_cast<std::int64_t>(parameters.scale.size())) {
    refuse(parameters, fmt::format("axis {} has {} channels, and there are {} scales", *parameters.axis,
                                   channels, parameters.scale.size()));
  }
  return parameters;
}

}  // namespace

void fake_quantize_tensor(const TensorView& values, const TensorParameters& parameters,
                          Compatibility compatibility, std::span<float> out) {
  const ChannelQuantizers channels =
      channel_quantizers(values.shape, fitting(parameters, values), compatibility);
  if (out.empty()) return;
  constexpr std::size_t grain = std::size_t{1} << 16;
  const ChannelReader reader(values, std::nullopt);
  const std::size_t run = channels.quantizers.size() == 1 ? out.size() : channels.run;
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, out.size(), grain), [&](const auto& part) {
    for (std::size_t at = part.begin(); at < part.end();) {
      const std::size_t count = std::min({part.end() - at, run - at % run, grain});
      const std::span<float> into = out.subspan(at, count);
      const auto read =
          reader.read(0, static_cast<std::int64_t>(at), static_cast<std::int64_t>(count), into.data());
      fake_quantize(read, channels.quantizers[channels.channel_of(at)], into);
      at += count;
    }
  });
}

}  // namespace qcal
