// The part of a calibration that reads: every tensor of a plan past collectors and watch, on as many threads
// as asked for, with a state that can be saved at any time and gone on with.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/calibrator.h"
#include "engine/collect/index_set.h"
#include "engine/pipeline.h"
#include "engine/run/batch_watch.h"
#include "engine/run/work_items.h"
#include "engine/state/bytes.h"

namespace qcal {

class Collection {
 public:
  // All must outlive this object; `watch` may be absent. `dumps` need not hold values where none are read.
  // Throws InputError for tensors that the dump lacks (all of them in one message).
  Collection(const QuantizationPlan& plan, const DumpSource& dumps, const Configuration& configuration,
             const RunOptions& options, BatchWatch* watch);

  // Reads what `shard` has to read and is not done yet. `after_batch` may be empty; it is called from any
  // thread, which may then call save(). Memory: one batch a thread, where threads are idle one more for each
  // tensor that is being read, and what the search needs.
  void read(const Shard& shard, const std::function<void()>& after_batch = {});

  // What is done so far, each tensor after one of its batches.
  void save(ByteWriter& to) const;
  // Takes over what another object for the same plan and dumps saved. Throws what `from` throws, and
  // InvalidArgument where both have read a batch.
  void merge(ByteReader& from);

  // The first batch that nobody has read, in words; "" where there is none.
  std::string missing() const;

  // To be called once. Throws InvalidArgument where a batch is missing.
  QuantizationParameters finish();

 private:
  struct Item {
    WorkItem work;
    mutable std::mutex mutex;  // of one batch, or a look at all of them
    IndexSet done;
  };
  class Report;

  // What goes on around the reading of one item.
  struct Course {
    const std::function<void()>& after_batch;
    const std::function<bool()>& a_thread_is_idle;
    Report& report;
  };

  void read_item(Item& item, const BatchRange& share, const Course& course);
  // `batch`: batch `index`, if it has been read already. Meanwhile an idle thread reads batch `next` (-1:
  // none), which is the result.
  std::unique_ptr<TensorParts> read_batch(const WorkItem& work, std::int64_t index,
                                          std::unique_ptr<TensorParts> batch, std::int64_t next,
                                          const Course& course);

  const QuantizationPlan& plan_;
  const DumpSource& dumps_;
  const RunOptions& options_;
  BatchWatch* watch_;
  Calibrator calibrator_;
  std::vector<std::unique_ptr<Item>> items_;
};

}  // namespace qcal
