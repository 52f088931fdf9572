#include "bench/data.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>

namespace qcal::bench {
namespace {

// Every value depends on its index alone.
double uniform(std::uint64_t index) {
  std::uint64_t z = (index + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

// Nearly normal: four uniforms, less their mean, scaled to variance 1.
double normal(std::uint64_t index) {
  double sum = -2.0;
  for (std::uint64_t i = 0; i < 4; ++i) sum += uniform(4 * index + i);
  return sum * 1.7320508;
}

float value(Distribution distribution, std::uint64_t index) {
  switch (distribution) {
    case Distribution::normal:
      return static_cast<float>(normal(index));
    case Distribution::post_relu:
      return static_cast<float>(std::max(normal(index), 0.0));
    case Distribution::heavy_tail:
      return static_cast<float>(0.001 * normal(index) / (uniform(~index) + 1e-6));
    case Distribution::constant:
      return 0.7f;
  }
  return 0.0f;
}

// Towards zero; subnormal halves become 0, larger values the largest half.
std::uint16_t float16_bits(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const int exponent = static_cast<int>((bits >> 23) & 0xffu) - 112;
  if (exponent <= 0) return static_cast<std::uint16_t>(sign);
  if (exponent >= 31) return static_cast<std::uint16_t>(sign | 0x7bffu);
  return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(exponent) << 10 |
                                    ((bits >> 13) & 0x3ffu));
}

template <class Stored, class Convert>
void fill(std::vector<std::byte>& bytes, const DataSpec& spec, const Convert& convert) {
  auto* out = reinterpret_cast<Stored*>(bytes.data());
  for (std::int64_t i = 0; i < spec.elements; ++i) {
    out[i] = convert(value(spec.distribution, static_cast<std::uint64_t>(i)));
  }
}

}  // namespace

std::string_view name_of(Distribution distribution) {
  constexpr std::string_view names[] = {"normal", "post_relu", "heavy_tail", "constant"};
  return names[static_cast<std::size_t>(distribution)];
}

Data::Data(const DataSpec& spec)
    : spec_(spec), bytes_(static_cast<std::size_t>(spec.elements) * size_of(spec.dtype)) {
  switch (spec.dtype) {
    case DType::f32:
      fill<float>(bytes_, spec, [](float x) { return x; });
      break;
    case DType::f64:
      fill<double>(bytes_, spec, [](float x) { return static_cast<double>(x); });
      break;
    case DType::f16:
      fill<std::uint16_t>(bytes_, spec, float16_bits);
      break;
    case DType::bf16:
      fill<std::uint16_t>(bytes_, spec, [](float x) {
        return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16);
      });
      break;
  }
}

TensorView Data::view(std::vector<std::int64_t> shape) const {
  return {bytes_.data(), spec_.dtype, std::move(shape), Memory::host, {}};
}

std::shared_ptr<const Data> DataCache::get(const DataSpec& spec) {
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&](const auto& data) { return data->spec() == spec; });
  if (found != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, found);
    return kept_.front();
  }
  kept_.push_front(std::make_shared<const Data>(spec));
  std::int64_t bytes = 0;
  for (auto at = kept_.begin(); at != kept_.end();) {
    bytes += (*at)->bytes();
    at = bytes > most_bytes && at != kept_.begin() ? kept_.erase(at) : std::next(at);
  }
  return kept_.front();
}

}  // namespace qcal::bench
