#include "engine/dumps/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/input_file.h"
#include "engine/dumps/json_input.h"
#include "engine/dumps/sha256.h"
#include "engine/dumps/stored_tensor.h"
#include "engine/error.h"

namespace qcal {
namespace {

constexpr std::uint64_t longest_manifest = 100'000'000;

std::filesystem::path batch_path(const rapidjson::Value& value, const std::filesystem::path& directory,
                                 const std::string& where) {
  if (!value.IsString()) throw InputError(where + ": every batch must be a file name");
  const std::string_view name = text_of(value);
  const std::filesystem::path relative(name);
  if (name.empty() || name.find('\0') != std::string_view::npos) {
    throw InputError(fmt::format("{}: {} is not a file name", where, in_quotes(name)));
  }
  if (relative.is_absolute() || std::find(relative.begin(), relative.end(), "..") != relative.end()) {
    throw InputError(
        fmt::format("{}: {} leads out of the dump; file names are relative to the manifest, without ..",
                    where, in_quotes(name)));
  }
  return directory / relative;
}

ManifestEntry entry_of(std::string_view tensor, const rapidjson::Value& files,
                       const std::filesystem::path& path) {
  const std::string where = file_and_tensor(path, tensor);
  if (tensor.empty()) throw InputError(path.string() + ": a tensor without a name");
  if (!files.IsArray()) throw InputError(where + ": must be a list of file names, one a batch");
  ManifestEntry entry{.tensor = std::string(tensor), .batches = {}};
  for (const rapidjson::Value& file : files.GetArray()) {
    entry.batches.push_back(batch_path(file, path.parent_path(), where));
  }
  return entry;
}

std::optional<std::string> model_sha256_of(const rapidjson::Value& value, const std::filesystem::path& path) {
  if (value.IsNull()) return std::nullopt;
  const std::string hash = value.IsString() ? normalised_sha256(text_of(value)) : std::string();
  if (hash.empty()) throw InputError(path.string() + ": \"model_sha256\" is not 64 hexadecimal digits");
  return hash;
}

}  // namespace

Manifest read_manifest(const std::filesystem::path& path) {
  const rapidjson::Document document = parse_json(read_text_file(path, longest_manifest), path.string());
  if (!document.IsObject()) throw InputError(path.string() + ": must be an object with the key \"tensors\"");
  Manifest manifest;
  bool tensors_found = false;
  for (const auto& [key, value] : document.GetObject()) {
    if (text_of(key) == "model_sha256") manifest.model_sha256 = model_sha256_of(value, path);
    if (text_of(key) != "tensors") continue;
    tensors_found = true;
    if (!value.IsObject())
      throw InputError(path.string() + ": \"tensors\" must be an object: name to list of files");
    for (const auto& [name, files] : value.GetObject()) {
      manifest.tensors.push_back(entry_of(text_of(name), files, path));
    }
  }
  if (!tensors_found)
    throw InputError(path.string() + ": no \"tensors\": {\"name\": [\"0.npy\", \"1.npy\"]}");
  return manifest;
}

}  // namespace qcal
