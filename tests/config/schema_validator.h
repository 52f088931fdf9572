// JSON Schema as far as config/schema.json uses it, for tests: whether a value is valid.
#pragma once

#include <map>
#include <regex>
#include <string>

#include "config/json_text.h"

namespace qcal::config_test {

class SchemaValidator {
 public:
  explicit SchemaValidator(json::Value root) : root_(std::move(root)) {}

  const json::Value& root() const { return root_; }
  // The schema itself, or the one that its $ref names.
  const json::Value& resolved(const json::Value& schema) const;

  // Throws std::runtime_error for a keyword that it does not know: nothing in the schema is passed over.
  bool accepts(const json::Value& schema, const json::Value& value) const;
  // `text` must be JSON.
  bool accepts(const json::Value& schema, const std::string& text) const;

 private:
  bool keeps(const std::string& keyword, const json::Value& schema, const json::Value& value) const;
  bool matches(const std::string& pattern, const std::string& text) const;

  json::Value root_;
  mutable std::map<std::string, std::regex> patterns_;
};

// The member `key` of an object; throws where there is none.
const json::Value& member_of(const json::Value& object, std::string_view key);

}  // namespace qcal::config_test
