#include "engine/dumps/file_dump.h"

#include <fmt/format.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <functional>
#include <new>
#include <span>
#include <utility>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/value_stream.h"
#include "engine/error.h"

namespace qcal {
namespace {

// Released buffers that a dump keeps for its next batches: enough for several threads with usual batches.
constexpr std::size_t most_spare_bytes = std::size_t{32} << 20;
// Larger batches are handed over in parts, and read again for a second look; smaller ones are read once.
constexpr std::uint64_t most_whole_bytes = std::uint64_t{16} << 20;
constexpr std::int64_t part_bytes = std::int64_t{4} << 20;

// A buffer for as long as somebody needs it. The pool is shared, because a batch may outlive its dump.
class PooledBuffer {
 public:
  PooledBuffer(std::shared_ptr<BufferPool> pool, std::uint64_t bytes, const std::string& where)
      : pool_(std::move(pool)), buffer_(take(*pool_, bytes, where)) {}
  ~PooledBuffer() { pool_->give_back(std::move(buffer_)); }
  PooledBuffer(const PooledBuffer&) = delete;
  PooledBuffer& operator=(const PooledBuffer&) = delete;

  std::span<std::byte> bytes() { return buffer_.bytes(); }

 private:
  static PageBuffer take(BufferPool& pool, std::uint64_t bytes, const std::string& where) {
    try {
      return pool.take(static_cast<std::size_t>(bytes));
    } catch (const std::bad_alloc&) {
      throw IoError(fmt::format("{}: no memory for a batch of {} bytes", where, bytes));
    }
  }

  std::shared_ptr<BufferPool> pool_;
  PageBuffer buffer_;
};

class ReadBatch final : public DumpBatch {
 public:
  ReadBatch(const std::shared_ptr<BufferPool>& buffers, const std::shared_ptr<ArchivePool>& archives,
            const StoredTensor& stored, const std::string& where)
      : buffer_(buffers, stored.bytes, where) {
    const std::span<std::byte> values = buffer_.bytes().first(static_cast<std::size_t>(stored.bytes));
    const auto stream = open_values(stored, *archives, where);
    stream->read(values);
    stream->finish();
    view_ = {values.data(), *stored.dtype, stored.shape, Memory::host, stored.strides};
  }
  const TensorView& view() const override { return view_; }

 private:
  PooledBuffer buffer_;
  TensorView view_;
};

class WholeBatch final : public TensorParts {
 public:
  explicit WholeBatch(std::unique_ptr<DumpBatch> batch) : batch_(std::move(batch)) {}
  DType dtype() const override { return batch_->view().dtype; }
  const std::vector<std::int64_t>& shape() const override { return batch_->view().shape; }
  bool whole() const override { return true; }
  void for_each(const std::function<void(const TensorPart&)>& visit) const override {
    WholeTensor(batch_->view()).for_each(visit);
  }

 private:
  std::unique_ptr<DumpBatch> batch_;
};

// Two parts in memory: while one is visited, a thread that is idle reads the next.
class StreamedBatch final : public TensorParts {
 public:
  StreamedBatch(std::shared_ptr<BufferPool> buffers, std::shared_ptr<ArchivePool> archives,
                const StoredTensor& stored, std::string where)
      : buffers_(std::move(buffers)),
        archives_(std::move(archives)),
        stored_(stored),
        where_(std::move(where)) {}

  DType dtype() const override { return *stored_.dtype; }
  const std::vector<std::int64_t>& shape() const override { return stored_.shape; }
  bool whole() const override { return false; }
  void for_each(const std::function<void(const TensorPart&)>& visit) const override {
    const auto element = static_cast<std::int64_t>(size_of(*stored_.dtype));
    const auto stream = open_values(stored_, *archives_, where_);
    PooledBuffer even(buffers_, part_bytes, where_);
    PooledBuffer odd(buffers_, part_bytes, where_);
    const std::vector<TensorBox> boxes = contiguous_boxes(stored_.shape, part_bytes / element);
    const auto view = [&](std::size_t box, PooledBuffer& in) {
      return TensorView{in.bytes().data(), *stored_.dtype, boxes[box].shape, Memory::host, {}};
    };
    const auto read = [&](std::size_t box, PooledBuffer& into) {
      stream->read(into.bytes().first(static_cast<std::size_t>(view(box, into).size() * element)));
    };
    read(0, even);
    for (std::size_t box = 0; box < boxes.size(); ++box) {
      PooledBuffer& now = box % 2 == 0 ? even : odd;
      PooledBuffer& next = box % 2 == 0 ? odd : even;
      // Isolated: who waits here must not begin another tensor.
      tbb::this_task_arena::isolate([&] {
        tbb::task_group reading;
        if (box + 1 < boxes.size()) reading.run([&] { read(box + 1, next); });
        visit({view(box, now), boxes[box].origin});
        reading.wait();
      });
    }
    stream->finish();
  }

