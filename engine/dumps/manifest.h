// manifest.json of a directory of npy files: which file holds which batch of which tensor.
// {"model_sha256": "19ac...", "tensors": {"conv1.output": ["0.npy", "1.npy"]}}
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace qcal {

struct ManifestEntry {
  std::string tensor;
  std::vector<std::filesystem::path> batches;  // in batch order, joined to the manifest's directory
};

struct Manifest {
  std::optional<std::string> model_sha256;  // lower case
  std::vector<ManifestEntry> tensors;       // in the order of the file
};

// File names are relative to the manifest's directory and stay inside it: a dump from elsewhere must not make
// us read other files. Whether the files exist is left to the reader that opens them. Throws InputError.
Manifest read_manifest(const std::filesystem::path& path);

}  // namespace qcal
