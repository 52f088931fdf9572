#include "engine/analysis/checked_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "engine/dumps/in_quotes.h"
#include "engine/error.h"

namespace qcal {
namespace {

using Key = std::pair<std::string, Role>;

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) text += "\n  " + in_quotes(names[i]);
  if (names.size() > shown) text += fmt::format("\n  and {} more", names.size() - shown);
  return text;
}

// What is wrong with a tensor's parameters; "" where nothing is.
std::string defect(const TensorParameters& tensor, const PlannedTensor& planned) {
  const bool is_bias = tensor.role == Role::bias && tensor.bit_width == 32;
  if (!is_bias && (tensor.bit_width < 2 || tensor.bit_width > 16))
    return fmt::format("{} bits", tensor.bit_width);
  const std::int64_t end = std::int64_t{1} << tensor.bit_width;
  if (tensor.qmin < -end || tensor.qmin > 0 || tensor.qmax < 0 || tensor.qmax > end ||
      tensor.qmax - tensor.qmin < 1 || tensor.qmax - tensor.qmin >= end)
    return fmt::format("integers of [{}, {}] in {} bits", tensor.qmin, tensor.qmax, tensor.bit_width);
  const auto usable = [](double scale) { return std::isfinite(scale) && scale >= 0.0; };
  if (!std::ranges::all_of(tensor.scale, usable)) return "a scale that is negative or not finite";
  const auto fits = [](std::int64_t zero_point) {
    return zero_point >= INT32_MIN && zero_point <= INT32_MAX;
  };
  if (!std::ranges::all_of(tensor.zero_point, fits)) return "a zero point of more than 32 bits";
  if (tensor.granularity == Granularity::per_tensor) return "";
  const std::vector<std::int64_t>& shape = planned.shape;
  const int axis = tensor.axis.value_or(-1);
  if (axis < 0 || (!shape.empty() && axis >= static_cast<int>(shape.size())))
    return fmt::format("channels along axis {} of {}", axis, shape.size());
  const std::int64_t channels = shape.empty() ? -1 : shape[static_cast<std::size_t>(axis)];
  return channels < 0 || channels == static_cast<std::int64_t>(tensor.scale.size())
             ? ""
             : fmt::format("{} scales for {} channels", tensor.scale.size(), channels);
}

}  // namespace

void check_parameters(const QuantizationParameters& parameters, const QuantizationPlan& plan,
                      const std::string& file) {
  std::map<Key, const PlannedTensor*> planned;
  for (const PlannedTensor& tensor : plan.tensors) planned.emplace(Key{tensor.name, tensor.role}, &tensor);
  std::vector<std::string> unknown;
  std::set<Key> seen;
  for (const TensorParameters& tensor : parameters.tensors) {
    const auto found = planned.find({tensor.name, tensor.role});
    if (found == planned.end()) {
      unknown.push_back(tensor.name);
      continue;
    }
    seen.insert(found->first);
    if (tensor.datatype != Datatype::integer) continue;
    if (const std::string what = defect(tensor, *found->second); !what.empty())
      throw InputError(fmt::format("{}: tensor {}: {}", file, in_quotes(tensor.name), what));
  }
  const std::string advice = "\nanalyze with the model, --config and --placement that calibrate was given";
  if (!unknown.empty()) {
    throw InputError(fmt::format("{}: {} tensors that are not quantized in this network:{}{}", file,
                                 unknown.size(), listed(unknown), advice));
  }
  std::vector<std::string> missing;
  for (const auto& [key, tensor] : planned) {
    if (!seen.contains(key)) missing.push_back(key.first);
  }
  if (!missing.empty()) {
    throw InputError(fmt::format("{}: no parameters of {} tensors that are quantized in this network:{}{}",
                                 file, missing.size(), listed(missing), advice));
  }
}

}  // namespace qcal
