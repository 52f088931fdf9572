#include "engine/run/collection.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "engine/collect/tensor_parameters.h"
#include "engine/dumps/in_quotes.h"
#include "engine/error.h"
#include "engine/run/worker_threads.h"
#include "engine/state/tensor_bytes.h"

namespace qcal {
namespace {

bool needs_dump(const PlannedTensor& tensor) {
  return !tensor.parameter && tensor.same_as.empty() && tensor.settings.datatype.value == Datatype::integer;
}

void require_recorded(const QuantizationPlan& plan, const DumpSource& dumps) {
  std::vector<std::string> missing;
  for (const PlannedTensor& tensor : plan.tensors) {
    if (needs_dump(tensor) && (!dumps.contains(tensor.name) || dumps.batches(tensor.name) == 0)) {
      missing.push_back(tensor.name);
    }
  }
  if (missing.empty()) return;
  constexpr std::size_t shown = 10;
  std::string text = dumps.description() + ": " + std::to_string(missing.size()) +
                     " of the tensors to quantize were not recorded:";
  for (std::size_t i = 0; i < std::min(shown, missing.size()); ++i) text += "\n  " + missing[i];
  if (missing.size() > shown) text += "\n  and " + std::to_string(missing.size() - shown) + " more";
  throw InputError(text + "\n`calib_run explain --tensors` prints the names that a dump must hold");
}

// Batches of the range that are in the set.
std::int64_t count_in(const IndexSet& indices, const BatchRange& range) {
  std::int64_t count = 0;
  for (const auto& [first, last] : indices.runs())
    count += std::max<std::int64_t>(0, std::min(range.end, last + 1) - std::max(range.first, first));
  return count;
}

// Bytes that are left to read, taking an item's batches for equally large.
std::uint64_t bytes_left(const WorkItem& work, const IndexSet& done, const BatchRange& share) {
  const std::int64_t left = share.end - share.first - count_in(done, share);
  if (left == work.batches) return work.bytes;
  return work.batches == 0
             ? 0
             : work.bytes / static_cast<std::uint64_t>(work.batches) * static_cast<std::uint64_t>(left);
}

}  // namespace

// Counts what is done and tells the caller, one call at a time.
class Collection::Report {
 public:
  Report(std::size_t tensors, std::uint64_t bytes, const std::function<void(const Progress&)>& listener)
      : listener_(listener) {
    progress_.tensors = tensors;
    progress_.bytes = bytes;
    tell();
  }

  void batch_done(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    progress_.bytes_done += bytes;
    progress_.bytes = std::max(progress_.bytes, progress_.bytes_done);
    tell();
  }
  void tensor_done() {
    const std::lock_guard lock(mutex_);
    ++progress_.tensors_done;
    tell();
  }

 private:
  void tell() const {
    if (listener_) listener_(progress_);
  }

  std::mutex mutex_;
  Progress progress_;
  const std::function<void(const Progress&)>& listener_;
};

Collection::Collection(const QuantizationPlan& plan, const DumpSource& dumps,
                       const Configuration& configuration, const RunOptions& options, BatchWatch* watch)
    : plan_(plan),
      dumps_(dumps),
      options_(options),
      watch_(watch),
      calibrator_(configuration, options.backend, {options.non_finite}) {
  require_recorded(plan, dumps);
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.same_as.empty()) calibrator_.declare(tensor);
  }
  for (WorkItem& work : work_items(plan, dumps, calibrator_, watch)) {
    items_.push_back(std::make_unique<Item>());
    items_.back()->work = std::move(work);
  }
}

void Collection::read(const Shard& shard, const std::function<void()>& after_batch) {
  std::vector<WorkItem> work;
  for (const auto& item : items_) work.push_back(item->work);
  const std::vector<BatchRange> shares = share_of(work, shard);
  struct Job {
    Item* item;
    BatchRange share;
    std::uint64_t bytes;
  };
  std::vector<Job> jobs;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (shares[i].first == shares[i].end) continue;
    jobs.push_back({items_[i].get(), shares[i], bytes_left(items_[i]->work, items_[i]->done, shares[i])});
    bytes += jobs.back().bytes;
  }
  // Large ones first, so that the last tensor to finish is a small one.
  std::ranges::stable_sort(jobs, std::greater<>(), &Job::bytes);
  Report report(jobs.size(), bytes, options_.on_progress);
  std::atomic<std::size_t> next = 0;
  std::atomic<int> reading = 0;
  on_threads(options_.threads, [&](int threads) {
    // No tensor is left for a thread to begin.
    const std::function<bool()> a_thread_is_idle = [&] { return next >= jobs.size() && reading < threads; };
    tbb::parallel_for(0, threads, [&](int) {
      ++reading;
      for (std::size_t at = next++; at < jobs.size(); at = next++) {
        read_item(*jobs[at].item, jobs[at].share, {after_batch, a_thread_is_idle, report});
        report.tensor_done();
      }
      --reading;
    });
  });
}

