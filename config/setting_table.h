// Every setting, declared once: its key, what it means, where its value lives and how it is read.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <tuple>

#include "config/json_text.h"
#include "config/setting_values.h"
#include "config/settings.h"

namespace qcal {

// UG1414 requires some settings of the model, and every other one is ours or optional there.
enum class Required { no, yes };

// A setting about several batches says nothing of parameters, which are calibrated once.
enum class Concerns { every_role, what_batches_feed };

constexpr bool concerns(Concerns which, Role role) {
  return which == Concerns::every_role || role == Role::input || role == Role::activation;
}

template <class Value>
struct TensorSetting {
  std::string_view key;
  std::string_view description;
  Required required;
  Concerns concerned;
  Sourced<Value> TensorSettings::*resolved;
  std::optional<Sourced<Value>> TensorOverrides::*overriding;
  Read<Value> (*read)(const json::Value&);
};

// In the order in which they are described.
inline constexpr std::tuple tensor_setting_table{
    TensorSetting<Datatype>{.key = "datatype",
                            .description =
                                "int: integer quantization. float16, bfloat16, float32: no scale is "
                                "calibrated, and the exported model casts the tensor.",
                            .required = Required::no,
                            .concerned = Concerns::every_role,
                            .resolved = &TensorSettings::datatype,
                            .overriding = &TensorOverrides::datatype,
                            .read = read_option<Datatype>},
    TensorSetting<int>{.key = "bit_width",
                       .description =
                           "Bits of the quantized integer: 2 to 16, and 32 for bias, whose scale is then "
                           "input scale x weight scale.",
                       .required = Required::yes,
                       .concerned = Concerns::every_role,
                       .resolved = &TensorSettings::bit_width,
                       .overriding = &TensorOverrides::bit_width,
                       .read = read_bit_width},
    TensorSetting<Method>{.key = "method",
                          .description = "How the range is found from the data.",
                          .required = Required::yes,
                          .concerned = Concerns::every_role,
                          .resolved = &TensorSettings::method,
                          .overriding = &TensorOverrides::method,
                          .read = read_option<Method>},
    TensorSetting<RoundMode>{.key = "round_mode",
                             .description =
                                 "Rounding of ties: to even, up (toward +inf), down (toward zero), or away "
                                 "from zero (std_round).",
                             .required = Required::yes,
                             .concerned = Concerns::every_role,
                             .resolved = &TensorSettings::round_mode,
                             .overriding = &TensorOverrides::round_mode,
                             .read = read_option<RoundMode>},
    TensorSetting<bool>{.key = "symmetry",
                        .description = "true: the zero point is 0. false: the zero point follows the data.",
                        .required = Required::yes,
                        .concerned = Concerns::every_role,
                        .resolved = &TensorSettings::symmetry,
                        .overriding = &TensorOverrides::symmetry,
                        .read = read_bool},
    TensorSetting<bool>{.key = "per_channel",
                        .description = "true: one scale a channel. false: one scale a tensor.",
                        .required = Required::yes,
                        .concerned = Concerns::every_role,
                        .resolved = &TensorSettings::per_channel,
                        .overriding = &TensorOverrides::per_channel,
                        .read = read_bool},
    TensorSetting<Signedness>{.key = "signed",
                              .description =
                                  "Signed or unsigned integers; auto: unsigned where the tensor never goes "
                                  "below zero.",
                              .required = Required::yes,
                              .concerned = Concerns::every_role,
                              .resolved = &TensorSettings::is_signed,
                              .overriding = &TensorOverrides::is_signed,
                              .read = read_signedness},
    TensorSetting<bool>{.key = "narrow_range",
                        .description = "true: signed symmetric integers leave out the lowest value.",
                        .required = Required::yes,
                        .concerned = Concerns::every_role,
                        .resolved = &TensorSettings::narrow_range,
                        .overriding = &TensorOverrides::narrow_range,
                        .read = read_bool},
    TensorSetting<ScaleType>{.key = "scale_type",
                             .description = "Whether a scale is any float or a power of two.",
                             .required = Required::yes,
                             .concerned = Concerns::every_role,
                             .resolved = &TensorSettings::scale_type,
                             .overriding = &TensorOverrides::scale_type,
                             .read = read_option<ScaleType>},
    TensorSetting<BatchStatistic>{.key = "calib_statistic_method",
                                  .description =
                                      "What is taken of the scales of all batches; input and activation "
                                      "only.",
                                  .required = Required::yes,
                                  .concerned = Concerns::what_batches_feed,
                                  .resolved = &TensorSettings::calib_statistic_method,
                                  .overriding = &TensorOverrides::calib_statistic_method,
                                  .read = read_option<BatchStatistic>},
    TensorSetting<double>{.key = "percentage",
                          .description =
                              "Method percentile: the share of the values, in percent, that the range "
                              "covers.",
                          .required = Required::no,
                          .concerned = Concerns::every_role,
                          .resolved = &TensorSettings::percentage,
                          .overriding = &TensorOverrides::percentage,
                          .read = read_percentage},
    TensorSetting<CalibrationScope>{.key = "calib_scope",
                                    .description =
                                        "per_batch: a scale for each batch, then the statistic over them. "
                                        "accumulated: one histogram over all batches. Input and "
                                        "activation only.",
                                    .required = Required::no,
                                    .concerned = Concerns::what_batches_feed,
                                    .resolved = &TensorSettings::calib_scope,
                                    .overriding = &TensorOverrides::calib_scope,
                                    .read = read_option<CalibrationScope>},
    TensorSetting<double>{.key = "headroom",
                          .description =
                              "Share by which the range found is widened, for values that were not recorded; "
                              "float scales of input and activation only.",
                          .required = Required::no,
                          .concerned = Concerns::what_batches_feed,
                          .resolved = &TensorSettings::headroom,
                          .overriding = &TensorOverrides::headroom,
                          .read = read_headroom},
    TensorSetting<SearchStart>{.key = "search_start",
                               .description =
                                   "First candidate of the mse and entropy searches, in histogram bins of "
                                   "2048; levels: the number of quantized levels, an exhaustive search; "
                                   "preset: as the method has it.",
                               .required = Required::no,
                               .concerned = Concerns::every_role,
                               .resolved = &TensorSettings::search_start,
                               .overriding = &TensorOverrides::search_start,
                               .read = read_search_start}};

template <class Value>
struct ModelSetting {
  std::string_view key;
  std::string_view description;
  Required required;
  Sourced<Value> Configuration::*value;
  Read<Value> (*read)(const json::Value&);
};

inline constexpr std::tuple model_setting_table{
    ModelSetting<TargetDevice>{.key = "target_device",
                               .description = "Device that the quantized model is for.",
                               .required = Required::yes,
                               .value = &Configuration::target_device,
                               .read = read_option<TargetDevice>},
    ModelSetting<bool>{.key = "convert_relu6_to_relu",
                       .description = "Replace every ReLU6 by a ReLU.",
                       .required = Required::yes,
                       .value = &Configuration::convert_relu6_to_relu,
                       .read = read_bool},
    ModelSetting<bool>{
        .key = "include_cle",
        .description = "Equalize the ranges of consecutive layers' channels before calibration.",
        .required = Required::yes,
        .value = &Configuration::include_cle,
        .read = read_bool},
    ModelSetting<bool>{.key = "include_bias_corr",
                       .description = "Correct biases for the mean error of quantized weights.",
                       .required = Required::yes,
                       .value = &Configuration::include_bias_corr,
                       .read = read_bool},
    ModelSetting<bool>{.key = "keep_first_last_layer_accuracy",
                       .description = "Leave the first and the last convolution or linear layer in float.",
                       .required = Required::no,
                       .value = &Configuration::keep_first_last_layer_accuracy,
                       .read = read_bool},
    ModelSetting<bool>{.key = "keep_add_layer_accuracy",
                       .description = "Leave Add layers in float.",
                       .required = Required::no,
                       .value = &Configuration::keep_add_layer_accuracy,
                       .read = read_bool},
    ModelSetting<Placement>{.key = "placement",
                            .description =
                                "Which activations are quantized. groups: every layer's output. compute: "
                                "where convolutions and matrix products read them. fused: those and the "
                                "outputs that integer kernels need.",
                            .required = Required::no,
                            .value = &Configuration::placement,
                            .read = read_option<Placement>},
    ModelSetting<double>{.key = "min_output_sqnr",
                         .description =
                             "Placement fused: an output that only integer kernels need quantized is left in "
                             "float where its signal to quantization noise, in dB, would be less.",
                         .required = Required::no,
                         .value = &Configuration::min_output_sqnr,
                         .read = read_decibels}};

// Calls `visit` with each TensorSetting (each ModelSetting) of the table, in order.
template <class Visitor>
constexpr void for_each_tensor_setting(Visitor&& visit) {
  std::apply([&](const auto&... setting) { (visit(setting), ...); }, tensor_setting_table);
}
template <class Visitor>
constexpr void for_each_model_setting(Visitor&& visit) {
  std::apply([&](const auto&... setting) { (visit(setting), ...); }, model_setting_table);
}

// The keys that are not settings themselves.
namespace keys {
inline constexpr std::string_view schema = "$schema";  // editors look for it; it has no meaning here
inline constexpr std::string_view quantizable_data_type = "quantizable_data_type";
inline constexpr std::string_view overall = "overall_quantize_config";
inline constexpr std::string_view per_tensor = "tensor_quantize_config";
inline constexpr std::string_view layers = "layer_quantize_config";
inline constexpr std::string_view layer_type = "layer_type";
inline constexpr std::string_view layer_name = "layer_name";
inline constexpr std::array layer_entry{layer_type, layer_name, quantizable_data_type, overall, per_tensor};
inline constexpr std::array model_blocks{quantizable_data_type, overall, per_tensor, layers, schema};
}  // namespace keys

}  // namespace qcal
