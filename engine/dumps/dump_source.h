// Recorded activations on disk, whatever their format: tensors by name, each a list of batches.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/tensor_parts.h"

namespace qcal {

// One batch of one tensor. The view stays valid as long as this object lives; its memory is released with it,
// and it may outlive the source.
class DumpBatch {
 public:
  virtual ~DumpBatch() = default;
  virtual const TensorView& view() const = 0;
};

class DumpSource {
 public:
  virtual ~DumpSource() = default;

  // Tensor names in the order of the manifest (or of the first file that holds them).
  virtual const std::vector<std::string>& names() const = 0;
  virtual bool contains(const std::string& name) const = 0;
  // Number of batches of the tensor; 0 where there is none. Throws InputError for an unknown name.
  virtual std::size_t batches(const std::string& name) const = 0;
  // Bytes of values over all batches of the tensor (from headers and file sizes; nothing is read).
  virtual std::uint64_t bytes(const std::string& name) const = 0;
  // Reads batch `index` into memory of its own. Thread-safe. Throws InputError naming file, tensor and
  // defect; IoError where the file shrinks or the device fails meanwhile.
  virtual std::unique_ptr<DumpBatch> open(const std::string& name, std::size_t index) const = 0;
  // The same batch for one who can do with parts: those of a large batch are read when they are visited, so
  // that it takes a few MiB whatever its size (in Fortran order: all of it). Must not outlive the source.
  virtual std::unique_ptr<TensorParts> parts(const std::string& name, std::size_t index) const = 0;
  // sha256 (lower-case hex) of the model the dump was recorded from, where the dump says so.
  virtual std::optional<std::string> model_sha256() const = 0;
  // For messages: what was opened ("3 tensors x 8 batches, npy with manifest.json").
  virtual std::string description() const = 0;
};

// Opens a directory holding manifest.json + *.npy, *.safetensors, or *.npz (one a batch, sorted by name).
// Every header is read and checked here, so that a broken file is found before any work is done. Throws
// InputError.
std::unique_ptr<DumpSource> open_dumps(const std::filesystem::path& directory);

}  // namespace qcal