void Collection::read_item(Item& item, const BatchRange& share, const Course& course) {
  const auto next_after = [&](std::int64_t index) {
    do ++index;
    while (index < share.end && item.done.contains(index));
    return index;
  };
  std::unique_ptr<TensorParts> batch;  // the next one, where it was read ahead
  for (std::int64_t index = next_after(share.first - 1); index < share.end;) {
    {
      const std::lock_guard lock(item.mutex);
      const std::int64_t next = next_after(index);
      batch = read_batch(item.work, index, std::move(batch), next < share.end ? next : -1, course);
      item.done.insert(index);
      index = next;
    }
    if (course.after_batch) course.after_batch();
  }
  const std::lock_guard lock(item.mutex);
  if (item.work.calibrated && !item.done.missing(item.work.batches)) calibrator_.complete(item.work.name);
}

std::unique_ptr<TensorParts> Collection::read_batch(const WorkItem& work, std::int64_t index,
                                                    std::unique_ptr<TensorParts> batch, std::int64_t next,
                                                    const Course& course) {
  const auto observe = [&](const TensorParts& values) {
    if (work.calibrated) calibrator_.observe(work.name, values, {}, index);
    std::uint64_t elements = 1;
    for (const std::int64_t extent : values.shape()) elements *= static_cast<std::uint64_t>(extent);
    course.report.batch_done(elements * size_of(values.dtype()));
  };
  std::unique_ptr<TensorParts> ahead;
  // Without isolation a thread that waits for its own batch could start another tensor and hold two batches.
  tbb::this_task_arena::isolate([&] {
    if (work.planned != nullptr && work.planned->parameter) {
      const TensorView values = values_of(*work.planned);
      return observe(WholeTensor(values));
    }
    if (!batch) batch = dumps_.parts(work.name, static_cast<std::size_t>(index));
    tbb::task_group reading;
    if (next >= 0 && course.a_thread_is_idle())
      reading.run([&] { ahead = dumps_.parts(work.name, static_cast<std::size_t>(next)); });
    observe(*batch);
    if (watch_ != nullptr) watch_->observe(work.name, *batch);
    reading.wait();
  });
  return ahead;
}

void Collection::save(ByteWriter& to) const {
  std::vector<std::string> states;
  for (const auto& item : items_) {
    const std::lock_guard lock(item->mutex);
    if (item->done.empty()) continue;
    ByteWriter state;
    state.text(item->work.name);
    write_indices(state, item->done);
    state.text(item->work.calibrated ? calibrator_.save_tensor(item->work.name) : "");
    ByteWriter watched;
    if (watch_ != nullptr && !(item->work.planned != nullptr && item->work.planned->parameter))
      watch_->save(item->work.name, watched);
    state.text(watched.bytes());
    states.push_back(state.take());
  }
  to.whole(states.size());
  for (const std::string& state : states) to.text(state);
}

void Collection::merge(ByteReader& from) {
  std::map<std::string_view, Item*> known;
  for (const auto& item : items_) known.emplace(item->work.name, item.get());
  const std::size_t states = from.count(1, "tensors");
  for (std::size_t i = 0; i < states; ++i) {
    ByteReader state(from.text(), from.source());
    const std::string name(state.text());
    const auto found = known.find(name);
    if (found == known.end()) state.refuse("tensor " + in_quotes(name) + " is none of this calibration");
    Item& item = *found->second;
    const std::lock_guard lock(item.mutex);
    ByteReader own(state.rest(), from.source() + ": tensor " + in_quotes(name));
    const IndexSet done = read_indices(own);
    if (!done.empty() && (done.runs().begin()->first < 0 || done.largest() >= item.work.batches))
      own.refuse(fmt::format("batches that are none of its {}", item.work.batches));
    if (const auto both = item.done.common(done))
      own.refuse(fmt::format("batch {} was read already; merge each shard once", *both));
    if (item.work.whole && !item.done.empty()) own.refuse("its batches must all be read by one process");
    const std::string_view calibrated = own.text();
    if (item.work.calibrated) calibrator_.merge_tensor(name, calibrated, from.source());
    ByteReader watched(own.text(), own.source());
    if (watch_ != nullptr) watch_->merge(name, watched);
    watched.end();
    own.end();
    item.done.merge(done);
  }
}

std::string Collection::missing() const {
  for (const auto& item : items_) {
    const std::lock_guard lock(item->mutex);
    if (const auto index = item->done.missing(item->work.batches))
      return fmt::format("batch {} of tensor {}", *index, in_quotes(item->work.name));
  }
  return "";
}

QuantizationParameters Collection::finish() {
  if (const std::string batch = missing(); !batch.empty())
    throw InvalidArgument("nobody has read " + batch + "; merge the states of all shards");
  return with_shared_parameters(plan_, calibrator_.finish());
}

}  // namespace qcal
