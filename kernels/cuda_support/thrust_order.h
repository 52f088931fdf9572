// What device_order.h promises, by Thrust under any of its execution policies.
#pragma once

#include <thrust/extrema.h>
#include <thrust/iterator/constant_iterator.h>
#include <thrust/iterator/discard_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <thrust/reduce.h>
#include <thrust/sort.h>

#include <cstdint>

#include "kernels/batch_statistic.h"
#include "kernels/batch_statistic_math.h"
#include "kernels/cuda_support/value_run.h"

namespace qcal {

// Equal keys are equal values, or values of one eighth of an octave.
struct RunKey {
  ModalRule rule;
  QCAL_HOST_DEVICE double operator()(double value) const {
    return rule == ModalRule::exact ? value : static_cast<double>(octave_bin(value));
  }
};

template <class Policy>
void sort_values_with(const Policy& policy, double* values, std::int64_t count) {
  thrust::sort(policy, values, values + count);
}

template <class Policy>
ValueRun longest_run_with(const Policy& policy, const double* sorted, std::int64_t count, ModalRule rule,
                          std::int64_t* lengths) {
  const auto keys = thrust::make_transform_iterator(sorted, RunKey{rule});
  const auto ones = thrust::make_constant_iterator(std::int64_t{1});
  const auto ends =
      thrust::reduce_by_key(policy, keys, keys + count, ones, thrust::make_discard_iterator(), lengths);
  const std::int64_t* const longest = thrust::max_element(policy, lengths, ends.second);
  ValueRun run;
  run.begin = thrust::reduce(policy, static_cast<const std::int64_t*>(lengths), longest, std::int64_t{0});
  run.length = thrust::reduce(policy, longest, longest + 1, std::int64_t{0});
  return run;
}

}  // namespace qcal
