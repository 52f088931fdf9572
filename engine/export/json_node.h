// Typed reading of a JSON document whose errors say where in it they are.
#pragma once

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting_names.h"
#include "engine/dumps/in_quotes.h"
#include "engine/dumps/json_input.h"
#include "engine/error.h"

namespace qcal {

// A value in the document and the way to it, for messages: quant_params.json: tensors[3].scale[0]: ...
class JsonNode {
 public:
  JsonNode(const rapidjson::Value& value, std::string path, const std::string& file)
      : value_(value), path_(std::move(path)), file_(file) {}

  [[noreturn]] void fail(std::string_view what) const {
    throw InputError(fmt::format("{}: {}: {}", file_, path_.empty() ? "the file" : path_, what));
  }

  JsonNode operator[](const char* key) const {
    if (!value_.IsObject()) fail("must be an object");
    const auto found = value_.FindMember(key);
    if (found == value_.MemberEnd())
      fail(fmt::format("no \"{}\"; is this a quant_params.json of qcal?", key));
    return {found->value, path_.empty() ? key : path_ + "." + key, file_};
  }

  std::vector<JsonNode> elements() const {
    if (!value_.IsArray()) fail("must be a list");
    std::vector<JsonNode> nodes;
    for (rapidjson::SizeType i = 0; i < value_.Size(); ++i) {
      nodes.emplace_back(value_[i], fmt::format("{}[{}]", path_, i), file_);
    }
    return nodes;
  }

  bool is_null() const { return value_.IsNull(); }

  // The value as JSON.
  std::string text() const {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value_.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
  }

  void read(std::string& into) const {
    if (!value_.IsString()) fail("must be a string");
    into = std::string(text_of(value_));
  }
  void read(bool& into) const {
    if (!value_.IsBool()) fail("must be true or false");
    into = value_.GetBool();
  }
  void read(int& into) const {
    if (!value_.IsInt()) fail("must be an integer");
    into = value_.GetInt();
  }
  void read(std::int64_t& into) const {
    if (!value_.IsInt64()) fail("must be an integer");
    into = value_.GetInt64();
  }
  void read(std::uint64_t& into) const {
    if (!value_.IsUint64()) fail("must be an integer, 0 or more");
    into = value_.GetUint64();
  }
  void read(double& into) const {
    if (!value_.IsNumber()) fail("must be a number");
    into = value_.GetDouble();
  }
  template <class Value>
  void read(std::vector<Value>& into) const {
    for (const JsonNode& element : elements()) element.read(into.emplace_back());
  }
  template <class Value>
  void read(std::optional<Value>& into) const {
    if (!is_null()) read(into.emplace());
  }
  template <Spelled Setting>
  void read(Setting& into) const {
    std::string word;
    read(word);
    const std::optional<Setting> setting = from_spelling<Setting>(word);
    if (!setting) fail(fmt::format("unknown value {}", in_quotes(word)));
    into = *setting;
  }

 private:
  const rapidjson::Value& value_;
  std::string path_;
  const std::string& file_;
};

}  // namespace qcal