 private:
  std::shared_ptr<BufferPool> buffers_;
  std::shared_ptr<ArchivePool> archives_;
  StoredTensor stored_;
  std::string where_;
};

// Extents may differ (a shorter last batch, images of several sizes). Another rank or type is another tensor
// under the same name, and a channel axis would no longer mean one thing.
void check_like_first(const std::string& name, const StoredTensor& first, const StoredTensor& next) {
  const std::string where = file_and_tensor(next.path, name);
  if (next.shape.size() != first.shape.size()) {
    throw InputError(
        fmt::format("{}: shape {}, but {} in {}: the batches of a tensor must have one number of dimensions",
                    where, shape_text(next.shape), shape_text(first.shape), first.path.string()));
  }
  if (next.dtype != first.dtype || (!next.dtype && next.stored_dtype != first.stored_dtype)) {
    throw InputError(fmt::format("{}: dtype {}, but {} in {}: the batches of a tensor must have one dtype",
                                 where, next.stored_dtype, first.stored_dtype, first.path.string()));
  }
}

}  // namespace

FileDump::FileDump(std::string format)
    : format_(std::move(format)),
      buffers_(std::make_shared<BufferPool>(most_spare_bytes)),
      archives_(std::make_shared<ArchivePool>()) {}

void FileDump::add_tensor(const std::string& name) {
  if (index_.emplace(name, names_.size()).second) {
    names_.push_back(name);
    batches_.emplace_back();
  }
}

void FileDump::add_batch(const std::string& name, StoredTensor stored) {
  add_tensor(name);
  std::vector<StoredTensor>& batches = batches_[index_.at(name)];
  if (!batches.empty()) check_like_first(name, batches.front(), stored);
  batches.push_back(std::move(stored));
}

std::uint64_t FileDump::bytes(const std::string& name) const {
  std::uint64_t sum = 0;
  for (const StoredTensor& batch : stored(name)) sum += batch.bytes;
  return sum;
}

std::unique_ptr<DumpBatch> FileDump::open(const std::string& name, std::size_t index) const {
  const StoredTensor& batch = readable(name, index);
  return std::make_unique<ReadBatch>(buffers_, archives_, batch, file_and_tensor(batch.path, name));
}

std::unique_ptr<TensorParts> FileDump::parts(const std::string& name, std::size_t index) const {
  const StoredTensor& batch = readable(name, index);
  // Fortran order in the file is not the order of parts.
  if (batch.bytes <= most_whole_bytes || !batch.strides.empty()) {
    return std::make_unique<WholeBatch>(open(name, index));
  }
  return std::make_unique<StreamedBatch>(buffers_, archives_, batch, file_and_tensor(batch.path, name));
}

std::string FileDump::description() const {
  std::size_t fewest = batches_.empty() ? 0 : batches_.front().size();
  std::size_t most = fewest;
  for (const std::vector<StoredTensor>& batches : batches_) {
    fewest = std::min(fewest, batches.size());
    most = std::max(most, batches.size());
  }
  const std::string range = fewest == most ? fmt::format("{}", most) : fmt::format("{} to {}", fewest, most);
  return fmt::format("{} tensor{} x {} batch{}, {}", names_.size(), names_.size() == 1 ? "" : "s", range,
                     most == 1 ? "" : "es", format_);
}

const std::vector<StoredTensor>& FileDump::stored(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) throw InputError(fmt::format("tensor {}: not in the dump", in_quotes(name)));
  return batches_[found->second];
}

const StoredTensor& FileDump::readable(const std::string& name, std::size_t index) const {
  const std::vector<StoredTensor>& batches = stored(name);
  if (index >= batches.size()) {
    throw InputError(
        fmt::format("tensor {}: no batch {}: the dump has {}", in_quotes(name), index, batches.size()));
  }
  const StoredTensor& batch = batches[index];
  if (!batch.dtype) {
    throw InputError(fmt::format("{}: dtype {} cannot be calibrated; record it as F32, F16, BF16 or F64",
                                 file_and_tensor(batch.path, name), in_quotes(batch.stored_dtype)));
  }
  return batch;
}

}  // namespace qcal
