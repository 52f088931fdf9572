#include "engine/export/diff.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <string_view>
#include <tuple>

#include "engine/dumps/in_quotes.h"

namespace qcal {
namespace {

using Kind = Difference::Kind;

std::string text(bool value) {
  return value ? "true" : "false";
}
std::string text(double value) {
  return fmt::format("{}", value);
}
std::string text(int value) {
  return fmt::format("{}", value);
}
std::string text(std::int64_t value) {
  return fmt::format("{}", value);
}
std::string text(std::uint64_t value) {
  return fmt::format("{}", value);
}
std::string text(const std::optional<int>& value) {
  return value ? text(*value) : "none";
}
template <Spelled Setting>
std::string text(Setting value) {
  return std::string(spelling(value));
}

std::optional<double> relative_change(double before, double after) {
  if (before == 0) return std::nullopt;
  return (after - before) / std::abs(before);
}

// How much a channel changed, to choose the one to show. Integers count by their distance.
double magnitude(double before, double after) {
  return before == 0 ? std::numeric_limits<double>::infinity() : std::abs((after - before) / before);
}
double magnitude(std::int64_t before, std::int64_t after) {
  return std::abs(static_cast<double>(after) - static_cast<double>(before));
}
double magnitude(int before, int after) {
  return std::abs(after - before);
}

class TensorComparison {
 public:
  TensorComparison(const TensorParameters& first, const TensorParameters& second,
                   std::vector<Difference>& into)
      : first_(first), second_(second), into_(into) {}

  void run() {
    single(Kind::setting, "datatype", &TensorParameters::datatype);
    single(Kind::setting, "bit_width", &TensorParameters::bit_width);
    single(Kind::setting, "qmin", &TensorParameters::qmin);
    single(Kind::setting, "qmax", &TensorParameters::qmax);
    single(Kind::setting, "signed", &TensorParameters::is_signed);
    single(Kind::setting, "symmetric", &TensorParameters::symmetric);
    single(Kind::setting, "granularity", &TensorParameters::granularity);
    single(Kind::setting, "axis", &TensorParameters::axis);
    single(Kind::setting, "method", &TensorParameters::method);
    single(Kind::setting, "round_mode", &TensorParameters::round_mode);
    single(Kind::setting, "scale_type", &TensorParameters::scale_type);
    single(Kind::setting, "batch_statistic", &TensorParameters::statistic);
    single(Kind::setting, "calib_scope", &TensorParameters::scope);
    channels("scale", first_.scale, second_.scale);
    channels("zero_point", first_.zero_point, second_.zero_point);
    channels("amax", first_.amax, second_.amax);
    channels("fix_pos", first_.fix_pos.value_or(std::vector<int>{}),
             second_.fix_pos.value_or(std::vector<int>{}));
    single(Kind::result, "batches", &TensorParameters::batches);
    single(Kind::result, "elements", &TensorParameters::elements);
    single(Kind::result, "non_finite", &TensorParameters::non_finite);
  }

 private:
  Difference& add(Kind kind, std::string field) {
    Difference& difference = into_.emplace_back();
    difference.layer = first_.layer;
    difference.layer_type = first_.layer_type;
    difference.tensor = first_.name;
    difference.role = first_.role;
    difference.kind = kind;
    difference.field = std::move(field);
    return difference;
  }

  template <class Value>
  void single(Kind kind, const char* field, Value TensorParameters::*member) {
    if (first_.*member == second_.*member) return;
    Difference& difference = add(kind, field);
    difference.before = text(first_.*member);
    difference.after = text(second_.*member);
    if (kind == Kind::result) difference.channels = difference.changed_channels = 1;
  }

