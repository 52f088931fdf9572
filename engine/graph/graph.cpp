#include "engine/graph/graph.h"

#include <algorithm>
#include <utility>

namespace qcal {
namespace {

const std::string omitted;

template <class Value>
const Value* find_attribute(const Node& node, std::string_view name) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? nullptr : std::get_if<Value>(&found->second);
}

}  // namespace

bool is_real(ElementType type) {
  return type == ElementType::float32 || type == ElementType::float16 || type == ElementType::bfloat16 ||
         type == ElementType::float64;
}

bool is_integral(ElementType type) {
  switch (type) {
    case ElementType::uint8:
    case ElementType::int8:
    case ElementType::uint16:
    case ElementType::int16:
    case ElementType::int32:
    case ElementType::int64:
    case ElementType::uint32:
    case ElementType::uint64:
    case ElementType::boolean:
      return true;
    default:
      return false;
  }
}

ConstantPointer make_constant(Shape shape, std::vector<float> values) {
  return std::make_shared<Constant>(Constant{ElementType::float32, std::move(shape), std::move(values)});
}

ConstantPointer make_constant(Shape shape, std::vector<std::int64_t> values) {
  return std::make_shared<Constant>(Constant{ElementType::int64, std::move(shape), std::move(values)});
}

const std::string& Node::input(std::size_t index) const {
  return index < inputs.size() ? inputs[index] : omitted;
}

const std::string& Node::output(std::size_t index) const {
  return index < outputs.size() ? outputs[index] : omitted;
}

std::int64_t Node::integer(std::string_view attribute, std::int64_t otherwise) const {
  const auto* value = find_attribute<std::int64_t>(*this, attribute);
  return value ? *value : otherwise;
}

float Node::real(std::string_view attribute, float otherwise) const {
  const auto* value = find_attribute<float>(*this, attribute);
  return value ? *value : otherwise;
}

std::string Node::text(std::string_view attribute, std::string_view otherwise) const {
  const auto* value = find_attribute<std::string>(*this, attribute);
  return value ? *value : std::string(otherwise);
}

std::optional<std::vector<std::int64_t>> Node::integers(std::string_view attribute) const {
  const auto* value = find_attribute<std::vector<std::int64_t>>(*this, attribute);
  return value ? std::optional(*value) : std::nullopt;
}

const Constant* Graph::constant(std::string_view name) const {
  const auto found = constants.find(name);
  return found == constants.end() ? nullptr : found->second.get();
}

const AppliedTransform* Graph::transform(std::string_view key) const {
  const auto found = std::ranges::find(transforms, key, &AppliedTransform::key);
  return found == transforms.end() ? nullptr : &*found;
}

TensorInfo Graph::info(std::string_view name) const {
  if (const Constant* value = constant(name)) return {value->type, value->shape};
  const auto found = tensors.find(name);
  return found == tensors.end() ? TensorInfo{} : found->second;
}

}  // namespace qcal
