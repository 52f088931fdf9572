#include "config/json_text.h"

#include <rapidjson/error/error.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <map>
#include <system_error>
#include <utility>

#include "config/nearest_spelling.h"
#include "config/utf8.h"

namespace qcal::json {
namespace {

constexpr std::size_t deepest_nesting = 64;
constexpr std::size_t longest_quote = 60;
constexpr const char* half_a_pair = "\\u escapes half of a surrogate pair";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_number_character(char c) {
  return is_digit(c) || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}
bool is_word(std::string_view key) {
  return !key.empty() &&
         std::ranges::all_of(key, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '$'; });
}

// Byte offsets to lines and columns; constant time on average when offsets grow.
class Locator {
 public:
  explicit Locator(std::string_view text) : text_(text) {}

  Position at(std::size_t offset) {
    if (offset < offset_) {
      offset_ = 0;
      position_ = {};
    }
    for (const std::size_t end = std::min(offset, text_.size()); offset_ < end; ++offset_) {
      if (text_[offset_] == '\n') {
        ++position_.line;
        position_.column = 1;
      } else if (!is_utf8_continuation(text_[offset_])) {
        ++position_.column;
      }
    }
    return position_;
  }

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
  Position position_;
};

// Offset of the quote that opens the string of which `inside` is the end (exclusive). Inside a string every
// quote follows a backslash, and no opening quote does.
std::size_t opening_quote(std::string_view text, std::size_t inside) {
  std::size_t at = inside;
  while (at > 0) {
    --at;
    if (text[at] == '"' && (at == 0 || text[at - 1] != '\\')) return at;
  }
  return 0;
}

// Receives RapidJSON's events and builds the tree. RapidJSON reports a scalar after reading it, so that its
// start is found by looking back from the stream's position.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, const rapidjson::MemoryStream& stream, Locator& locator)
      : text_(text), stream_(stream), locator_(locator) {}

