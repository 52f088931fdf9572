#include "engine/run/network_watch.h"

#include <fmt/format.h>

#include <cmath>

#include "kernels/error.h"

namespace qcal {
namespace {

void write_totals(ByteWriter& to, const PatchTotals& totals) {
  to.whole(static_cast<std::uint64_t>(totals.samples));
  to.whole(static_cast<std::uint64_t>(totals.positions));
  to.whole(totals.sums.size());
  for (const double sum : totals.sums) to.real(sum);
}

PatchTotals read_totals(ByteReader& from) {
  constexpr std::uint64_t most = std::uint64_t{1} << 53;
  PatchTotals totals;
  totals.samples = static_cast<std::int64_t>(from.whole(most, "a number of samples"));
  totals.positions = static_cast<std::int64_t>(from.whole(most, "a number of positions"));
  const std::size_t sums = from.count(sizeof(double), "sums");
  for (std::size_t i = 0; i < sums; ++i) {
    totals.sums.push_back(from.real64());
    if (!std::isfinite(totals.sums.back())) from.refuse("a sum that is not finite");
  }
  return totals;
}

}  // namespace

void NetworkWatch::observe(const std::string& tensor, const TensorParts& batch) {
  bounds_.observe(tensor, batch);
  if (corrector_) corrector_->observe(tensor, batch);
}

void NetworkWatch::save(const std::string& tensor, ByteWriter& to) const {
  if (bounds_.watches(tensor)) {
    const BoundCounts& counts = bounds_.counts(tensor);
    to.whole(counts.values);
    to.whole(counts.reached);
    to.whole(counts.exceeded);
  }
  if (!in_order(tensor)) return;
  for (const LayerInputs& layer : corrector_->inputs(tensor)) {
    to.text(layer.refused);
    write_totals(to, layer.sums.fitted);
    write_totals(to, layer.sums.held_back);
  }
}

void NetworkWatch::merge(const std::string& tensor, ByteReader& from) {
  if (from.left() == 0) return;
  if (bounds_.watches(tensor)) {
    BoundCounts counts;
    counts.values = from.whole();
    counts.reached = from.whole(counts.values, "a count of values");
    counts.exceeded = from.whole(counts.reached, "a count of values");
    bounds_.add(tensor, counts);
  }
  if (in_order(tensor)) {
    std::vector<LayerInputs> layers(corrector_->inputs(tensor).size());
    for (LayerInputs& layer : layers) {
      layer.refused = from.text();
      layer.sums.fitted = read_totals(from);
      layer.sums.held_back = read_totals(from);
    }
    try {
      corrector_->resume(tensor, layers);
    } catch (const InvalidArgument& error) {
      from.refuse(error.what());
    }
  }
}

}  // namespace qcal
