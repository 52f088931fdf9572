// How many recorded values reach the upper bounds that their tensors have, or had.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/dumps/dump_source.h"
#include "kernels/tensor_parts.h"

namespace qcal {

// Tensor -> its upper bound: one number, or one a channel (axis 1).
using UpperBounds = std::map<std::string, std::vector<float>, std::less<>>;

struct BoundCounts {
  std::uint64_t values = 0;
  std::uint64_t reached = 0;   // of these, at least their bound
  std::uint64_t exceeded = 0;  // more than it
};

class ReachedBounds {
 public:
  explicit ReachedBounds(UpperBounds bounds);

  // A batch in host memory, of any tensor; those without a bound are passed over. Different tensors may come
  // at once. Throws InputError where axis 1 does not have the channels of the bounds. Cost: one pass.
  void observe(const std::string& tensor, const TensorParts& batch);
  // What `dumps` holds of tensors of which no batch was observed.
  void observe_rest(const DumpSource& dumps);

  // The tensors with a bound.
  std::vector<std::string> tensors() const;
  bool watches(const std::string& tensor) const { return bounds_.contains(tensor); }
  // Takes over what another object counted of a tensor. Throws std::out_of_range for one without a bound.
  void add(const std::string& tensor, const BoundCounts& counts);

  // Without values where nothing was observed. Throws std::out_of_range for a tensor without a bound.
  const BoundCounts& counts(const std::string& tensor) const { return counts_.at(tensor); }

 private:
  UpperBounds bounds_;
  std::map<std::string, BoundCounts, std::less<>> counts_;
};

}  // namespace qcal
