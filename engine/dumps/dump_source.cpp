#include "engine/dumps/dump_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/dumps/file_dump.h"
#include "engine/dumps/manifest.h"
#include "engine/dumps/npy.h"
#include "engine/dumps/npz.h"
#include "engine/dumps/safetensors.h"
#include "engine/error.h"

namespace qcal {
namespace {

constexpr std::string_view expected_layout =
    "a dump is a directory with manifest.json and *.npy files, or with *.safetensors or *.npz files, one a "
    "batch";

struct Listing {
  bool manifest = false;
  std::vector<std::filesystem::path> safetensors;  // sorted by name
  std::vector<std::filesystem::path> npz;          // likewise
  std::size_t npy = 0;
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
    if (path.extension() == ".npz") listing.npz.push_back(path);
  }
  if (error)
    throw IoError(fmt::format("{}: cannot list the directory: {}", directory.string(), error.message()));
  std::sort(listing.safetensors.begin(), listing.safetensors.end());
  std::sort(listing.npz.begin(), listing.npz.end());
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

using ReadBatchFile = BatchFile (*)(const std::filesystem::path& path);

std::unique_ptr<DumpSource> open_batch_files(const std::vector<std::filesystem::path>& files,
                                             std::string format, ReadBatchFile read) {
  auto dump = std::make_unique<FileDump>(std::move(format));
  std::optional<std::string> hash;
  std::filesystem::path hash_from;
  for (const std::filesystem::path& path : files) {
    BatchFile file = read(path);
    for (NamedTensor& named : file.tensors) dump->add_batch(named.name, std::move(named.tensor));
    if (!file.model_sha256) continue;
    if (hash && *hash != *file.model_sha256) {
      throw InputError(fmt::format("{}: recorded from model {}, but {} from {}: one dump, one model",
                                   path.string(), *file.model_sha256, hash_from.string(), *hash));
    }
    hash = std::move(file.model_sha256);
    hash_from = path;
  }
  dump->set_model_sha256(std::move(hash));
  return dump;
}

// A directory is one dump: two kinds in it, and it is not clear which one is meant.
void check_one_kind(const Listing& listing, const std::string& where) {
  std::vector<std::string> kinds;
  if (listing.manifest) kinds.emplace_back("manifest.json");
  if (!listing.safetensors.empty())
    kinds.push_back(fmt::format("{} *.safetensors", listing.safetensors.size()));
  if (!listing.npz.empty()) kinds.push_back(fmt::format("{} *.npz", listing.npz.size()));
  if (kinds.size() < 2) return;
  throw InputError(
      fmt::format("{}: holds both {} and {}: which of them is the dump? Move the others elsewhere", where,
                  kinds[0], kinds[1]));
}

}  // namespace

std::unique_ptr<DumpSource> open_dumps(const std::filesystem::path& directory) {
  const Listing listing = list(directory);
  const std::string where = directory.string();
  check_one_kind(listing, where);
  if (listing.manifest) return open_npy(directory);
  if (!listing.safetensors.empty())
    return open_batch_files(listing.safetensors, "safetensors", read_safetensors_header);
  if (!listing.npz.empty()) return open_batch_files(listing.npz, "npz", read_npz_header);
  if (listing.npy > 0) {
    throw InputError(
        fmt::format("{}: holds {} *.npy but no manifest.json, which says which file is which batch of "
                    "which tensor: {{\"tensors\": {{\"name\": [\"0.npy\", \"1.npy\"]}}}}",
                    where, listing.npy));
  }
  throw InputError(
      fmt::format("{}: neither manifest.json nor *.safetensors nor *.npz found; {}", where, expected_layout));
}

}  // namespace qcal
