#include "engine/graph/output_types.h"

#include <map>
#include <string_view>

namespace qcal {

std::optional<ElementType> fixed_output_type(const Graph& graph, const Node& node) {
  static const std::map<std::string_view, ElementType> types{
      {"Shape", ElementType::int64},          {"Size", ElementType::int64},
      {"ArgMax", ElementType::int64},         {"ArgMin", ElementType::int64},
      {"NonZero", ElementType::int64},        {"Not", ElementType::boolean},
      {"And", ElementType::boolean},          {"Or", ElementType::boolean},
      {"Xor", ElementType::boolean},          {"Equal", ElementType::boolean},
      {"Less", ElementType::boolean},         {"LessOrEqual", ElementType::boolean},
      {"Greater", ElementType::boolean},      {"GreaterOrEqual", ElementType::boolean},
      {"IsNaN", ElementType::boolean},        {"IsInf", ElementType::boolean},
      {"QuantizeLinear", ElementType::uint8},
  };
  if (!node.domain.empty()) return ElementType::unknown;
  if (const auto found = types.find(node.op_type); found != types.end()) return found->second;
  if (node.is("Cast")) return static_cast<ElementType>(node.integer("to", 0));
  if (node.is("CastLike") || node.is("Where")) return graph.info(node.input(1)).type;
  if (node.is("DequantizeLinear")) return graph.info(node.input(1)).type;
  if (node.is("OneHot")) return graph.info(node.input(2)).type;
  if (node.is("ConstantOfShape")) {
    const auto found = node.attributes.find("value");
    if (found == node.attributes.end()) return ElementType::float32;
    const auto* value = std::get_if<ConstantPointer>(&found->second);
    return value ? (*value)->type : ElementType::unknown;
  }
  if (node.is("If") || node.is("Loop") || node.is("Scan")) return ElementType::unknown;
  return std::nullopt;
}

}  // namespace qcal
