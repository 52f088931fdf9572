// Files made from a schema: right ones, and ones that are wrong in one place or in many.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "schema_validator.h"

namespace qcal::config_test {

// An object as its members' keys and values, all JSON text.
class ObjectText {
 public:
  ObjectText() = default;
  ObjectText(const std::string& key, std::string value) { set(key, std::move(value)); }

  void set(const std::string& key, std::string value);
  ObjectText with(const std::string& key, std::string value) const;
  ObjectText without(const std::string& key) const;
  std::string text() const;

 private:
  std::map<std::string, std::string> members_;
};

class SchemaFiles {
 public:
  // `start`: what every file has, unless it is about that very key.
  SchemaFiles(const SchemaValidator& validator, ObjectText start);

  // Every allowed value of every setting in every place, every bound and its neighbours, other cases, wrong
  // types, unknown and missing keys: one such thing a file, and two where keys depend on each other.
  std::vector<std::string> systematic();

  // A file of many settings, a few of which may be wrong. `random` gives numbers below its argument.
  template <class Random>
  std::string arbitrary(Random& random) {
    return arbitrary(validator_.root(), random);
  }

 private:
  // Values that say something about `schema`, right ones and wrong ones.
  struct Values {
    std::vector<std::string> right;
    std::vector<std::string> wrong;
  };

  const Values& values(const json::Value& schema);
  std::vector<std::string> candidates(const json::Value& schema);
  std::vector<std::string> objects(const json::Value& schema);
  ObjectText smallest(const json::Value& schema);

  template <class Random>
  std::string arbitrary(const json::Value& schema, Random& random) {
    const json::Value& target = validator_.resolved(schema);
    if (const json::Member* properties = target.find("properties")) {
      ObjectText object = smallest(target);
      for (const json::Member& property : properties->value.members) {
        if (random(3) == 0) object.set(property.key, arbitrary(property.value, random));
      }
      return object.text();
    }
    if (const json::Member* items = target.find("items")) {
      std::string array;
      for (std::uint64_t i = random(3); i > 0; --i)
        array += (array.empty() ? "" : ", ") + arbitrary(items->value, random);
      return "[" + array + "]";
    }
    const Values& of_target = values(target);
    const std::vector<std::string>& list = random(100) == 0 ? of_target.wrong : of_target.right;
    return list[random(list.size())];
  }

  const SchemaValidator& validator_;
  ObjectText start_;
  std::map<const json::Value*, Values> values_;
};

}  // namespace qcal::config_test
