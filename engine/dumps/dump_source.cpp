#include "engine/dumps/dump_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <span>
#include <string_view>
#include <unordered_map>

#include "engine/dumps/buffer_pool.h"
#include "engine/dumps/in_quotes.h"
#include "engine/dumps/manifest.h"
#include "engine/dumps/npy.h"
#include "engine/dumps/page_buffer.h"
#include "engine/dumps/safetensors.h"
#include "engine/dumps/stored_tensor.h"
#include "engine/error.h"

namespace qcal {
namespace {

// Released buffers that a dump keeps for its next batches: enough for several threads with usual batches.
constexpr std::size_t most_spare_bytes = std::size_t{32} << 20;

class ReadBatch : public DumpBatch {
 public:
  ReadBatch(std::shared_ptr<BufferPool> pool, const StoredTensor& stored)
      : pool_(std::move(pool)), buffer_(pool_->take(static_cast<std::size_t>(stored.bytes))) {
    view_.data = buffer_.data();
    view_.dtype = *stored.dtype;
    view_.shape = stored.shape;
    view_.strides = stored.strides;
  }
  ~ReadBatch() override { pool_->give_back(std::move(buffer_)); }
  ReadBatch(const ReadBatch&) = delete;
  ReadBatch& operator=(const ReadBatch&) = delete;

  const TensorView& view() const override { return view_; }
  std::span<std::byte> buffer() { return buffer_.bytes(); }

 private:
  std::shared_ptr<BufferPool> pool_;  // shared: a batch may outlive its dump
  PageBuffer buffer_;
  TensorView view_;
};

// What both formats come down to once their headers are read: tensors, each a list of places in files. Files
// are opened for as long as one batch is read, so that a dump of any number of files needs no descriptors in
// between.
class FileDump : public DumpSource {
 public:
  explicit FileDump(std::string format) : format_(std::move(format)) {}

  void add_tensor(const std::string& name) {
    if (index_.emplace(name, names_.size()).second) {
      names_.push_back(name);
      batches_.emplace_back();
    }
  }

  void add_batch(const std::string& name, StoredTensor stored) {
    add_tensor(name);
    std::vector<StoredTensor>& batches = batches_[index_.at(name)];
    if (!batches.empty()) check_like_first(name, batches.front(), stored);
    batches.push_back(std::move(stored));
  }

  void set_model_sha256(std::optional<std::string> hash) { model_sha256_ = std::move(hash); }

  const std::vector<std::string>& names() const override { return names_; }
  bool contains(const std::string& name) const override { return index_.contains(name); }
  std::size_t batches(const std::string& name) const override { return stored(name).size(); }
  std::optional<std::string> model_sha256() const override { return model_sha256_; }

  std::uint64_t bytes(const std::string& name) const override {
    std::uint64_t sum = 0;
    for (const StoredTensor& batch : stored(name)) sum += batch.bytes;
    return sum;
  }

  std::unique_ptr<DumpBatch> open(const std::string& name, std::size_t index) const override {
    const std::vector<StoredTensor>& batches = stored(name);
    if (index >= batches.size()) {
      throw InputError(
          fmt::format("tensor {}: no batch {}: the dump has {}", in_quotes(name), index, batches.size()));
    }
    const StoredTensor& batch = batches[index];
    const std::string where = file_and_tensor(batch.path, name);
    if (!batch.dtype) {
      throw InputError(fmt::format("{}: dtype {} cannot be calibrated; record it as F32, F16, BF16 or F64",
                                   where, in_quotes(batch.stored_dtype)));
    }
    const InputFile file(batch.path);
    if (file.stamp() != batch.stamp) {
      throw InputError(where + ": the file changed after its header was read: is it still being recorded?");
    }
    try {
      auto result = std::make_unique<ReadBatch>(pool_, batch);
      file.read(batch.offset, result->buffer().first(static_cast<std::size_t>(batch.bytes)));
      return result;
    } catch (const std::bad_alloc&) {
      throw IoError(fmt::format("{}: no memory for a batch of {} bytes", where, batch.bytes));
    }
  }

  std::string description() const override {
    std::size_t fewest = batches_.empty() ? 0 : batches_.front().size();
    std::size_t most = fewest;
    for (const std::vector<StoredTensor>& batches : batches_) {
      fewest = std::min(fewest, batches.size());
      most = std::max(most, batches.size());
    }
    const std::string range =
        fewest == most ? fmt::format("{}", most) : fmt::format("{} to {}", fewest, most);
    return fmt::format("{} tensor{} x {} batch{}, {}", names_.size(), names_.size() == 1 ? "" : "s", range,
                       most == 1 ? "" : "es", format_);
  }

 private:
  const std::vector<StoredTensor>& stored(const std::string& name) const {
    const auto found = index_.find(name);
    if (found == index_.end()) throw InputError(fmt::format("tensor {}: not in the dump", in_quotes(name)));
    return batches_[found->second];
  }

