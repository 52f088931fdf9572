#include "engine/run/work_items.h"

#include <algorithm>
#include <numeric>

namespace qcal {
namespace {

bool is_quantized(const PlannedTensor& tensor) {
  return tensor.settings.datatype.value == Datatype::integer;
}

}  // namespace

std::vector<WorkItem> work_items(const QuantizationPlan& plan, const DumpSource& dumps,
                                 const Calibrator& calibrator, const BatchWatch* watch) {
  std::vector<WorkItem> items;
  const auto recorded = [&](WorkItem item) {
    item.batches = static_cast<std::int64_t>(dumps.batches(item.name));
    item.bytes = dumps.bytes(item.name);
    if (watch != nullptr && watch->in_order(item.name)) item.whole = true;
    items.push_back(std::move(item));
  };
  for (const PlannedTensor& tensor : plan.tensors) {
    const bool calibrated = tensor.same_as.empty() && is_quantized(tensor);
    WorkItem item{tensor.name, &tensor, calibrated, calibrated && !calibrator.splits(tensor.name)};
    if (tensor.parameter) {
      if (!calibrated) continue;
      item.bytes = tensor.parameter->reals()->size() * sizeof(float);
      items.push_back(std::move(item));
    } else if (calibrated || (watch != nullptr && is_quantized(tensor) && dumps.contains(tensor.name))) {
      recorded(std::move(item));
    }
  }
  if (watch == nullptr) return items;
  for (const std::string& name : watch->wanted()) {
    const bool known = std::ranges::find(items, name, &WorkItem::name) != items.end();
    if (!known && dumps.contains(name)) recorded({name});
  }
  return items;
}

std::vector<BatchRange> share_of(const std::vector<WorkItem>& items, const Shard& shard) {
  std::vector<BatchRange> share(items.size());
  std::vector<std::uint64_t> load(static_cast<std::size_t>(shard.count), 0);
  std::vector<std::size_t> owners(load.size());
  std::iota(owners.begin(), owners.end(), std::size_t{0});
  std::vector<std::size_t> whole;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const WorkItem& item = items[i];
    if (item.whole || item.batches <= 1 || shard.by == ShardBy::tensor) {
      whole.push_back(i);
      continue;
    }
    // Blocks of neighbouring batches, the longer ones to those who have least.
    const std::int64_t blocks = std::min<std::int64_t>(shard.count, item.batches);
    const std::int64_t longer = item.batches % blocks;
    std::ranges::stable_sort(owners, {}, [&](std::size_t owner) { return load[owner]; });
    std::int64_t first = 0;
    for (std::int64_t block = 0; block < blocks; ++block) {
      const BatchRange range{first, first + item.batches / blocks + (block < longer ? 1 : 0)};
      const std::size_t owner = owners[static_cast<std::size_t>(block)];
      load[owner] += item.bytes / static_cast<std::uint64_t>(item.batches) *
                     static_cast<std::uint64_t>(range.end - range.first);
      if (owner == static_cast<std::size_t>(shard.index)) share[i] = range;
      first = range.end;
    }
  }
  // The largest first, each to whom has least.
  std::ranges::stable_sort(whole, std::greater<>(), [&](std::size_t i) { return items[i].bytes; });
  for (const std::size_t i : whole) {
    const auto least = std::ranges::min_element(load);
    *least += items[i].bytes;
    if (least - load.begin() == shard.index) share[i] = {0, items[i].batches};
  }
  return share;
}

}  // namespace qcal
