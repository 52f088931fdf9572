#include "engine/graph/shape_rules.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "engine/graph/layout_shapes.h"
#include "engine/graph/window_shapes.h"

namespace qcal {
namespace {

using MaybeShape = std::optional<Shape>;
using Rule = MaybeShape (*)(const RuleContext&);

MaybeShape same_as_input(const RuleContext& context) {
  return context.shapes.empty() ? std::nullopt : context.shapes[0];
}

MaybeShape broadcast_all(const RuleContext& context) {
  MaybeShape result = Shape{};
  for (const MaybeShape& shape : context.shapes) {
    if (!shape) return std::nullopt;
    result = broadcast(*result, *shape);
    if (!result) return std::nullopt;
  }
  return result;
}

MaybeShape gemm(const RuleContext& context) {
  const Shape* a = context.shape(0);
  const Shape* b = context.shape(1);
  if (!b || b->size() != 2 || (a && a->size() != 2)) return std::nullopt;
  const std::int64_t rows = a ? (*a)[context.node.integer("transA", 0) != 0 ? 1 : 0] : -1;
  return Shape{rows, (*b)[context.node.integer("transB", 0) != 0 ? 0 : 1]};
}

MaybeShape matmul(const RuleContext& context) {
  const Shape* a = context.shape(0);
  const Shape* b = context.shape(1);
  if (!a || !b || a->empty() || b->empty()) return std::nullopt;
  if (a->size() == 1 || b->size() == 1) {
    if (a->size() == 1 && b->size() == 1) return Shape{};
    if (b->size() == 1) return Shape(a->begin(), a->end() - 1);
    Shape result(b->begin(), b->end() - 2);
    result.push_back(b->back());
    return result;
  }
  MaybeShape result = broadcast(Shape(a->begin(), a->end() - 2), Shape(b->begin(), b->end() - 2));
  if (!result) return std::nullopt;
  result->push_back((*a)[a->size() - 2]);
  result->push_back(b->back());
  return result;
}

MaybeShape pad(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto pads = context.opset < 11 ? context.node.integers("pads") : context.integers(1);
  if (!pads || !plausible(*pads)) return Shape(input->size(), -1);
  std::vector<std::int64_t> axes(input->size());
  for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::int64_t>(i);
  if (!context.node.input(3).empty()) {
    const auto chosen = context.integers(3);
    if (!chosen) return Shape(input->size(), -1);
    axes = *chosen;
  }
  if (pads->size() != 2 * axes.size()) return std::nullopt;
  Shape result = *input;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = normalised_axis(axes[i], result.size());
    if (!axis) return std::nullopt;
    if (result[*axis] < 0) continue;
    std::int64_t& extent = result[*axis];
    if (__builtin_add_overflow(extent, (*pads)[i], &extent)) return std::nullopt;
    if (__builtin_add_overflow(extent, (*pads)[i + axes.size()], &extent)) return std::nullopt;
    if (extent < 0) return std::nullopt;
  }
  return result;
}

MaybeShape scaled(const Shape& input, const std::vector<float>& scales) {
  if (scales.size() != input.size()) return std::nullopt;
  Shape result;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const double extent = std::floor(static_cast<double>(input[i]) * static_cast<double>(scales[i]));
    const bool known = input[i] >= 0 && extent >= 0 && extent < static_cast<double>(largest_extent);
    result.push_back(known ? static_cast<std::int64_t>(extent) : -1);
  }
  return result;
}

MaybeShape resize(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const bool old_form = context.node.is("Upsample") || context.opset < 11;
  if (!old_form && !context.node.input(3).empty()) {
    const auto sizes = context.maybe_integers(3);
    if (!sizes || sizes->size() != input->size()) return Shape(input->size(), -1);
    Shape result;
    for (const MaybeInteger& size : *sizes) result.push_back(size && *size >= 0 ? *size : -1);
    return result;
  }
  const auto scales = context.reals(old_form ? 1 : 2);
  return scales ? scaled(*input, *scales) : Shape(input->size(), -1);
}

MaybeShape reduce(const RuleContext& context) {
  const Shape* input = context.shape(0);
  const auto axes = axes_argument(context.node, context.integers);
  if (!input || !axes) return std::nullopt;
  if (axes->empty() && context.node.integer("noop_with_empty_axes", 0) != 0) return *input;
  std::vector<bool> reduced(input->size(), axes->empty());
  for (const std::int64_t value : *axes) {
    const auto axis = normalised_axis(value, input->size());
    if (!axis) return std::nullopt;
    reduced[*axis] = true;
  }
  const bool keep = context.node.integer("keepdims", 1) != 0;
  Shape result;
  for (std::size_t i = 0; i < input->size(); ++i) {
    if (!reduced[i]) result.push_back((*input)[i]);
    if (reduced[i] && keep) result.push_back(1);
  }
  return result;
}

