// A dump in files, whatever their format: tensors by name, each a list of places where batches lie.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/dumps/archive_pool.h"
#include "engine/dumps/buffer_pool.h"
#include "engine/dumps/dump_source.h"
#include "engine/dumps/stored_tensor.h"

namespace qcal {

// What all formats come down to once their headers are read. Files are opened for as long as one batch is
// read, so that a dump of any number of files needs no descriptors in between.
class FileDump : public DumpSource {
 public:
  explicit FileDump(std::string format);

  void add_tensor(const std::string& name);
  // Throws InputError where rank or dtype is not that of the tensor's first batch.
  void add_batch(const std::string& name, StoredTensor stored);
  void set_model_sha256(std::optional<std::string> hash) { model_sha256_ = std::move(hash); }

  const std::vector<std::string>& names() const override { return names_; }
  bool contains(const std::string& name) const override { return index_.contains(name); }
  std::size_t batches(const std::string& name) const override { return stored(name).size(); }
  std::optional<std::string> model_sha256() const override { return model_sha256_; }
  std::uint64_t bytes(const std::string& name) const override;
  std::unique_ptr<DumpBatch> open(const std::string& name, std::size_t index) const override;
  std::unique_ptr<TensorParts> parts(const std::string& name, std::size_t index) const override;
  std::string description() const override;

 private:
  const std::vector<StoredTensor>& stored(const std::string& name) const;
  const StoredTensor& readable(const std::string& name, std::size_t index) const;

  std::string format_;
  std::shared_ptr<BufferPool> buffers_;
  std::shared_ptr<ArchivePool> archives_;
  std::vector<std::string> names_;
  std::vector<std::vector<StoredTensor>> batches_;  // beside names_
  std::unordered_map<std::string, std::size_t> index_;
  std::optional<std::string> model_sha256_;
};

}  // namespace qcal
