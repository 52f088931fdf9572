#include "engine/dumps/json_input.h"

#include <fmt/format.h>
#include <rapidjson/encodedstream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <unordered_set>

#include "config/utf8.h"
#include "engine/dumps/in_quotes.h"
#include "engine/error.h"

namespace qcal {
namespace {

constexpr int deepest =
    64;  // our formats need 6; a line of brackets as long as the file would need gigabytes

[[noreturn]] void fail(std::string_view text, std::size_t at, const std::string& where,
                       std::string_view what) {
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t column = at - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0: the first line
  throw InputError(fmt::format("{}:{}:{}: not valid JSON: {}", where, line, column, what));
}

void check_depth(std::string_view text, const std::string& where) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char character = text[i];
    if (in_string) {
      if (character == '\\') ++i;
      if (character == '"') in_string = false;
    } else if (character == '"') {
      in_string = true;
    } else if (character == '[' || character == '{') {
      if (++depth > deepest) fail(text, i, where, fmt::format("nested deeper than {} levels", deepest));
    } else if (character == ']' || character == '}') {
      --depth;
    }
  }
}

// Turns numbers from text itself: RapidJSON's exact conversion shifts by 64 bits for "0e99". All else passes.
class NumberReader {
 public:
  explicit NumberReader(rapidjson::Document& document) : document_(document) {}

  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    const char* const end = text + length;
    const auto is_all_of = [&](auto& number) {
      const auto [stop, error] = std::from_chars(text, end, number);
      return error == std::errc() && stop == end;
    };
    std::int64_t integer = 0;
    if (is_all_of(integer) && !(integer == 0 && *text == '-')) return document_.Int64(integer);
    std::uint64_t large = 0;
    if (is_all_of(large)) return document_.Uint64(large);
    double real = 0;
    return is_all_of(real) && document_.Double(real);
  }
  bool Null() { return document_.Null(); }
  bool Bool(bool value) { return document_.Bool(value); }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    return document_.String(text, length, true);
  }
  bool Key(const char* text, rapidjson::SizeType length, bool) { return document_.Key(text, length, true); }
  bool StartObject() { return document_.StartObject(); }
  bool EndObject(rapidjson::SizeType members) { return document_.EndObject(members); }
  bool StartArray() { return document_.StartArray(); }
  bool EndArray(rapidjson::SizeType elements) { return document_.EndArray(elements); }

  // RapidJSON calls none of these here, but compiles the calls.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  rapidjson::Document& document_;
};

// The way to the first key that stands twice in one object, such as "tensors"."a"; empty where none does.
std::string repeated_key(const rapidjson::Value& value) {
  const auto joined = [](const std::string& outer, const std::string& inside) {
    return outer + (inside.front() == '"' ? "." : "") + inside;
  };
  if (value.IsArray()) {
    for (rapidjson::SizeType i = 0; i < value.Size(); ++i) {
      const std::string inside = repeated_key(value[i]);
      if (!inside.empty()) return joined(fmt::format("[{}]", i), inside);
    }
  } else if (value.IsObject()) {
    std::unordered_set<std::string_view> keys;
    for (const auto& [key, member] : value.GetObject()) {
      const std::string_view name = text_of(key);
      if (!keys.insert(name).second) return in_quotes(name);
      const std::string inside = repeated_key(member);
      if (!inside.empty()) return joined(in_quotes(name), inside);
    }
  }
  return {};
}

}  // namespace

rapidjson::Document parse_json(std::string_view text, const std::string& where) {
  // The parser takes a zero byte for the end of the text, and would pass over whatever follows.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
    fail(text, zero, where, "a zero byte");
  check_depth(text, where);
  if (const std::size_t half = lone_low_surrogate(text); half < text.size())
    fail(text, half, where, rapidjson::GetParseError_En(rapidjson::kParseErrorStringUnicodeSurrogateInvalid));
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag |
                             rapidjson::kParseValidateEncodingFlag;
  rapidjson::Reader reader;
  rapidjson::MemoryStream bytes(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
  rapidjson::ParseResult result;
  rapidjson::Document document;
  auto parse_into = [&](rapidjson::Document& into) {
    NumberReader handler(into);
    result = reader.Parse<flags>(stream, handler);
    return !result.IsError();
  };
  document.Populate(parse_into);
  if (result.IsError()) {
    const bool number = result.Code() == rapidjson::kParseErrorTermination;
    fail(text, std::min(result.Offset(), text.size()), where,
         number ? "a number that no double holds" : rapidjson::GetParseError_En(result.Code()));
  }
  if (const std::string key = repeated_key(document); !key.empty())
    throw InputError(fmt::format("{}: the key {} stands twice", where, key));
  return document;
}

}  // namespace qcal