  bool Null() { return scalar(Value::Kind::null, end() - 4, {}); }
  bool Bool(bool value) {
    scalar(Value::Kind::boolean, end() - (value ? 4 : 5), {});
    last_value().boolean = value;
    return true;
  }
  bool RawNumber(const char*, rapidjson::SizeType, bool) {
    std::size_t start = end();
    while (start > 0 && is_number_character(text_[start - 1])) --start;
    return scalar(Value::Kind::number, start, std::string(text_.substr(start, end() - start)));
  }
  bool String(const char* characters, rapidjson::SizeType length, bool) {
    const std::size_t start = opening_quote(text_, end() - 1);
    return is_text(start) && scalar(Value::Kind::string, start, std::string(characters, length));
  }
  bool Key(const char* characters, rapidjson::SizeType length, bool) {
    const std::size_t start = opening_quote(text_, end() - 1);
    if (!is_text(start)) return false;
    Frame& frame = frames_.back();
    frame.key.assign(characters, length);
    frame.key_position = locator_.at(start);
    const auto [first, is_new] = frame.seen.emplace(frame.key, frame.key_position);
    frame.repeated = !is_new;
    if (!is_new) {
      problems_.push_back({path(), frame.key_position,
                           "the key repeats; it stands at " + std::to_string(first->second.line) + ":" +
                               std::to_string(first->second.column) + " already"});
    }
    return true;
  }
  bool StartObject() { return open(Value::Kind::object); }
  bool StartArray() { return open(Value::Kind::array); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool EndArray(rapidjson::SizeType) { return close(); }

  // RapidJSON reads numbers as text here and calls none of these, but compiles the calls.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

  std::optional<Value> root_;
  std::vector<Problem> problems_;

 private:
  struct Frame {
    Value value;
    std::string key;
    Position key_position;
    bool repeated = false;
    std::map<std::string, Position, std::less<>> seen;
  };

  std::size_t end() const { return stream_.Tell(); }

  // Where the value that comes next belongs.
  std::string path() const {
    std::string path;
    for (const Frame& frame : frames_) {
      path = frame.value.kind == Value::Kind::object ? member_path(path, frame.key)
                                                     : element_path(path, frame.value.elements.size());
    }
    return path;
  }

  // Whether the string that was just read, from its opening quote on, stands for characters.
  bool is_text(std::size_t start) {
    const std::string_view string = text_.substr(start, end() - start);
    const std::size_t half = lone_low_surrogate(string);
    if (half == string.size()) return true;
    problems_.push_back({"", locator_.at(start + half), half_a_pair});
    return false;
  }

  bool scalar(Value::Kind kind, std::size_t start, std::string text) {
    Value value;
    value.kind = kind;
    value.position = locator_.at(start);
    value.text = std::move(text);
    add(std::move(value));
    return true;
  }

  bool open(Value::Kind kind) {
    const Position position = locator_.at(end());
    if (frames_.size() == deepest_nesting) {
      problems_.push_back(
          {"", position, "nested deeper than " + std::to_string(deepest_nesting) + " levels"});
      return false;
    }
    frames_.emplace_back();
    frames_.back().value.kind = kind;
    frames_.back().value.position = position;
    return true;
  }

  bool close() {
    Value value = std::move(frames_.back().value);
    frames_.pop_back();
    add(std::move(value));
    return true;
  }

  void add(Value value) {
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& parent = frames_.back();
    if (parent.value.kind == Value::Kind::array) {
      parent.value.elements.push_back(std::move(value));
    } else if (!parent.repeated) {
      parent.value.members.push_back({parent.key, parent.key_position, std::move(value)});
    } else {
      dropped_ = std::move(value);
    }
  }

  Value& last_value() {
    if (frames_.empty()) return *root_;
    Frame& parent = frames_.back();
    if (parent.value.kind == Value::Kind::array) return parent.value.elements.back();
    return parent.repeated ? dropped_ : parent.value.members.back().value;
  }

  std::string_view text_;
  const rapidjson::MemoryStream& stream_;
  Locator& locator_;
  std::vector<Frame> frames_;
  Value dropped_;
};

struct Fault {
  std::size_t offset;
  std::string message;
};

// The bare word around `offset`, such as True, None or NaN.
std::string_view word_at(std::string_view text, std::size_t offset) {
  std::size_t start = std::min(offset, text.size());
  while (start > 0 && is_letter(text[start - 1])) --start;
  std::size_t stop = start;
  while (stop < text.size() && is_letter(text[stop])) ++stop;
  return text.substr(start, stop - start);
}

Fault invalid_value(std::string_view text, std::size_t offset) {
  const std::string_view word = word_at(text, offset);
  if (word.empty()) return {offset, "expected a value"};
  static constexpr std::array<std::string_view, 3> literals{"true", "false", "null"};
  const std::string_view meant = word == "None" ? "null" : nearest_spelling(word, literals);
  std::string message = std::string(word.substr(0, longest_quote)) +
                        " is no JSON value; allowed: true, false, null, a number, a string in double quotes";
  if (!meant.empty()) message += "; did you mean " + std::string(meant) + "?";
  return {static_cast<std::size_t>(word.data() - text.data()), std::move(message)};
}

// RapidJSON calls a control character an invalid escape.
Fault invalid_character(std::string_view text, std::size_t offset) {
  const char c = offset < text.size() ? text[offset] : '\\';
  if (c == '\n' || c == '\r') return {opening_quote(text, offset), "the string is not closed on its line"};
  if (c != '\\') return {offset, "a control character stands in a string; write it as \\uXXXX"};
  return {offset, "unknown escape in a string; allowed: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"};
}

Fault explain(std::string_view text, rapidjson::ParseErrorCode code, std::size_t offset) {
  const bool at_end = offset >= text.size();
  switch (code) {
    case rapidjson::kParseErrorDocumentEmpty:
      return {offset, "the file holds no configuration; expected an object: { ... }"};
    case rapidjson::kParseErrorDocumentRootNotSingular:
      return {offset, "text follows the end of the configuration"};
    case rapidjson::kParseErrorValueInvalid:
      if (at_end) return {offset, "the file ends where a value should stand"};
      return invalid_value(text, offset);
    case rapidjson::kParseErrorObjectMissName:
      return {offset,
              at_end ? "the file ends inside an object; expected }" : "expected a key in double quotes or }"};
    case rapidjson::kParseErrorObjectMissColon:
      return {offset, "expected : after the key"};
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket:
      return {offset,
              at_end ? "the file ends inside an object; expected }" : "expected , or } after the value"};
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket:
      return {offset,
              at_end ? "the file ends inside an array; expected ]" : "expected , or ] after the value"};
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
      return {offset, "expected four hexadecimal digits after \\u"};
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
      return {offset, half_a_pair};
    case rapidjson::kParseErrorStringEscapeInvalid:
      return invalid_character(text, offset);
    case rapidjson::kParseErrorStringMissQuotationMark:
      return {opening_quote(text, offset), "the string is never closed"};
    case rapidjson::kParseErrorNumberTooBig:
      return {offset, "the number is too large"};
    case rapidjson::kParseErrorNumberMissFraction:
      return {offset, "expected a digit after the decimal point"};
    case rapidjson::kParseErrorNumberMissExponent:
      return {offset, "expected a digit in the exponent"};
    default:
      return {offset, at_end ? "the file ends inside a comment" : "expected /* or // to start a comment"};
  }
}

// What would mislead the parser, or be blamed on the wrong thing by it.
std::optional<Fault> unreadable(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF"))
    return Fault{0, "the file starts with a byte order mark; save it as UTF-8 without one"};
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return Fault{0, "the file is UTF-16; save it as UTF-8"};
  const std::size_t zero = text.find('\0');
  const std::size_t invalid = first_invalid_utf8(text);
  if (zero < invalid) return Fault{zero, "the file contains a NUL character"};
  if (invalid < text.size()) return Fault{invalid, "the file is not valid UTF-8 from here"};
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return Fault{0, "the file is empty; expected an object: { ... }"};
  return std::nullopt;
}

}  // namespace

