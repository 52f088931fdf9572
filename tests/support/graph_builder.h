// Small graphs, written down node by node.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal::testing {

using Attributes = std::map<std::string, Attribute, std::less<>>;

class GraphBuilder {
 public:
  explicit GraphBuilder(std::int64_t opset = 17) { graph_.opset = opset; }

  GraphBuilder& input(const std::string& name, Shape shape, ElementType type = ElementType::float32) {
    graph_.inputs.push_back(name);
    graph_.tensors[name] = {type, std::move(shape)};
    return *this;
  }
  GraphBuilder& reals(const std::string& name, Shape shape, std::vector<float> values) {
    graph_.constants[name] = make_constant(std::move(shape), std::move(values));
    return *this;
  }
  // Elements 0.5, 1.0, 1.5, ...: no two alike.
  GraphBuilder& ramp(const std::string& name, Shape shape) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = 0.5F * static_cast<float>(i + 1);
    return reals(name, std::move(shape), std::move(values));
  }
  GraphBuilder& integers(const std::string& name, std::vector<std::int64_t> values) {
    const auto length = static_cast<std::int64_t>(values.size());
    graph_.constants[name] = make_constant({length}, std::move(values));
    return *this;
  }
  // The node is named after its first output.
  GraphBuilder& node(const std::string& op, std::vector<std::string> inputs, std::vector<std::string> outputs,
                     Attributes attributes = {}) {
    Node node;
    node.name = outputs.front();
    node.op_type = op;
    node.inputs = std::move(inputs);
    node.outputs = std::move(outputs);
    node.attributes = std::move(attributes);
    graph_.nodes.push_back(std::move(node));
    return *this;
  }
  GraphBuilder& output(const std::string& name) {
    graph_.outputs.push_back(name);
    return *this;
  }
  Graph build() const { return graph_; }

 private:
  Graph graph_;
};

inline std::vector<std::string> operators(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.op_type);
  return names;
}

}  // namespace qcal::testing
