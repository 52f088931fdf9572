// The configuration as typed values: what every tensor's quantization is to be, with its origin.
//
// Names follow the JSON format (UG1414, "Configuration of Quantization Strategy"). Nothing here knows a
// graph, tensor data, or how the JSON text is read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qcal {

enum class Role { input, weights, bias, activation };
inline constexpr std::array all_roles{Role::input, Role::weights, Role::bias, Role::activation};

enum class Method { maxmin, percentile, entropy, mse, diffs };
enum class RoundMode { half_even, half_up, half_down, std_round };
enum class ScaleType { float_scale, power_of_two };
enum class BatchStatistic { modal, max, mean, median };
enum class TargetDevice { dpu, cpu, gpu };
enum class CalibrationScope { per_batch, accumulated };
enum class Datatype { integer, float16, bfloat16, float32 };
enum class Signedness { is_unsigned, is_signed, automatic };
enum class Placement { groups, compute, fused };

// Whose behaviour is wanted where the two differ: ours, or vai_q_pytorch's to the bit.
enum class Compatibility { standard, vitis };

// First candidate of the mse and entropy searches, in histogram bins.
// `preset` leaves it to the method; `levels` starts at the number of quantized levels (an exhaustive search).
struct SearchStart {
  enum class Kind { preset, levels, bins };
  Kind kind = Kind::preset;
  int bins = 0;  // [1, 2048], read only for Kind::bins
  bool operator==(const SearchStart&) const = default;
};

// Where a value was written. `setting` is the JSON path inside the file, or "default" with the reason.
// line and column count from 1; 0 means that the value stands in no file.
struct Source {
  std::string setting{};
  std::string file{};
  int line = 0;
  int column = 0;

  // "overall_quantize_config.method (config.json:14:15)", or the setting alone where there is no file.
  std::string text() const;
  bool operator==(const Source&) const = default;
};

template <class Value>
struct Sourced {
  Value value{};
  Source source;
};

// The thirteen settings of one tensor, all resolved.
struct TensorSettings {
  Sourced<Datatype> datatype{Datatype::integer, {}};
  Sourced<int> bit_width{8, {}};
  Sourced<Method> method{Method::diffs, {}};
  Sourced<RoundMode> round_mode{RoundMode::std_round, {}};
  Sourced<bool> symmetry{true, {}};
  Sourced<bool> per_channel{false, {}};
  Sourced<Signedness> is_signed{Signedness::is_signed, {}};
  Sourced<bool> narrow_range{false, {}};
  Sourced<ScaleType> scale_type{ScaleType::power_of_two, {}};
  Sourced<BatchStatistic> calib_statistic_method{BatchStatistic::modal, {}};
  Sourced<double> percentage{99.99, {}};
  Sourced<CalibrationScope> calib_scope{CalibrationScope::per_batch, {}};
  Sourced<double> headroom{0.0, {}};
  Sourced<SearchStart> search_start{{}, {}};
};

template <class Value>
class PerRole {
 public:
  Value& operator[](Role role) { return values_[static_cast<std::size_t>(role)]; }
  const Value& operator[](Role role) const { return values_[static_cast<std::size_t>(role)]; }

 private:
  std::array<Value, all_roles.size()> values_{};
};

using RoleSettings = PerRole<TensorSettings>;

// One entry of layer_quantize_config: what it selects and what it overrides. A value that the entry does not
// set is absent, so that the model's settings show through.
struct TensorOverrides {
  std::optional<Sourced<Datatype>> datatype;
  std::optional<Sourced<int>> bit_width;
  std::optional<Sourced<Method>> method;
  std::optional<Sourced<RoundMode>> round_mode;
  std::optional<Sourced<bool>> symmetry;
  std::optional<Sourced<bool>> per_channel;
  std::optional<Sourced<Signedness>> is_signed;
  std::optional<Sourced<bool>> narrow_range;
  std::optional<Sourced<ScaleType>> scale_type;
  std::optional<Sourced<BatchStatistic>> calib_statistic_method;
  std::optional<Sourced<double>> percentage;
  std::optional<Sourced<CalibrationScope>> calib_scope;
  std::optional<Sourced<double>> headroom;
  std::optional<Sourced<SearchStart>> search_start;
};

struct LayerEntry {
  std::optional<Sourced<std::string>> layer_type;  // "torch.nn.Conv2d", "Conv2d" or "Conv"
  std::optional<Sourced<std::string>> layer_name;  // ONNX node name, vai_q_pytorch name, or glob
  PerRole<bool> overrides_role{};                  // quantizable_data_type of the entry
  TensorOverrides overall;
  PerRole<TensorOverrides> per_tensor{};
  Source source;  // the entry itself, for messages
};

// A whole configuration file (or the built-in default), validated.
struct Configuration {
  Sourced<TargetDevice> target_device{TargetDevice::dpu, {}};
  Sourced<bool> convert_relu6_to_relu{false, {}};
  Sourced<bool> include_cle{true, {}};
  Sourced<bool> include_bias_corr{true, {}};
  Sourced<bool> keep_first_last_layer_accuracy{false, {}};
  Sourced<bool> keep_add_layer_accuracy{false, {}};
  Sourced<Placement> placement{Placement::groups, {}};
  Sourced<double> min_output_sqnr{0.0, {}};  // dB; of Placement::fused
  PerRole<Sourced<bool>> quantizable{};      // quantizable_data_type: is the role quantized at all?
  RoleSettings tensor_settings{};            // model level: overall, then tensor_quantize_config
  std::vector<LayerEntry> layers;            // in file order
  Compatibility compatibility = Compatibility::standard;
};

}  // namespace qcal
