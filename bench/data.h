// The tensors that kernels are timed on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string_view>
#include <vector>

#include "kernels/tensor_view.h"

namespace qcal::bench {

// How values are spread: what a kernel's branches, bins and caches meet.
enum class Distribution {
  normal,
  post_relu,   // half of them exact zeros
  heavy_tail,  // nearly all of them in the first few bins
  constant,    // all of them in one bin
};
inline constexpr Distribution all_distributions[] = {Distribution::normal, Distribution::post_relu,
                                                     Distribution::heavy_tail, Distribution::constant};

std::string_view name_of(Distribution distribution);

struct DataSpec {
  Distribution distribution = Distribution::normal;
  DType dtype = DType::f32;
  std::int64_t elements = 0;
  bool operator==(const DataSpec&) const = default;
};

// One tensor's bytes, the same for a spec on every machine.
class Data {
 public:
  explicit Data(const DataSpec& spec);

  const DataSpec& spec() const { return spec_; }
  std::int64_t bytes() const { return static_cast<std::int64_t>(bytes_.size()); }
  // The first elements as a tensor of `shape`.
  TensorView view(std::vector<std::int64_t> shape) const;

 private:
  DataSpec spec_;
  std::vector<std::byte> bytes_;
};

// Keeps the data that were used last, because making them takes longer than reading them.
class DataCache {
 public:
  std::shared_ptr<const Data> get(const DataSpec& spec);

 private:
  static constexpr std::int64_t most_bytes = std::int64_t{2304} << 20;
  std::list<std::shared_ptr<const Data>> kept_;  // most recently used first
};

}  // namespace qcal::bench