  template <class Value>
  void channels(const char* field, const std::vector<Value>& before, const std::vector<Value>& after) {
    if (before == after) return;
    if (before.size() != after.size()) {
      Difference& difference = add(Kind::result, field);
      difference.before = before.size() == 1 ? text(before[0]) : fmt::format("{} values", before.size());
      difference.after = after.size() == 1 ? text(after[0]) : fmt::format("{} values", after.size());
      difference.channels = difference.changed_channels = std::max(before.size(), after.size());
      return;
    }
    std::size_t changed = 0;
    std::size_t most = 0;
    double largest = -1;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i] == after[i]) continue;
      ++changed;
      const double size = magnitude(before[i], after[i]);
      if (size > largest) {
        largest = size;
        most = i;
      }
    }
    Difference& difference =
        add(Kind::result, before.size() == 1 ? field : fmt::format("{}[{}]", field, most));
    difference.before = text(before[most]);
    difference.after = text(after[most]);
    if constexpr (std::is_same_v<Value, double>) {
      difference.relative_change = relative_change(before[most], after[most]);
    }
    difference.changed_channels = changed;
    difference.channels = before.size();
  }

  const TensorParameters& first_;
  const TensorParameters& second_;
  std::vector<Difference>& into_;
};

// A tensor of either result or of both. Their order is the first result's; what only the second has stands
// where it stands there, after what is before it.
struct Correspondence {
  const TensorParameters* first = nullptr;
  const TensorParameters* second = nullptr;
};

std::list<Correspondence> correspondences(const QuantizationParameters& first,
                                          const QuantizationParameters& second) {
  using Key = std::tuple<std::string_view, Role, std::string_view>;
  const auto key = [](const TensorParameters& tensor) { return Key{tensor.layer, tensor.role, tensor.name}; };
  std::list<Correspondence> all;
  std::map<Key, std::list<Correspondence>::iterator> places;
  for (const TensorParameters& tensor : first.tensors) {
    places.emplace(key(tensor), all.insert(all.end(), {&tensor, nullptr}));
  }
  auto next = all.begin();
  for (const TensorParameters& tensor : second.tensors) {
    const auto place = places.find(key(tensor));
    if (place == places.end()) {
      all.insert(next, {nullptr, &tensor});
    } else {
      place->second->second = &tensor;
      next = std::next(place->second);
    }
  }
  return all;
}

void add_whole(const TensorParameters& tensor, Kind kind, std::vector<Difference>& into) {
  Difference& difference = into.emplace_back();
  difference.layer = tensor.layer;
  difference.layer_type = tensor.layer_type;
  difference.tensor = tensor.name;
  difference.role = tensor.role;
  difference.kind = kind;
}

std::string line_of(const Difference& difference) {
  if (difference.kind == Kind::only_in_first) return "    only in the first\n";
  if (difference.kind == Kind::only_in_second) return "    only in the second\n";
  std::string line =
      fmt::format("    {:<16} {} -> {}", difference.field, difference.before, difference.after);
  if (difference.relative_change) line += fmt::format(" ({:+.3g} %)", 100 * *difference.relative_change);
  if (difference.channels > 1) {
    line += fmt::format(", {} of {} channels differ", difference.changed_channels, difference.channels);
  }
  return line + "\n";
}

}  // namespace

std::vector<Difference> compare_parameters(const QuantizationParameters& first,
                                           const QuantizationParameters& second) {
  std::vector<Difference> differences;
  for (const Correspondence& tensor : correspondences(first, second)) {
    if (tensor.second == nullptr) {
      add_whole(*tensor.first, Kind::only_in_first, differences);
    } else if (tensor.first == nullptr) {
      add_whole(*tensor.second, Kind::only_in_second, differences);
    } else {
      TensorComparison(*tensor.first, *tensor.second, differences).run();
    }
  }
  return differences;
}

std::string differences_text(const std::vector<Difference>& differences) {
  if (differences.empty()) return "identical\n";
  std::string result;
  const Difference* previous = nullptr;
  for (const Difference& difference : differences) {
    const bool new_layer = previous == nullptr || previous->layer != difference.layer;
    if (new_layer) {
      const std::string layer = difference.layer.empty() ? "graph inputs" : difference.layer;
      result += difference.layer_type.empty() ? fmt::format("{}\n", layer)
                                              : fmt::format("{} ({})\n", layer, difference.layer_type);
    }
    if (new_layer || previous->tensor != difference.tensor || previous->role != difference.role) {
      result += fmt::format("  {} {}\n", spelling(difference.role), in_quotes(difference.tensor));
    }
    result += line_of(difference);
    previous = &difference;
  }
  return result;
}

}  // namespace qcal
