#include "engine/report/distributions.h"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "kernels/collector.h"

namespace qcal {
namespace {

void for_each_batch(const PlannedTensor& tensor, const DumpSource& dumps,
                    const std::function<void(const TensorParts&)>& visit) {
  if (tensor.parameter) {
    const TensorView values = values_of(tensor);
    visit(WholeTensor(values));
    return;
  }
  if (!dumps.contains(tensor.name)) return;
  for (std::size_t batch = 0; batch < dumps.batches(tensor.name); ++batch)
    visit(*dumps.parts(tensor.name, batch));
}

// The same counts in at most `bins` equal parts, each a whole number of old ones.
void coarsen(const Histogram& histogram, int bins, TensorDistribution& into) {
  if (histogram.bins() == 0) return;
  const int step = (histogram.bins() + bins - 1) / bins;
  into.low = histogram.origin;
  for (int first = 0; first < histogram.bins(); first += step) {
    std::uint64_t count = 0;
    for (int bin = first; bin < std::min(first + step, histogram.bins()); ++bin)
      count += histogram.counts[static_cast<std::size_t>(bin)];
    into.counts.push_back(count);
  }
  into.high =
      into.low + static_cast<double>(step) * static_cast<double>(into.counts.size()) * histogram.width;
}

TensorDistribution distribution_of(const PlannedTensor& tensor, const DumpSource& dumps,
                                   const Backend& backend, int bins) {
  CollectSpec spec;
  spec.binning = Binning::dyadic_value;
  spec.non_finite = NonFinite::ignore;
  spec.accumulate = true;
  const std::unique_ptr<Collector> collector = backend.make_collector(spec);
  for_each_batch(tensor, dumps, [&](const TensorParts& batch) { collector->collect(batch, {}); });
  TensorDistribution distribution{tensor.name, tensor.role, 0.0, 0.0, {}};
  const Summary summary = collector->take();
  if (!summary.channels.empty()) coarsen(summary.channels.front().histogram, bins, distribution);
  return distribution;
}

}  // namespace

std::vector<TensorDistribution> distributions(const QuantizationPlan& plan, const DumpSource& dumps,
                                              const Backend& backend, int bins) {
  std::vector<TensorDistribution> result(plan.tensors.size());
  tbb::parallel_for(std::size_t{0}, plan.tensors.size(), [&](std::size_t at) {
    const PlannedTensor& tensor = plan.tensors[at];
    if (tensor.settings.datatype.value != Datatype::integer) return;
    // As in collect(): a waiting thread must not start another tensor and hold two batches.
    tbb::this_task_arena::isolate([&] { result[at] = distribution_of(tensor, dumps, backend, bins); });
  });
  std::erase_if(result, [](const TensorDistribution& distribution) { return distribution.name.empty(); });
  return result;
}

}  // namespace qcal
