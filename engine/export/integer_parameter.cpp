#include "engine/export/integer_parameter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "engine/collect/channel_quantizers.h"
#include "engine/collect/tensor_spec.h"

namespace qcal {
namespace {

constexpr int widest_in_float = 16;

std::pair<std::int64_t, std::int64_t> limits(ElementType type) {
  switch (type) {
    case ElementType::uint8:
      return {0, std::numeric_limits<std::uint8_t>::max()};
    case ElementType::int8:
      return {std::numeric_limits<std::int8_t>::min(), std::numeric_limits<std::int8_t>::max()};
    case ElementType::uint16:
      return {0, std::numeric_limits<std::uint16_t>::max()};
    case ElementType::int16:
      return {std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max()};
    default:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
  }
}

// As rounding_math.h rounds floats.
double rounded(double value, Rounding mode) {
  const double below = std::floor(value);
  const double rest = value - below;
  if (rest != 0.5) return rest < 0.5 ? below : below + 1.0;
  switch (mode) {
    case Rounding::half_up:
      return below + 1.0;
    case Rounding::half_down:
      return value < 0.0 ? below + 1.0 : below;
    case Rounding::std_round:
      return value < 0.0 ? below : below + 1.0;
    case Rounding::half_even:
      break;
  }
  return std::fmod(below, 2.0) == 0.0 ? below : below + 1.0;
}

std::int64_t wide_integer(float x, double scale, const TensorParameters& parameters) {
  const double steps = std::isnan(x) ? 0.0 : static_cast<double>(x) / scale;
  const double low = static_cast<double>(parameters.qmin);
  const double high = static_cast<double>(parameters.qmax);
  return static_cast<std::int64_t>(rounded(std::clamp(steps, low, high), rounding_of(parameters.round_mode)));
}

}  // namespace

ElementType container(const TensorParameters& parameters) {
  const bool is_signed = parameters.qmin < 0;
  if (parameters.bit_width <= 8) return is_signed ? ElementType::int8 : ElementType::uint8;
  if (parameters.bit_width <= 16) return is_signed ? ElementType::int16 : ElementType::uint16;
  return ElementType::int32;
}

bool is_narrower_than_container(const TensorParameters& parameters) {
  return limits(container(parameters)) != std::pair(parameters.qmin, parameters.qmax);
}

IntegerParameter integer_parameter(const Constant& values, const TensorParameters& parameters,
                                   Compatibility compatibility) {
  const std::vector<float>& reals = *values.reals();
  IntegerParameter result;
  result.type = container(parameters);
  result.zero_point = parameters.zero_point;
  result.values.reserve(reals.size());
  const ChannelQuantizers channels = channel_quantizers(values.shape, parameters, compatibility);
  for (const ElementQuantizer& quantizer : channels.quantizers) result.scale.push_back(quantizer.scale);
  if (parameters.bit_width > widest_in_float) {
    channels.for_each_run(reals.size(), [&](std::size_t begin, std::size_t end, std::size_t channel) {
      const auto scale = static_cast<double>(result.scale[channel]);
      for (std::size_t i = begin; i < end; ++i)
        result.values.push_back(wide_integer(reals[i], scale, parameters));
    });
    return result;
  }
  with_quantizer_kind(channels.quantizers.front(), [&](auto rounding, auto arithmetic) {
    channels.for_each_run(reals.size(), [&](std::size_t begin, std::size_t end, std::size_t channel) {
      for (std::size_t i = begin; i < end; ++i) {
        const float steps =
            quantize_steps<rounding.value, arithmetic.value>(reals[i], channels.quantizers[channel]);
        result.values.push_back(static_cast<std::int64_t>(steps) + result.zero_point[channel]);
      }
    });
  });
  return result;
}

std::optional<IntegerParameter> rescaled_bias(const IntegerParameter& bias,
                                              const std::vector<float>& product) {
  if (product.size() > 1 && product.size() != bias.values.size()) return std::nullopt;
  IntegerParameter result{{}, product, std::vector<std::int64_t>(product.size(), 0), ElementType::int32};
  const auto [low, high] = limits(result.type);
  const auto of = [](const auto& entries, std::size_t channel) {
    return entries[entries.size() == 1 ? 0 : channel];
  };
  for (std::size_t i = 0; i < bias.values.size(); ++i) {
    const double real =
        static_cast<double>(of(bias.scale, i)) * static_cast<double>(bias.values[i] - of(bias.zero_point, i));
    const double steps = real / static_cast<double>(of(product, i));
    if (steps != std::floor(steps) || steps < static_cast<double>(low) || steps > static_cast<double>(high))
      return std::nullopt;
    result.values.push_back(static_cast<std::int64_t>(steps));
  }
  return result;
}

}  // namespace qcal
