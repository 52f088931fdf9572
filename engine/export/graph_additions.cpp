#include "engine/export/graph_additions.h"

#include <memory>
#include <utility>

#include "engine/graph/packed_integers.h"

namespace qcal {

std::string GraphAdditions::constant(const std::string& wanted, ConstantPointer value) {
  std::string name = names_.tensor(wanted);
  graph_.constants.emplace(name, std::move(value));
  return name;
}

std::string GraphAdditions::reals(const std::string& wanted, const std::vector<float>& values,
                                  bool is_vector) {
  const Shape shape = is_vector ? Shape{static_cast<std::int64_t>(values.size())} : Shape{};
  return constant(wanted, make_constant(shape, values));
}

std::string GraphAdditions::integers(const std::string& wanted, Shape shape, std::vector<std::int64_t> values,
                                     ElementType type) {
  return constant(wanted, std::make_shared<Constant>(Constant{type, std::move(shape), std::move(values)}));
}

std::string GraphAdditions::packed_integers(const std::string& wanted, Shape shape,
                                            const std::vector<std::int64_t>& values, ElementType type) {
  return constant(wanted, std::make_shared<Constant>(Constant{type, std::move(shape), packed(type, values)}));
}

void GraphAdditions::node(const char* op, const std::string& wanted, std::vector<std::string> inputs,
                          const std::string& output,
                          const std::map<std::string, std::optional<std::int64_t>>& attributes) {
  Node node;
  node.op_type = op;
  node.name = names_.node(wanted);
  node.inputs = std::move(inputs);
  node.outputs = {output};
  for (const auto& [name, value] : attributes) {
    if (value) node.attributes.emplace(name, *value);
  }
  graph_.nodes.push_back(std::move(node));
}

}  // namespace qcal
