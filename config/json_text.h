// JSON text as a tree in which every value and every key knows its line and column.
//
// Comments (/* */ and //) and trailing commas are accepted. Text is UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qcal::json {

// Both count from 1; columns count characters, not bytes.
struct Position {
  int line = 1;
  int column = 1;
};

struct Member;

struct Value {
  enum class Kind { null, boolean, number, string, array, object };

  Kind kind = Kind::null;
  Position position;
  bool boolean = false;
  std::string text;             // a string's characters, or a number as it is written
  std::vector<Value> elements;  // of an array
  std::vector<Member> members;  // of an object, in file order, each key once

  std::optional<double> number() const;  // empty for anything but a finite number
  std::optional<int> integer() const;    // empty for anything but a whole number that fits
  const Member* find(std::string_view key) const;
};

struct Member {
  std::string key;
  Position key_position;
  Value value;
};

// `path` names the place in the tree ("a.b[2]"), empty where the text is no tree.
struct Problem {
  std::string path;
  Position position;
  std::string message;
};

struct Parsed {
  std::optional<Value> root;  // empty where the text is not JSON
  std::vector<Problem> problems;
};

// Parses `text`. A syntax error ends it: no root and one problem. A key that repeats is a problem of its own;
// its first value is kept. Nesting beyond 64 levels is refused. Never throws on bad text.
Parsed parse(std::string_view text);

// The path of a member or an element: "a.b", "a[3]"; a key that is no plain word is quoted: a["b c"].
std::string member_path(std::string_view parent, std::string_view key);
std::string element_path(std::string_view parent, std::size_t index);

// `text` between double quotes with control characters escaped, cut where it gets long.
std::string in_quotes(std::string_view text);

}  // namespace qcal::json