MaybeShape shape_of(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(input->size());
  return Shape{
      slice_range(rank, context.node.integer("start", 0), context.node.integer("end", rank), 1).count};
}

MaybeShape from_sizes(const RuleContext& context) {
  const auto sizes = context.maybe_integers(0);
  if (!sizes) return std::nullopt;
  Shape result;
  for (const MaybeInteger& size : *sizes) result.push_back(size && *size >= 0 ? *size : -1);
  return result;
}

MaybeShape vector_of_unknown_length(const RuleContext&) {
  return Shape{-1};
}
MaybeShape scalar(const RuleContext&) {
  return Shape{};
}

MaybeShape arg_reduce(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto axis = normalised_axis(context.node.integer("axis", 0), input->size());
  if (!axis) return std::nullopt;
  Shape result = *input;
  if (context.node.integer("keepdims", 1) != 0) {
    result[*axis] = 1;
  } else {
    result.erase(result.begin() + std::ptrdiff_t(*axis));
  }
  return result;
}

const std::map<std::string_view, Rule> rules = [] {
  std::map<std::string_view, Rule> table{
      {"Conv", conv_shape},
      {"ConvTranspose", conv_transpose_shape},
      {"MaxPool", pool_shape},
      {"AveragePool", pool_shape},
      {"LpPool", pool_shape},
      {"GlobalAveragePool", global_pool_shape},
      {"GlobalMaxPool", global_pool_shape},
      {"Gemm", gemm},
      {"MatMul", matmul},
      {"Flatten", flatten_shape},
      {"Reshape", reshape_shape},
      {"Transpose", transpose_shape},
      {"Squeeze", squeeze_shape},
      {"Unsqueeze", unsqueeze_shape},
      {"Concat", concat_shape},
      {"Slice", slice_shape},
      {"Gather", gather_shape},
      {"Pad", pad},
      {"Resize", resize},
      {"Upsample", resize},
      {"Expand", expand_shape},
      {"Tile", tile_shape},
      {"DepthToSpace", depth_to_space_shape},
      {"SpaceToDepth", depth_to_space_shape},
      {"Shape", shape_of},
      {"Size", scalar},
      {"Range", vector_of_unknown_length},
      {"ConstantOfShape", from_sizes},
      {"ArgMax", arg_reduce},
      {"ArgMin", arg_reduce},
  };
  for (const auto* op : {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2",
                         "ReduceProd", "ReduceSumSquare", "ReduceLogSumExp"}) {
    table.emplace(op, reduce);
  }
  for (const auto* op : {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "Where", "And", "Or",
                         "Xor", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Mod"}) {
    table.emplace(op, broadcast_all);
  }
  for (const auto* op : {"Relu",
                         "LeakyRelu",
                         "PRelu",
                         "Elu",
                         "Selu",
                         "Celu",
                         "Gelu",
                         "Mish",
                         "Clip",
                         "Sigmoid",
                         "Tanh",
                         "Softmax",
                         "LogSoftmax",
                         "HardSigmoid",
                         "HardSwish",
                         "Softplus",
                         "Softsign",
                         "Erf",
                         "Exp",
                         "Log",
                         "Sqrt",
                         "Reciprocal",
                         "Neg",
                         "Abs",
                         "Floor",
                         "Ceil",
                         "Round",
                         "Sign",
                         "Not",
                         "Identity",
                         "Dropout",
                         "Cast",
                         "CastLike",
                         "BatchNormalization",
                         "InstanceNormalization",
                         "LayerNormalization",
                         "GroupNormalization",
                         "LRN",
                         "LpNormalization",
                         "ThresholdedRelu",
                         "QuantizeLinear",
                         "DequantizeLinear",
                         "CumSum"}) {
    table.emplace(op, same_as_input);
  }
  return table;
}();

}  // namespace

std::vector<std::optional<Shape>> output_shapes(const RuleContext& context) {
  std::vector<MaybeShape> results(context.node.outputs.size());
  if (!context.node.domain.empty() || results.empty()) return results;
  if (context.node.is("Split")) return split_shapes(context);
  const auto rule = rules.find(context.node.op_type);
  if (rule != rules.end()) results[0] = rule->second(context);
  // Dropout's mask is the one second output of the operators above that a network may read.
  if (context.node.is("Dropout") && results.size() > 1) results[1] = results[0];
  return results;
}

}  // namespace qcal
