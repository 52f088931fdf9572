#include "engine/transform/clamp.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>

#include "engine/graph/fresh_names.h"

namespace qcal {
namespace {

constexpr float unbounded = std::numeric_limits<float>::infinity();

// ONNX's own defaults are the largest finite numbers.
float opened(float bound) {
  return std::abs(bound) == std::numeric_limits<float>::max() ? std::copysign(unbounded, bound) : bound;
}

bool has_nan(const std::vector<float>& values) {
  return std::ranges::any_of(values, [](float value) { return std::isnan(value); });
}

// The constant as bounds of `data`; absent where it varies along another axis than 1 or widens the data.
std::optional<std::vector<float>> bounds_along_channels(const Graph& graph, const std::string& bound,
                                                        const std::string& data) {
  const Constant* constant = graph.constant(bound);
  if (!constant || !constant->reals() || constant->reals()->empty() || has_nan(*constant->reals()))
    return std::nullopt;
  if (constant->shape.empty()) return *constant->reals();
  const auto shape = graph.info(data).shape;
  if (!shape || constant->shape.size() > shape->size()) return std::nullopt;
  const std::size_t missing = shape->size() - constant->shape.size();
  for (std::size_t i = 0; i < constant->shape.size(); ++i) {
    const bool varies = constant->shape[i] != 1;
    if (varies && (missing + i != 1 || constant->shape[i] != (*shape)[1])) return std::nullopt;
  }
  return *constant->reals();
}

std::optional<Clamp> clip(const Graph& graph, const Node& node) {
  Clamp result{node.input(0), {-unbounded}, {unbounded}};
  if (node.inputs.size() == 1) {
    // Before opset 11 the bounds are attributes; from then on there is none of that name.
    result.lower = {node.real("min", -unbounded)};
    result.upper = {node.real("max", unbounded)};
    return result;
  }
  for (const auto& [index, bound] : {std::pair(1, &result.lower), std::pair(2, &result.upper)}) {
    const std::string& name = node.input(static_cast<std::size_t>(index));
    if (name.empty()) continue;
    const Constant* constant = graph.constant(name);
    if (!constant || !constant->reals() || constant->reals()->empty()) return std::nullopt;
    *bound = *constant->reals();
  }
  return result;
}

std::optional<Clamp> extremum(const Graph& graph, const Node& node) {
  if (node.inputs.size() != 2) return std::nullopt;
  const std::size_t data = graph.constant(node.input(0)) ? 1 : 0;
  auto bound = bounds_along_channels(graph, node.input(1 - data), node.input(data));
  if (!bound || graph.constant(node.input(data))) return std::nullopt;
  Clamp result{node.input(data), {-unbounded}, {unbounded}};
  (node.is("Min") ? result.upper : result.lower) = std::move(*bound);
  return result;
}

std::optional<Clamp> as_written(const Graph& graph, const Node& node) {
  if (node.is("Relu")) return Clamp{node.input(0), {0.0F}, {unbounded}};
  if (node.is("Clip")) return clip(graph, node);
  if (node.is("Min") || node.is("Max")) return extremum(graph, node);
  return std::nullopt;
}

bool fit(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() || a.size() == 1 || b.size() == 1;
}

// min(upper, max(lower, x)) for each channel of the bounds, whose numbers fit.
std::vector<float> limited(const std::vector<float>& values, const Clamp& clamp) {
  const std::size_t channels = std::max({values.size(), clamp.lower.size(), clamp.upper.size()});
  const auto at = [](const std::vector<float>& bounds, std::size_t c) {
    return bounds.size() == 1 ? bounds.front() : bounds[c];
  };
  std::vector<float> result(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    result[c] = std::min(at(clamp.upper, c), std::max(at(clamp.lower, c), at(values, c)));
  }
  const bool alike = std::ranges::all_of(result, [&](float value) { return value == result.front(); });
  if (alike) result.resize(1);
  return result;
}

std::string add_bound(Graph& graph, const std::string& name, const std::vector<float>& bound,
                      std::size_t rank) {
  if (std::isinf(bound.front()) && bound.size() == 1) return {};
  Shape shape;
  if (bound.size() > 1) {
    shape.assign(std::max<std::size_t>(rank, 2) - 1, 1);
    shape.front() = static_cast<std::int64_t>(bound.size());
  }
  std::string unused = unused_name(graph, name);
  graph.constants[unused] = make_constant(std::move(shape), bound);
  return unused;
}

}  // namespace

std::optional<Clamp> clamp_of(const Graph& graph, const Node& node) {
  auto clamp = as_written(graph, node);
  if (!clamp || node.output(0).empty() || has_nan(clamp->lower) || has_nan(clamp->upper)) return std::nullopt;
  if (!fit(clamp->lower, clamp->upper)) return std::nullopt;
  for (auto* bounds : {&clamp->lower, &clamp->upper})
    std::ranges::transform(*bounds, bounds->begin(), opened);
  clamp->lower = limited(clamp->lower, {{}, {-unbounded}, clamp->upper});
  return clamp;
}

std::size_t channels(const Clamp& clamp) {
  return std::max(clamp.lower.size(), clamp.upper.size());
}

std::optional<Clamp> chained(const Clamp& first, const Clamp& second) {
  const std::size_t a = channels(first);
  const std::size_t b = channels(second);
  if (a != b && a > 1 && b > 1) return std::nullopt;
  return Clamp{first.input, limited(first.lower, second), limited(first.upper, second)};
}

bool is_relu(const Clamp& clamp) {
  return clamp.lower == std::vector{0.0F} && clamp.upper == std::vector{unbounded};
}

bool is_relu6(const Clamp& clamp) {
  return clamp.lower == std::vector{0.0F} && clamp.upper == std::vector{6.0F};
}

void set_clamp(Graph& graph, Node& node, const Clamp& clamp, std::size_t rank) {
  const std::string op = is_relu(clamp) ? "Relu" : "Clip";
  if (node.op_type != op && node.original_op.empty()) node.original_op = node.op_type;
  node.op_type = op;
  node.attributes.clear();
  node.inputs = {clamp.input};
  if (op == "Relu") return;
  node.inputs.push_back(add_bound(graph, node.output(0) + ".lower", clamp.lower, rank));
  node.inputs.push_back(add_bound(graph, node.output(0) + ".upper", clamp.upper, rank));
}

}  // namespace qcal
