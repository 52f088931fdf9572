#include "engine/graph/shape_rules.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

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

std::int64_t product(Shape::const_iterator begin, Shape::const_iterator end) {
  const auto count = element_count(Shape(begin, end));
  return count ? static_cast<std::int64_t>(*count) : -1;
}

MaybeShape flatten(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(input->size());
  const std::int64_t axis = context.node.integer("axis", 1);
  if (axis < -rank || axis > rank) return std::nullopt;
  const auto split = input->begin() + (axis < 0 ? axis + rank : axis);
  return Shape{product(input->begin(), split), product(split, input->end())};
}

MaybeShape reshape(const RuleContext& context) {
  const auto target = context.maybe_integers(1);
  if (!target) {
    // The rank may still be known from the length of the target.
    if (const Shape* length = context.shape(1); length && length->size() == 1 && length->front() >= 0) {
      if (length->front() <= 64) return Shape(static_cast<std::size_t>(length->front()), -1);
    }
    return std::nullopt;
  }
  const Shape* input = context.shape(0);
  // 0 would copy a dimension that is not known, -1 takes what is left: with an unknown input both stay open.
  if (!input) {
    Shape result;
    for (const MaybeInteger& extent : *target) result.push_back(extent && *extent > 0 ? *extent : -1);
    return result;
  }
  return reshaped(*input, *target, context.node.integer("allowzero", 0) != 0);
}

MaybeShape transpose(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto order = context.node.integers("perm");
  if (!order) return Shape(input->rbegin(), input->rend());
  if (order->size() != input->size()) return std::nullopt;
  Shape result;
  for (const std::int64_t from : *order) {
    if (from < 0 || from >= static_cast<std::int64_t>(input->size())) return std::nullopt;
    result.push_back((*input)[static_cast<std::size_t>(from)]);
  }
  return result;
}

MaybeShape squeeze(const RuleContext& context) {
  const auto axes = axes_argument(context.node, context.integers);
  return context.shape(0) && axes ? squeezed(*context.shape(0), *axes) : std::nullopt;
}

MaybeShape unsqueeze(const RuleContext& context) {
  const auto axes = axes_argument(context.node, context.integers);
  return context.shape(0) && axes ? unsqueezed(*context.shape(0), *axes) : std::nullopt;
}

MaybeShape concat(const RuleContext& context) {
  const Shape* first = context.shape(0);
  if (!first) return std::nullopt;
  const auto axis = normalised_axis(context.node.integer("axis", 0), first->size());
  if (!axis) return std::nullopt;
  Shape result = *first;
  for (std::size_t i = 1; i < context.shapes.size(); ++i) {
    const Shape* next = context.shape(i);
    if (!next || next->size() != result.size()) return std::nullopt;
    for (std::size_t d = 0; d < result.size(); ++d) {
      if (d == *axis) {
        const bool known = result[d] >= 0 && (*next)[d] >= 0 && plausible({result[d], (*next)[d]});
        result[d] = known ? result[d] + (*next)[d] : -1;
      } else if (result[d] < 0) {
        result[d] = (*next)[d];
      }
    }
  }
  return result;
}

MaybeShape slice(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto arguments = slice_arguments(context.node, context.integers, context.opset);
  if (!arguments) return Shape(input->size(), -1);
  Shape result = *input;
  for (std::size_t i = 0; i < arguments->axes.size(); ++i) {
    const auto axis = normalised_axis(arguments->axes[i], result.size());
    if (!axis || arguments->steps[i] == 0) return std::nullopt;
    if (result[*axis] < 0) continue;
    result[*axis] =
        slice_range(result[*axis], arguments->starts[i], arguments->ends[i], arguments->steps[i]).count;
  }
  return result;
}

