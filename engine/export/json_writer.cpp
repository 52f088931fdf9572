#include "engine/export/json_writer.h"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>

#include <array>
#include <charconv>
#include <cmath>

#include "kernels/error.h"

namespace qcal {
namespace {

using Writer = rapidjson::PrettyWriter<rapidjson::StringBuffer>;

// PrettyWriter does not pass on its flag for this check (RapidJSON 1.1).
bool is_utf8(std::string_view text) {
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::StringBuffer ignored;
  while (stream.Tell() < text.size()) {
    if (!rapidjson::UTF8<>::Validate(stream, ignored)) return false;
  }
  return true;
}

// RapidJSON asserts that even an empty string has an address.
const char* pointer_to(std::string_view text) {
  return text.empty() ? "" : text.data();
}

rapidjson::SizeType length_of(std::string_view text) {
  return static_cast<rapidjson::SizeType>(text.size());
}

// RapidJSON prints doubles with its own algorithm, which round-trips but is not always the shortest.
template <class Float>
void write_number(Writer& writer, Float value) {
  if (!std::isfinite(value)) throw InvalidArgument(fmt::format("{} cannot be written as JSON", value));
  std::array<char, 64> buffer;
  char* end = std::to_chars(buffer.data(), buffer.data() + buffer.size() - 2, value).ptr;
  if (std::string_view(buffer.data(), static_cast<std::size_t>(end - buffer.data())).find_first_of(".e") ==
      std::string_view::npos) {
    *end++ = '.';
    *end++ = '0';
  }
  writer.RawValue(buffer.data(), static_cast<std::size_t>(end - buffer.data()), rapidjson::kNumberType);
}

// Passes a parsed text on to the writer, numbers as they were spelled.
struct Copy {
  Writer& writer;

  bool Null() { return writer.Null(); }
  bool Bool(bool value) { return writer.Bool(value); }
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    return writer.RawValue(text, length, rapidjson::kNumberType);
  }
  bool String(const char* text, rapidjson::SizeType length, bool) { return writer.String(text, length); }
  bool Key(const char* text, rapidjson::SizeType length, bool) { return writer.Key(text, length); }
  bool StartObject() { return writer.StartObject(); }
  bool EndObject(rapidjson::SizeType) { return writer.EndObject(); }
  bool StartArray() { return writer.StartArray(); }
  bool EndArray(rapidjson::SizeType) { return writer.EndArray(); }
};

}  // namespace

struct JsonWriter::State {
  rapidjson::StringBuffer buffer;
  Writer writer{buffer};
};

JsonWriter::JsonWriter() : state_(std::make_unique<State>()) {
  state_->writer.SetIndent(' ', 2);
  state_->writer.SetFormatOptions(rapidjson::kFormatSingleLineArray);
}
JsonWriter::~JsonWriter() = default;
JsonWriter::JsonWriter(JsonWriter&&) noexcept = default;
JsonWriter& JsonWriter::operator=(JsonWriter&&) noexcept = default;

void JsonWriter::begin_object() {
  state_->writer.StartObject();
}
void JsonWriter::end_object() {
  state_->writer.EndObject();
}
void JsonWriter::begin_array() {
  state_->writer.StartArray();
}
void JsonWriter::end_array() {
  state_->writer.EndArray();
}

void JsonWriter::key(std::string_view name) {
  if (!is_utf8(name)) throw InvalidArgument("a name that is not UTF-8 text");
  state_->writer.Key(pointer_to(name), length_of(name));
}

void JsonWriter::string(std::string_view text) {
  if (!is_utf8(text)) throw InvalidArgument("a string that is not UTF-8 text");
  state_->writer.String(pointer_to(text), length_of(text));
}

void JsonWriter::integer(std::int64_t value) {
  state_->writer.Int64(value);
}
void JsonWriter::unsigned_integer(std::uint64_t value) {
  state_->writer.Uint64(value);
}
void JsonWriter::number(double value) {
  write_number(state_->writer, value);
}
void JsonWriter::short_number(float value) {
  write_number(state_->writer, value);
}
void JsonWriter::boolean(bool value) {
  state_->writer.Bool(value);
}
void JsonWriter::null() {
  state_->writer.Null();
}

void JsonWriter::json(std::string_view text) {
  // The reader takes a zero byte for the end of the text.
  if (text.find('\0') != std::string_view::npos) throw InvalidArgument("not JSON: a zero byte");
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag |
                             rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream memory(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(memory);
  rapidjson::Reader reader;
  Copy copy{state_->writer};
  if (const rapidjson::ParseResult result = reader.Parse<flags>(stream, copy); !result) {
    throw InvalidArgument(
        fmt::format("not JSON at byte {}: {}", result.Offset(), rapidjson::GetParseError_En(result.Code())));
  }
}

std::string JsonWriter::text() const {
  return std::string(state_->buffer.GetString(), state_->buffer.GetSize()) + "\n";
}

}  // namespace qcal
