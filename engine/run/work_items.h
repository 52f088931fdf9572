// What a calibration has to read, and how processes share it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/calibrator.h"
#include "engine/dumps/dump_source.h"
#include "engine/plan/quantization_plan.h"
#include "engine/run/batch_watch.h"

namespace qcal {

enum class ShardBy { batch, tensor };

// One of several processes that share a calibration.
struct Shard {
  int index = 0;  // from 0
  int count = 1;
  ShardBy by = ShardBy::batch;
};

// A tensor to read: a parameter of the network, or one of the recording.
struct WorkItem {
  std::string name;
  const PlannedTensor* planned = nullptr;  // absent: only the watch wants it
  bool calibrated = false;
  bool whole = false;  // one process must read all of it, in order
  std::int64_t batches = 1;
  std::uint64_t bytes = 0;
};

// In the order of the plan, then what only `watch` (if any) wants. Every calibrated tensor of the plan is
// declared in `calibrator` and recorded; both must outlive the items.
std::vector<WorkItem> work_items(const QuantizationPlan& plan, const DumpSource& dumps,
                                 const Calibrator& calibrator, const BatchWatch* watch);

// Batches [first, end) of an item.
struct BatchRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
};

// What `shard` reads of each item. The same items give the same shares in every process; each batch is in one
// share, and shares have nearly as many bytes as the largest whole item allows.
std::vector<BatchRange> share_of(const std::vector<WorkItem>& items, const Shard& shard);

}  // namespace qcal
