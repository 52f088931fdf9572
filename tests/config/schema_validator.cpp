#include "schema_validator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

namespace qcal::config_test {
namespace {

using json::Value;
using Kind = json::Value::Kind;

bool is_of_type(const Value& value, const std::string& type) {
  if (type == "null") return value.kind == Kind::null;
  if (type == "boolean") return value.kind == Kind::boolean;
  if (type == "string") return value.kind == Kind::string;
  if (type == "array") return value.kind == Kind::array;
  if (type == "object") return value.kind == Kind::object;
  if (type == "number") return value.kind == Kind::number;
  if (type == "integer") return value.number() && std::trunc(*value.number()) == *value.number();
  throw std::runtime_error("unknown type " + type);
}

// Of the scalars that enum and const hold.
bool equal(const Value& a, const Value& b) {
  if (a.kind != b.kind) return false;
  return a.kind == Kind::number ? a.number() == b.number() : a.boolean == b.boolean && a.text == b.text;
}

// Bounds say nothing of what is no number.
bool within(const Value& value, const Value& bound, const std::function<bool(double, double)>& in_order) {
  return value.kind != Kind::number || in_order(value.number().value(), bound.number().value());
}

}  // namespace

const Value& member_of(const Value& object, std::string_view key) {
  const json::Member* found = object.find(key);
  if (found == nullptr) throw std::runtime_error("no member " + std::string(key));
  return found->value;
}

const Value& SchemaValidator::resolved(const Value& schema) const {
  const json::Member* reference = schema.find("$ref");
  if (reference == nullptr) return schema;
  constexpr std::string_view start = "#/$defs/";
  if (!reference->value.text.starts_with(start)) throw std::runtime_error(reference->value.text);
  return member_of(member_of(root_, "$defs"), reference->value.text.substr(start.size()));
}

bool SchemaValidator::matches(const std::string& pattern, const std::string& text) const {
  auto found = patterns_.find(pattern);
  if (found == patterns_.end()) found = patterns_.emplace(pattern, std::regex(pattern)).first;
  return std::regex_search(text, found->second);
}

bool SchemaValidator::accepts(const Value& schema, const Value& value) const {
  return std::ranges::all_of(schema.members,
                             [&](const json::Member& keyword) { return keeps(keyword.key, schema, value); });
}

bool SchemaValidator::accepts(const Value& schema, const std::string& text) const {
  return accepts(schema, json::parse(text).root.value());
}

bool SchemaValidator::keeps(const std::string& keyword, const Value& schema, const Value& value) const {
  const Value& wanted = member_of(schema, keyword);
  const auto accepted_by = [&](const Value& other) { return accepts(other, value); };
  const auto has = [&](const Value& key) { return value.find(key.text) != nullptr; };
  if (keyword == "$schema" || keyword == "title" || keyword == "description" || keyword == "$defs")
    return true;
  if (keyword == "$ref") return accepts(resolved(schema), value);
  if (keyword == "type" && wanted.kind == Kind::string) return is_of_type(value, wanted.text);
  if (keyword == "type")
    return std::ranges::any_of(wanted.elements, [&](const Value& t) { return is_of_type(value, t.text); });
  if (keyword == "enum")
    return std::ranges::any_of(wanted.elements, [&](const Value& option) { return equal(option, value); });
  if (keyword == "const") return equal(wanted, value);
  if (keyword == "pattern") return value.kind != Kind::string || matches(wanted.text, value.text);
  if (keyword == "minLength")
    return value.kind != Kind::string || static_cast<int>(value.text.size()) >= wanted.integer().value();
  if (keyword == "minimum") return within(value, wanted, std::greater_equal<>());
  if (keyword == "maximum") return within(value, wanted, std::less_equal<>());
  if (keyword == "exclusiveMinimum") return within(value, wanted, std::greater<>());
  if (keyword == "anyOf") return std::ranges::any_of(wanted.elements, accepted_by);
  if (keyword == "not") return !accepts(wanted, value);
  if (keyword == "items")
    return std::ranges::all_of(value.elements, [&](const Value& item) { return accepts(wanted, item); });
  if (keyword == "required") return value.kind != Kind::object || std::ranges::all_of(wanted.elements, has);
  if (keyword == "properties") {
    return std::ranges::all_of(value.members, [&](const json::Member& member) {
      const json::Member* property = wanted.find(member.key);
      return property == nullptr || accepts(property->value, member.value);
    });
  }
  if (keyword == "additionalProperties" && wanted.kind == Kind::boolean && !wanted.boolean) {
    const Value& properties = member_of(schema, "properties");
    return std::ranges::all_of(
        value.members, [&](const json::Member& member) { return properties.find(member.key) != nullptr; });
  }
  if (keyword == "dependentSchemas") {
    return std::ranges::all_of(wanted.members, [&](const json::Member& dependent) {
      return value.find(dependent.key) == nullptr || accepts(dependent.value, value);
    });
  }
  throw std::runtime_error("unknown keyword " + keyword);
}

}  // namespace qcal::config_test
