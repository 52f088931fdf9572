#include "tests/support/golden_cases.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>

namespace qcal::testing {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

double number(const rapidjson::Value& value) {
  if (value.IsNumber()) return value.GetDouble();
  if (value.IsNull()) return std::numeric_limits<double>::quiet_NaN();
  const std::string text = value.GetString();  // JSON has no non-finite numbers
  if (text == "inf" || text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-inf" || text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> numbers(const rapidjson::Value& object, const char* key) {
  std::vector<double> values;
  if (!object.HasMember(key) || object[key].IsNull()) return values;
  const rapidjson::Value& value = object[key];
  if (!value.IsArray()) return {number(value)};
  for (const auto& entry : value.GetArray()) values.push_back(number(entry));
  return values;
}

GoldenResult result_of(const rapidjson::Value& object) {
  return {numbers(object, "scale"), numbers(object, "zero_point"), numbers(object, "float_max"),
          numbers(object, "fix_pos")};
}

template <class Value>
Value named(const std::string& name, std::initializer_list<std::pair<const char*, Value>> table) {
  for (const auto& [known, value] : table) {
    if (name == known) return value;
  }
  throw std::runtime_error("unknown name " + name);
}

TensorSettings settings_of(const rapidjson::Value& config) {
  TensorSettings settings;
  settings.bit_width.value = config["bit_width"].GetInt();
  settings.method.value = named<Method>(config["method"].GetString(), {{"maxmin", Method::maxmin},
                                                                       {"percentile", Method::percentile},
                                                                       {"entropy", Method::entropy},
                                                                       {"mse", Method::mse},
                                                                       {"diffs", Method::diffs}});
  settings.round_mode.value =
      named<RoundMode>(config["round_mode"].GetString(), {{"half_even", RoundMode::half_even},
                                                          {"half_up", RoundMode::half_up},
                                                          {"half_down", RoundMode::half_down},
                                                          {"std_round", RoundMode::std_round}});
  settings.symmetry.value = config["symmetry"].GetBool();
  settings.per_channel.value = config["per_channel"].GetBool();
  settings.is_signed.value = config["signed"].GetBool() ? Signedness::is_signed : Signedness::is_unsigned;
  settings.narrow_range.value = config["narrow_range"].GetBool();
  settings.scale_type.value = std::string(config["scale_type"].GetString()) == "float"
                                  ? ScaleType::float_scale
                                  : ScaleType::power_of_two;
  if (config.HasMember("percentage")) settings.percentage.value = config["percentage"].GetDouble();
  if (config.HasMember("calib_statistic_method")) {
    settings.calib_statistic_method.value = named<BatchStatistic>(
        config["calib_statistic_method"].GetString(), {{"modal", BatchStatistic::modal},
                                                       {"max", BatchStatistic::max},
                                                       {"mean", BatchStatistic::mean},
                                                       {"median", BatchStatistic::median}});
  }
  return settings;
}

GoldenCase case_of(const rapidjson::Value& json) {
  GoldenCase golden;
  golden.id = json["id"].GetString();
  golden.dpu = std::string(json["engine"].GetString()) == "TORCHQuantizer";
  golden.role = named<Role>(json["role"].GetString(), {{"input", Role::input},
                                                       {"weights", Role::weights},
                                                       {"bias", Role::bias},
                                                       {"activation", Role::activation}});
  golden.local = json["statistic_local"].GetBool();
  for (const auto& batch : json["batches"].GetArray())
    golden.batch_files.emplace_back(batch["file"].GetString());
  golden.settings = settings_of(json["config"]);
  if (!golden.local) golden.settings.calib_scope.value = CalibrationScope::accumulated;
  if (json["config"].HasMember("axis") && json["config"]["axis"].IsInt())
    golden.axis = json["config"]["axis"].GetInt();

  const rapidjson::Value& expected = json["expected"];
  if (expected.HasMember("error")) golden.error = expected["error"].GetString();
  golden.final_result = result_of(expected);
  for (const auto& batch : expected["per_batch"].GetArray()) golden.per_batch.push_back(result_of(batch));
  if (expected.HasMember("fq") && expected["fq"].IsObject()) {
    const rapidjson::Value& output = expected["fq"];
    golden.output_sha256 = output["sha256"].GetString();
    for (const auto& extent : output["shape"].GetArray()) golden.output_shape.push_back(extent.GetInt64());
    if (output.HasMember("file")) golden.output_file = output["file"].GetString();
  }
  for (const auto& defect : json["output_defects"].GetArray())
    golden.output_defects.emplace_back(defect.GetString());
  return golden;
}

}  // namespace

Array golden_array(const std::string& file) {
  const std::string bytes = text_of(std::string(QCAL_TEST_DATA "/golden/") + file);
  // Version 1 header: 10 bytes, then a Python dict with 'shape': (a, b, ).
  const std::size_t header =
      static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  std::string shape = bytes.substr(10, header);
  shape = shape.substr(shape.find('(') + 1);
  shape = shape.substr(0, shape.find(')'));
  Array array;
  std::size_t elements = 1;
  for (std::size_t at = 0; at < shape.size();) {
    const std::size_t comma = std::min(shape.find(',', at), shape.size());
    const std::string extent = shape.substr(at, comma - at);
    if (extent.find_first_of("0123456789") != std::string::npos) {
      array.shape.push_back(std::stoll(extent));
      elements *= static_cast<std::size_t>(array.shape.back());
    }
    at = comma + 1;
  }
  array.values.resize(elements);
  if (bytes.size() != 10 + header + 4 * elements)
    throw std::runtime_error(file + " is not a plain float32 array");
  std::memcpy(array.values.data(), bytes.data() + 10 + header, 4 * elements);
  return array;
}

std::vector<GoldenCase> golden_cases() {
  const std::string text = text_of(QCAL_TEST_DATA "/golden/cases.json");
  rapidjson::Document document;
  document.Parse<rapidjson::kParseFullPrecisionFlag>(text.c_str());
  if (document.HasParseError()) throw std::runtime_error("cases.json does not parse");
  std::vector<GoldenCase> cases;
  for (const auto& entry : document.GetArray()) cases.push_back(case_of(entry));
  return cases;
}

}  // namespace qcal::testing