  // Extents may differ (a shorter last batch, images of several sizes). Another rank or type is another
  // tensor under the same name, and a channel axis would no longer mean one thing.
  static void check_like_first(const std::string& name, const StoredTensor& first, const StoredTensor& next) {
    const std::string where = file_and_tensor(next.path, name);
    if (next.shape.size() != first.shape.size()) {
      throw InputError(fmt::format(
          "{}: shape {}, but {} in {}: the batches of a tensor must have one number of dimensions", where,
          shape_text(next.shape), shape_text(first.shape), first.path.string()));
    }
    if (next.dtype != first.dtype || (!next.dtype && next.stored_dtype != first.stored_dtype)) {
      throw InputError(fmt::format("{}: dtype {}, but {} in {}: the batches of a tensor must have one dtype",
                                   where, next.stored_dtype, first.stored_dtype, first.path.string()));
    }
  }

  std::string format_;
  std::shared_ptr<BufferPool> pool_ = std::make_shared<BufferPool>(most_spare_bytes);
  std::vector<std::string> names_;
  std::vector<std::vector<StoredTensor>> batches_;  // beside names_
  std::unordered_map<std::string, std::size_t> index_;
  std::optional<std::string> model_sha256_;
};

constexpr std::string_view expected_layout =
    "a dump is a directory with manifest.json and *.npy files, or with *.safetensors files, one a batch";

struct Listing {
  bool manifest = false;
  std::vector<std::filesystem::path> safetensors;  // sorted by name
  std::size_t npy = 0;
  std::size_t npz = 0;
};

Listing list(const std::filesystem::path& directory) {
  Listing listing;
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(directory, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw InputError(fmt::format("{}: no such directory; {}", directory.string(), expected_layout));
  }
  if (error) throw IoError(fmt::format("{}: {}", directory.string(), error.message()));
  if (!std::filesystem::is_directory(status)) {
    throw InputError(fmt::format("{}: not a directory; {}", directory.string(), expected_layout));
  }
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::filesystem::path& path = entry->path();
    const std::string name = path.filename().string();
    if (name.starts_with('.')) continue;  // editors and other systems leave shadows such as ._0.safetensors
    if (name == "manifest.json") listing.manifest = true;
    if (path.extension() == ".safetensors") listing.safetensors.push_back(path);
    if (path.extension() == ".npy") ++listing.npy;
    if (path.extension() == ".npz") ++listing.npz;
  }
  if (error)
    throw IoError(fmt::format("{}: cannot list the directory: {}", directory.string(), error.message()));
  std::sort(listing.safetensors.begin(), listing.safetensors.end());
  return listing;
}

std::unique_ptr<DumpSource> open_npy(const std::filesystem::path& directory) {
  auto dump = std::make_unique<FileDump>("npy with manifest.json");
  Manifest manifest = read_manifest(directory / "manifest.json");
  for (const ManifestEntry& entry : manifest.tensors) {
    dump->add_tensor(entry.tensor);
    for (const std::filesystem::path& path : entry.batches) {
      dump->add_batch(entry.tensor, read_npy_header(path, entry.tensor));
    }
  }
  dump->set_model_sha256(std::move(manifest.model_sha256));
  return dump;
}

std::unique_ptr<DumpSource> open_safetensors(const std::vector<std::filesystem::path>& files) {
  auto dump = std::make_unique<FileDump>("safetensors");
  std::optional<std::string> hash;
  std::filesystem::path hash_from;
  for (const std::filesystem::path& path : files) {
    SafetensorsHeader header = read_safetensors_header(path);
    for (NamedTensor& named : header.tensors) dump->add_batch(named.name, std::move(named.tensor));
    if (!header.model_sha256) continue;
    if (hash && *hash != *header.model_sha256) {
      throw InputError(fmt::format("{}: recorded from model {}, but {} from {}: one dump, one model",
                                   path.string(), *header.model_sha256, hash_from.string(), *hash));
    }
    hash = std::move(header.model_sha256);
    hash_from = path;
  }
  dump->set_model_sha256(std::move(hash));
  return dump;
}

}  // namespace

std::unique_ptr<DumpSource> open_dumps(const std::filesystem::path& directory) {
  const Listing listing = list(directory);
  const std::string where = directory.string();
  if (listing.manifest && !listing.safetensors.empty()) {
    throw InputError(
        fmt::format("{}: holds both manifest.json and {} *.safetensors: which of them is the dump? Move "
                    "the others elsewhere",
                    where, listing.safetensors.size()));
  }
  if (!listing.safetensors.empty() && listing.npz > 0) {
    throw InputError(
        fmt::format("{}: holds both {} *.safetensors and {} *.npz: which of them is the dump? Move the "
                    "others elsewhere",
                    where, listing.safetensors.size(), listing.npz));
  }
  if (listing.manifest) return open_npy(directory);
  if (!listing.safetensors.empty()) return open_safetensors(listing.safetensors);
  if (listing.npz > 0) {
    throw InputError(
        fmt::format("{}: holds {} *.npz, which are not read yet; convert each with "
                    "safetensors.numpy.save_file(dict(numpy.load(\"x.npz\")), \"x.safetensors\")",
                    where, listing.npz));
  }
  if (listing.npy > 0) {
    throw InputError(
        fmt::format("{}: holds {} *.npy but no manifest.json, which says which file is which batch of "
                    "which tensor: {{\"tensors\": {{\"name\": [\"0.npy\", \"1.npy\"]}}}}",
                    where, listing.npy));
  }
  throw InputError(
      fmt::format("{}: neither manifest.json nor *.safetensors found; {}", where, expected_layout));
}

}  // namespace qcal