MaybeShape gather(const RuleContext& context) {
  const Shape* input = context.shape(0);
  const Shape* indices = context.shape(1);
  if (!input || !indices) return std::nullopt;
  const auto axis = normalised_axis(context.node.integer("axis", 0), input->size());
  if (!axis) return std::nullopt;
  Shape result(input->begin(), input->begin() + std::ptrdiff_t(*axis));
  result.insert(result.end(), indices->begin(), indices->end());
  result.insert(result.end(), input->begin() + std::ptrdiff_t(*axis) + 1, input->end());
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
    result[*axis] += (*pads)[i] + (*pads)[i + axes.size()];
    if (result[*axis] < 0) return std::nullopt;
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

MaybeShape expand(const RuleContext& context) {
  const auto target = context.maybe_integers(1);
  if (!context.shape(0) || !target) return std::nullopt;
  Shape wanted;
  for (const MaybeInteger& extent : *target) wanted.push_back(extent && *extent >= 0 ? *extent : -1);
  return broadcast(*context.shape(0), wanted);
}

MaybeShape tile(const RuleContext& context) {
  const Shape* input = context.shape(0);
  if (!input) return std::nullopt;
  const auto repeats = context.integers(1);
  if (!repeats || repeats->size() != input->size() || !plausible(*repeats)) return Shape(input->size(), -1);
  Shape result;
  for (std::size_t i = 0; i < input->size(); ++i) {
    const bool known = (*input)[i] >= 0 && (*input)[i] < largest_extent && (*repeats)[i] >= 0;
    result.push_back(known ? (*input)[i] * (*repeats)[i] : -1);
  }
  return result;
}

MaybeShape depth_to_space(const RuleContext& context) {
  const Shape* input = context.shape(0);
  const std::int64_t block = context.node.integer("blocksize", 0);
  if (!input || input->size() != 4 || block < 1 || block > 4096 || !plausible(*input)) return std::nullopt;
  const auto known = [](std::int64_t extent, std::int64_t value) { return extent < 0 ? -1 : value; };
  const Shape& x = *input;
  if (context.node.is("DepthToSpace")) {
    return Shape{x[0], known(x[1], x[1] / (block * block)), known(x[2], x[2] * block),
                 known(x[3], x[3] * block)};
  }
  return Shape{x[0], known(x[1], x[1] * block * block), known(x[2], x[2] / block), known(x[3], x[3] / block)};
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
      {"Flatten", flatten},
      {"Reshape", reshape},
      {"Transpose", transpose},
      {"Squeeze", squeeze},
      {"Unsqueeze", unsqueeze},
      {"Concat", concat},
      {"Slice", slice},
      {"Gather", gather},
      {"Pad", pad},
      {"Resize", resize},
      {"Upsample", resize},
      {"Expand", expand},
      {"Tile", tile},
      {"DepthToSpace", depth_to_space},
      {"SpaceToDepth", depth_to_space},
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

std::vector<MaybeShape> split(const RuleContext& context) {
  std::vector<MaybeShape> results(context.node.outputs.size());
  const Shape* input = context.shape(0);
  if (!input || results.empty()) return results;
  const auto axis = normalised_axis(context.node.integer("axis", 0), input->size());
  if (!axis) return results;
  auto sizes = context.node.integers("split");
  if (!sizes && !context.node.input(1).empty()) sizes = context.integers(1);
  const bool even = !sizes && context.node.input(1).empty() && (*input)[*axis] >= 0;
  const auto parts = static_cast<std::int64_t>(results.size());
  const std::int64_t part = even ? ((*input)[*axis] + parts - 1) / parts : -1;
  for (std::size_t i = 0; i < results.size(); ++i) {
    Shape shape = *input;
    shape[*axis] = part;
    if (even && i + 1 == results.size()) {
      shape[*axis] = std::max<std::int64_t>((*input)[*axis] - part * (parts - 1), 0);
    }
    if (sizes && i < sizes->size()) shape[*axis] = (*sizes)[i];
    results[i] = std::move(shape);
  }
  return results;
}

}  // namespace

std::vector<std::optional<Shape>> output_shapes(const RuleContext& context) {
  std::vector<MaybeShape> results(context.node.outputs.size());
  if (!context.node.domain.empty() || results.empty()) return results;
  if (context.node.is("Split")) return split(context);
  const auto rule = rules.find(context.node.op_type);
  if (rule != rules.end()) results[0] = rule->second(context);
  // Dropout's mask is the one second output of the operators above that a network may read.
  if (context.node.is("Dropout") && results.size() > 1) results[1] = results[0];
  return results;
}

}  // namespace qcal
