// How the values of every tensor of a plan are distributed over a recording.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/dumps/dump_source.h"
#include "engine/plan/quantization_plan.h"
#include "kernels/backend.h"

namespace qcal {

// counts[i] finite values in equal part i of [low, high].
struct TensorDistribution {
  std::string name;
  Role role = Role::activation;
  double low = 0.0;
  double high = 0.0;
  std::vector<std::uint64_t> counts;  // empty where every value is 0
};

// Of the plan's integer tensors that `dumps` or the network has, in plan order; `bins` is the most that each
// gets, at least 2. Every batch counts, once. Cost: two passes over the recording. Memory: a batch a thread.
std::vector<TensorDistribution> distributions(const QuantizationPlan& plan, const DumpSource& dumps,
                                              const Backend& backend, int bins);

}  // namespace qcal
