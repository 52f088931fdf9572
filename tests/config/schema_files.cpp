#include "schema_files.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "config/value_text.h"

namespace qcal::config_test {
namespace {

using json::Value;

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

std::string in_case(std::string text, int (*change)(int)) {
  for (char& c : text) c = static_cast<char>(change(static_cast<unsigned char>(c)));
  return text;
}

// Something of every type, and what other languages write for the same.
const std::vector<std::string> anything{
    "null", "true", "false", "0",          "1",         "-1",      "8",          "8.0",  "7.5",    "1e1",
    "1e99", "\"\"", "\"x\"", "\"True\"",   "\"false\"", "\"8\"",   "[]",         "{}",   "[null]", "[\"x\"]",
    "[8]",  "[[]]", "[{}]",  "{\"x\": 8}", "\"null\"",  "\"8.5\"", "2147483648", "-0.0", "1e-300"};

// A word in other cases, cut, and with something beside it.
std::vector<std::string> words_near(const std::string& word) {
  const std::string capital = in_case(word.substr(0, 1), std::toupper) + word.substr(1);
  return {quoted(word),
          quoted(in_case(word, std::toupper)),
          quoted(in_case(word, std::tolower)),
          quoted(capital),
          quoted(word.substr(1)),
          quoted(word + "s"),
          quoted(" " + word),
          quoted(word + "\\n"),
          quoted(word + "|" + word)};
}

std::vector<std::string> numbers_near(double bound) {
  std::vector<std::string> texts;
  for (const double offset : {-1.0, -0.5, -1e-9, 0.0, 1e-9, 0.5, 1.0})
    texts.push_back(value_text(bound + offset));
  return texts;
}

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

void ObjectText::set(const std::string& key, std::string value) {
  members_[key] = std::move(value);
}

ObjectText ObjectText::with(const std::string& key, std::string value) const {
  ObjectText other = *this;
  other.set(key, std::move(value));
  return other;
}

ObjectText ObjectText::without(const std::string& key) const {
  ObjectText other = *this;
  other.members_.erase(key);
  return other;
}

std::string ObjectText::text() const {
  std::string inside;
  for (const auto& [key, value] : members_)
    inside += (inside.empty() ? "" : ", ") + quoted(key) + ": " + value;
  return "{" + inside + "}";
}

SchemaFiles::SchemaFiles(const SchemaValidator& validator, ObjectText start)
    : validator_(validator), start_(std::move(start)) {}

std::vector<std::string> SchemaFiles::systematic() {
  return candidates(validator_.root());
}

const SchemaFiles::Values& SchemaFiles::values(const Value& schema) {
  const auto found = values_.find(&schema);
  if (found != values_.end()) return found->second;
  Values sorted;
  for (const std::string& text : candidates(schema))
    (validator_.accepts(schema, text) ? sorted.right : sorted.wrong).push_back(text);
  return values_.emplace(&schema, std::move(sorted)).first->second;
}

std::vector<std::string> SchemaFiles::candidates(const Value& schema) {
  std::vector<std::string> all = anything;
  for (const json::Member& keyword : schema.members) {
    const Value& wanted = keyword.value;
    if (keyword.key == "$ref") append(all, candidates(validator_.resolved(schema)));
    if (keyword.key == "anyOf" && schema.find("properties") == nullptr) {
      for (const Value& option : wanted.elements) append(all, candidates(option));
    }
    if (keyword.key == "enum") {
      for (const Value& option : wanted.elements) append(all, words_near(option.text));
    }
    if (wanted.kind == Value::Kind::number) append(all, numbers_near(wanted.number().value()));
    if (keyword.key == "items") {
      const std::string right = values(wanted).right.front();
      for (const std::string& item : candidates(wanted)) {
        all.push_back("[" + item + "]");
        all.push_back("[" + right + ", " + item + "]");
      }
    }
    if (keyword.key == "properties") append(all, objects(schema));
  }
  std::set<std::string> seen;
  std::erase_if(all, [&](const std::string& text) { return !seen.insert(text).second; });
  return all;
}

// What `start` gives, and otherwise the first thing that is right by itself.
ObjectText SchemaFiles::smallest(const Value& schema) {
  ObjectText object = &schema == &validator_.root() ? start_ : ObjectText();
  if (validator_.accepts(schema, object.text())) return object;
  for (const json::Member& property : member_of(schema, "properties").members) {
    for (const std::string& value : values(property.value).right) {
      ObjectText larger = object.with(property.key, value);
      if (validator_.accepts(schema, larger.text())) return larger;
    }
  }
  return object;
}

std::vector<std::string> SchemaFiles::objects(const Value& schema) {
  const Value& properties = member_of(schema, "properties");
  const ObjectText object = smallest(schema);
  std::vector<std::string> all{object.text(), object.with("unknown", "1").text()};
  for (const json::Member& property : properties.members) {
    all.push_back(object.without(property.key).text());
    all.push_back(object.with(in_case(property.key, std::toupper), "8").text());
    all.push_back(object.with(property.key + "s", "8").text());
    for (const std::string& value : candidates(property.value))
      all.push_back(object.with(property.key, value).text());
  }
  // Two keys at a time where the schema speaks of keys together.
  if (schema.find("anyOf") == nullptr && schema.find("dependentSchemas") == nullptr) return all;
  for (const json::Member& first : properties.members) {
    for (const json::Member& second : properties.members) {
      if (!(first.key < second.key)) continue;
      for (const std::string& one :
           {values(first.value).right.back(), std::string("null"), std::string("\"\"")}) {
        for (const std::string& other :
             {values(second.value).right.back(), std::string("null"), std::string("\"\"")}) {
          all.push_back(object.with(first.key, one).with(second.key, other).text());
        }
      }
    }
  }
  return all;
}

}  // namespace qcal::config_test
