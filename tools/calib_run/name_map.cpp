#include "tools/calib_run/name_map.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include "engine/dumps/input_file.h"
#include "engine/error.h"

namespace qcal::tools {

std::map<std::string, std::string> read_name_map(const std::string& file) {
  std::map<std::string, std::string> names;
  if (file.empty()) return names;
  constexpr std::uint64_t largest = std::uint64_t{64} << 20;
  const std::string text = read_text_file(file, largest);
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (document.HasParseError()) {
    throw InputError(file + ": offset " + std::to_string(document.GetErrorOffset()) + ": " +
                     rapidjson::GetParseError_En(document.GetParseError()));
  }
  const std::string expected =
      file + ": expected one object of strings, {\"tensor name\": \"other name\", ...}";
  if (!document.IsObject()) throw InputError(expected);
  for (const auto& member : document.GetObject()) {
    if (!member.value.IsString())
      throw InputError(expected + "; \"" + member.name.GetString() + "\" is no string");
    names.emplace(member.name.GetString(), member.value.GetString());
  }
  return names;
}

}  // namespace qcal::tools
