#include "config/unknown_key.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/nearest_spelling.h"
#include "config/setting_names.h"
#include "config/setting_table.h"

namespace qcal {
namespace {

std::string_view description(Place place) {
  switch (place) {
    case Place::top_level:
      return "the top level of the file";
    case Place::tensor_block:
      return "overall_quantize_config or a tensor of tensor_quantize_config";
    case Place::tensor_roles:
      return "tensor_quantize_config";
    case Place::layer_entry:
      return "an entry of layer_quantize_config";
  }
  return {};
}

constexpr std::array every_place{Place::top_level, Place::tensor_block, Place::tensor_roles,
                                 Place::layer_entry};

}  // namespace

std::vector<std::string_view> known_keys(Place place) {
  std::vector<std::string_view> known;
  switch (place) {
    case Place::top_level:
      for_each_model_setting([&](const auto& setting) { known.push_back(setting.key); });
      known.insert(known.end(), keys::model_blocks.begin(), keys::model_blocks.end());
      break;
    case Place::tensor_block:
      for_each_tensor_setting([&](const auto& setting) { known.push_back(setting.key); });
      break;
    case Place::tensor_roles:
      known = all_spellings<Role>();
      break;
    case Place::layer_entry:
      known.assign(keys::layer_entry.begin(), keys::layer_entry.end());
      break;
  }
  return known;
}

std::string unknown_key(std::string_view key, Place place) {
  std::vector<std::string_view> known = known_keys(place);
  std::string allowed;
  for (const std::string_view name : known) allowed += (allowed.empty() ? "" : ", ") + std::string(name);

  for (const Place other : every_place) {
    if (other != place && std::ranges::count(known_keys(other), key) > 0)
      return "the key belongs in " + std::string(description(other)) + "; allowed here: " + allowed;
  }
  if (place == Place::top_level) {
    const std::vector<std::string_view> flat = known_keys(Place::tensor_block);
    known.insert(known.end(), flat.begin(), flat.end());
  }
  std::string message = "unknown key; allowed: " + allowed;
  const std::string_view nearest = nearest_spelling(key, known);
  if (!nearest.empty()) message += "; did you mean " + std::string(nearest) + "?";
  return message;
}

}  // namespace qcal
