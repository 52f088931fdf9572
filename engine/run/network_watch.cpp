#include "engine/run/network_watch.h"

#include <fmt/format.h>

#include <algorithm>
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

void write_counts(ByteWriter& to, const ValueCounts& values) {
  to.real(values.range.min);
  to.real(values.range.max);
  to.whole(values.range.elements);
  to.whole(values.range.non_finite);
  to.whole(ValueCounts::bins - static_cast<std::size_t>(std::ranges::count(values.counts, 0U)));
  for (std::size_t bin = 0; bin < ValueCounts::bins; ++bin) {
    if (values.counts[bin] == 0) continue;
    to.whole(bin);
    to.whole(values.counts[bin]);
  }
}

ValueCounts read_counts(ByteReader& from) {
  ValueCounts values;
  values.range.min = from.real32();
  values.range.max = from.real32();
  values.range.elements = from.whole();
  values.range.non_finite = from.whole(values.range.elements, "a count of values");
  if (!values.range.empty() && !(values.range.min <= values.range.max)) from.refuse("a range without values");
  std::uint64_t left = values.range.elements - values.range.non_finite;
  const std::size_t bins = from.count(2, "bins of a histogram");
  for (std::size_t i = 0; i < bins; ++i) {
    std::uint64_t& count = values.counts[from.whole(ValueCounts::bins - 1, "a bin of a histogram")];
    if (count != 0) from.refuse("a bin of a histogram that is there twice");
    count = from.whole(left, "a count of values");
    left -= count;
  }
  if (left != 0) from.refuse("a histogram that counts fewer values than there are");
  return values;
}

}  // namespace

void NetworkWatch::observe(const std::string& tensor, const TensorParts& batch) {
  bounds_.observe(tensor, batch);
  outputs_.observe(tensor, batch);
  if (corrector_) corrector_->observe(tensor, batch);
}

void NetworkWatch::save(const std::string& tensor, ByteWriter& to) const {
  if (bounds_.watches(tensor)) {
    const BoundCounts& counts = bounds_.counts(tensor);
    to.whole(counts.values);
    to.whole(counts.reached);
    to.whole(counts.exceeded);
  }
  if (outputs_.watches(tensor)) write_counts(to, outputs_.values(tensor));
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
  if (outputs_.watches(tensor)) add(read_counts(from), outputs_.values(tensor));
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
