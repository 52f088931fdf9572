// JSON text, written value by value, whose numbers read back to the same bits.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qcal {

// Indented by two spaces; an array of numbers stays on one line. Calls must nest as JSON does.
class JsonWriter {
 public:
  JsonWriter();
  ~JsonWriter();
  JsonWriter(JsonWriter&&) noexcept;
  JsonWriter& operator=(JsonWriter&&) noexcept;

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  // Throws InvalidArgument for text that is not UTF-8, as string() does: JSON cannot hold it.
  void key(std::string_view name);
  void string(std::string_view text);
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  // The shortest decimal that reads back as the same double, always with a point or an exponent, so that no
  // reader takes it for an integer: 0.1, 1.0, -0.0, 5e-324. Throws InvalidArgument for NaN and infinities.
  void number(double value);
  // The shortest decimal that reads back as the same float32.
  void short_number(float value);
  void boolean(bool value);
  void null();
  // key() and the value.
  void member(std::string_view name, std::string_view text) {
    key(name);
    string(text);
  }
  void member(std::string_view name, std::same_as<bool> auto value) {
    key(name);
    boolean(value);
  }
  void member(std::string_view name, std::signed_integral auto value) {
    key(name);
    integer(value);
  }
  void member(std::string_view name, std::floating_point auto value) {
    key(name);
    number(value);
  }
  // A list of texts, and key() and it.
  void strings(const std::vector<std::string>& texts) {
    begin_array();
    for (const std::string& text : texts) string(text);
    end_array();
  }
  void member(std::string_view name, const std::vector<std::string>& texts) {
    key(name);
    strings(texts);
  }
  // A JSON value as text: laid out anew, its numbers kept digit by digit. Throws InvalidArgument where it is
  // no JSON.
  void json(std::string_view text);

  // The text so far, with a line feed at the end.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qcal