std::optional<double> Value::number() const {
  if (kind != Kind::number) return std::nullopt;
  double parsed = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, parsed);
  if (status != std::errc{} || stop != end) return std::nullopt;
  return parsed;
}

std::optional<int> Value::integer() const {
  const std::optional<double> parsed = number();
  if (!parsed || std::trunc(*parsed) != *parsed) return std::nullopt;
  if (*parsed < std::numeric_limits<int>::min() || *parsed > std::numeric_limits<int>::max())
    return std::nullopt;
  return static_cast<int>(*parsed);
}

const Member* Value::find(std::string_view key) const {
  const auto found = std::ranges::find(members, key, &Member::key);
  return found == members.end() ? nullptr : &*found;
}

Parsed parse(std::string_view text) {
  Locator locator(text);
  if (const std::optional<Fault> fault = unreadable(text))
    return {std::nullopt, {{"", locator.at(fault->offset), fault->message}}};

  // Iterative, so that hostile nesting cannot overflow the stack before the builder refuses it.
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseCommentsFlag |
                             rapidjson::kParseTrailingCommasFlag | rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  TreeBuilder builder(text, stream, locator);
  rapidjson::Reader reader;
  const rapidjson::ParseResult result = reader.Parse<flags>(stream, builder);
  if (result.IsError()) {
    if (result.Code() == rapidjson::kParseErrorTermination) return {std::nullopt, {builder.problems_.back()}};
    const Fault fault = explain(text, result.Code(), result.Offset());
    return {std::nullopt, {{"", locator.at(fault.offset), fault.message}}};
  }
  return {std::move(builder.root_), std::move(builder.problems_)};
}

std::string member_path(std::string_view parent, std::string_view key) {
  if (!is_word(key)) return std::string(parent) + "[" + in_quotes(key) + "]";
  return parent.empty() ? std::string(key) : std::string(parent) + "." + std::string(key);
}

std::string element_path(std::string_view parent, std::size_t index) {
  return std::string(parent) + "[" + std::to_string(index) + "]";
}

std::string in_quotes(std::string_view text) {
  std::size_t length = std::min(text.size(), longest_quote);
  while (length < text.size() && length > 0 && is_utf8_continuation(text[length])) --length;

  static constexpr std::string_view hexadecimal = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text.substr(0, length)) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20u || code == 0x7Fu) {
      out += "\\u00";
      out += hexadecimal[code >> 4u];
      out += hexadecimal[code & 0xFu];
    } else {
      out += c;
    }
  }
  if (length < text.size()) out += "...";
  return out + "\"";
}

}  // namespace qcal::json
