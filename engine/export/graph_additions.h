// New nodes and constants of a graph, under names that nothing else has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/fresh_names.h"
#include "engine/graph/graph.h"

namespace qcal {

class GraphAdditions {
 public:
  // Adds to `graph`, which must outlive this object; names that it has now stay taken.
  explicit GraphAdditions(Graph& graph) : graph_(graph), names_(graph) {}

  // A name for a new tensor.
  std::string tensor(const std::string& wanted) { return names_.tensor(wanted); }

  // Adds a constant and returns its name.
  std::string constant(const std::string& wanted, ConstantPointer value);
  // Of float32: one number, or a vector.
  std::string reals(const std::string& wanted, const std::vector<float>& values, bool is_vector);
  // Of an integer type.
  std::string integers(const std::string& wanted, Shape shape, std::vector<std::int64_t> values,
                       ElementType type);
  // The same, packed.
  std::string packed_integers(const std::string& wanted, Shape shape, const std::vector<std::int64_t>& values,
                              ElementType type);

  // Adds a standard operator behind the nodes there are, with the attributes that have a value.
  void node(const char* op, const std::string& wanted, std::vector<std::string> inputs,
            const std::string& output,
            const std::map<std::string, std::optional<std::int64_t>>& attributes = {});

 private:
  Graph& graph_;
  FreshNames names_;
};

}  // namespace qcal
