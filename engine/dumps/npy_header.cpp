#include "engine/dumps/npy_header.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "engine/error.h"

namespace qcal {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  NpyHeader header() {
    expect('{');
    while (!accept('}')) {
      entry();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text after the dictionary");
    if (!descr_) fail("no 'descr'");
    if (!fortran_order_) fail("no 'fortran_order'");
    if (!shape_) fail("no 'shape'");
    return {.descr = *descr_, .structured = structured_, .fortran_order = *fortran_order_, .shape = *shape_};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(
        fmt::format("{}: malformed npy header: {} (at byte {} of the dictionary); write it with numpy.save",
                    where_, what, at_));
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n\f\v").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  bool accept(char wanted) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("'{}' expected", wanted));
  }

  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string string_literal() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) fail("a string expected");
    const std::size_t begin = at_ + 1;
    const std::size_t end = text_.find(text_[at_], begin);
    if (end == std::string_view::npos) fail("a string that does not end");
    const std::string_view value = text_.substr(begin, end - begin);
    if (value.find('\\') != std::string_view::npos) fail("an escape in a string");
    at_ = end + 1;
    return std::string(value);
  }

  void entry() {
    const std::string key = string_literal();
    expect(':');
    if (key == "descr") {
      if (descr_) fail("'descr' twice");
      type();
    } else if (key == "fortran_order") {
      if (fortran_order_) fail("'fortran_order' twice");
      if (accept_word("True")) {
        fortran_order_ = true;
      } else if (accept_word("False")) {
        fortran_order_ = false;
      } else {
        fail("True or False expected");
      }
    } else if (key == "shape") {
      if (shape_) fail("'shape' twice");
      tuple();
    } else {
      fail("a key other than 'descr', 'fortran_order' and 'shape'");
    }
  }

  // A structured type is a list of tuples of strings and nested lists. Only its extent matters: it is refused
  // later, by a message about the type rather than about the text.
  void type() {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != '[') {
      descr_ = string_literal();
      return;
    }
    structured_ = true;
    const std::size_t begin = at_;
    std::size_t depth = 0;
    do {
      if (at_ >= text_.size()) fail("a list that does not end");
      const char character = text_[at_];
      if (character == '\'' || character == '"') {
        string_literal();
        continue;
      }
      if (character == '[') ++depth;
      if (character == ']') --depth;
      ++at_;
    } while (depth > 0);
    descr_ = std::string(text_.substr(begin, at_ - begin));
  }

  void tuple() {
    expect('(');
    std::vector<std::int64_t> shape;
    bool comma = true;
    while (!accept(')')) {
      if (!comma) fail("',' or ')' expected in the shape");
      shape.push_back(extent());
      comma = accept(',');
    }
    if (shape.size() == 1 && !comma) fail("a shape of one dimension needs a comma: (3,)");
    shape_ = std::move(shape);
  }

  std::int64_t extent() {
    skip_space();
    std::int64_t value = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("a dimension that does not fit 64 bits");
    if (error != std::errc() || value < 0) fail("a dimension must be a number, 0 or more");
    at_ += static_cast<std::size_t>(end - begin);
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote (3L, 4L)
    return value;
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::optional<std::string> descr_;
  bool structured_ = false;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<std::int64_t>> shape_;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const std::string& where) {
  return Parser(text, where).header();
}

}  // namespace qcal
