// Deterministic data for tests: the same bits on every machine, so only +, -, *, / and sqrt are used.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <span>
#include <vector>

namespace qcal::testing {

// Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  // Nearly normal: the sum of twelve uniforms, less its mean. |value| < 6.
  double normal() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

 private:
  std::uint64_t state_;
};

// The shapes that tensors have, and those that break calibrators.
enum class Shape {
  normal,
  peaked,  // sharper than normal, like weights
  relu,    // half zeros, the rest non-negative
  uniform,
  bimodal,
  outlier,  // one value 50 times the others
  constant,
  sparse,  // one value in 64 is not zero
  heavy_tail,
  positive,  // far from zero
  negative,  // likewise
  all_zero,
};

inline constexpr Shape all_shapes[] = {Shape::normal,     Shape::peaked,   Shape::relu,     Shape::uniform,
                                       Shape::bimodal,    Shape::outlier,  Shape::constant, Shape::sparse,
                                       Shape::heavy_tail, Shape::positive, Shape::negative, Shape::all_zero};

inline const char* name_of(Shape shape) {
  constexpr const char* names[] = {"normal",   "peaked", "relu",       "uniform",  "bimodal",  "outlier",
                                   "constant", "sparse", "heavy_tail", "positive", "negative", "all_zero"};
  return names[static_cast<int>(shape)];
}

inline std::ostream& operator<<(std::ostream& out, Shape shape) {
  return out << name_of(shape);
}

inline double sample(Shape shape, SplitMix64& random) {
  switch (shape) {
    case Shape::normal:
      return random.normal();
    case Shape::peaked: {
      const double x = random.normal();
      return x * std::fabs(x) * 0.05;
    }
    case Shape::relu:
      return std::fmax(random.normal(), 0.0);
    case Shape::uniform:
      return 2.0 * random.uniform() - 1.0;
    case Shape::bimodal:
      return 0.25 * random.normal() + (random.below(2) == 0 ? -3.0 : 2.0);
    case Shape::outlier:
    case Shape::all_zero:
      return shape == Shape::outlier ? 0.1 * random.normal() : 0.0;
    case Shape::constant:
      return 0.7;
    case Shape::sparse:
      return random.below(64) == 0 ? random.normal() : 0.0;
    case Shape::heavy_tail: {
      const double u = random.uniform() + 0x1p-20;
      return (random.below(2) == 0 ? 1.0 : -1.0) * (1.0 / std::sqrt(u) - 0.999);
    }
    case Shape::positive:
      return 5.0 + random.uniform();
    case Shape::negative:
      return -5.0 - random.uniform();
  }
  return 0.0;
}

inline std::vector<float> samples(Shape shape, std::size_t count, std::uint64_t seed, double factor = 1.0) {
  SplitMix64 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(factor * sample(shape, random));
  if (shape == Shape::outlier && count > 0) values[count / 3] = static_cast<float>(factor * 30.0);
  return values;
}

// Element counts around one, a vector, a chunk of the ordered sum, a block and a segment of parallel work.
inline constexpr std::size_t edge_sizes[] = {0,   1,   2,   15,   16,   17,   31,    32,    33,
                                             511, 512, 513, 4095, 4096, 4097, 32767, 32768, 32769};

inline constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float smallest_subnormal = std::numeric_limits<float>::denorm_min();
inline constexpr float largest_float = std::numeric_limits<float>::max();

}  // namespace qcal::testing
