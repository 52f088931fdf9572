#include "engine/export/quant_info.h"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <vector>

#include "engine/dumps/in_quotes.h"
#include "engine/export/json_writer.h"
#include "kernels/error.h"

namespace qcal {
namespace {

// One number for a per-tensor scale, a list for per-channel ones (even of a single channel).
template <class Value, class Write>
void write_channels(JsonWriter& writer, const std::vector<Value>& values, Granularity granularity,
                    Write write) {
  if (granularity == Granularity::per_channel) writer.begin_array();
  for (const Value& value : values) write(value);
  if (granularity == Granularity::per_channel) writer.end_array();
}

// vai_q_pytorch keeps the float_max of parameters as a float32 where percentile or entropy found it.
bool short_float_max(const TensorParameters& tensor, Compatibility compatibility) {
  return compatibility == Compatibility::vitis &&
         (tensor.role == Role::weights || tensor.role == Role::bias) &&
         (tensor.method == Method::percentile || tensor.method == Method::entropy);
}

void write_entry(JsonWriter& writer, const TensorParameters& tensor, Compatibility compatibility) {
  writer.begin_array();
  writer.begin_array();
  writer.integer(tensor.bit_width);
  if (tensor.scale_type == ScaleType::power_of_two && tensor.fix_pos) {
    write_channels(writer, *tensor.fix_pos, tensor.granularity, [&](int value) { writer.integer(value); });
  } else {
    write_channels(writer, tensor.scale, tensor.granularity, [&](double value) { writer.number(value); });
    write_channels(writer, tensor.zero_point, tensor.granularity,
                   [&](std::int64_t value) { writer.integer(value); });
    const bool is_short = short_float_max(tensor, compatibility);
    write_channels(writer, tensor.amax, tensor.granularity, [&](double value) {
      if (is_short) {
        writer.short_number(static_cast<float>(value));
      } else {
        writer.number(value);
      }
    });
  }
  writer.end_array();
  writer.end_array();
}

bool same_entry(const TensorParameters& a, const TensorParameters& b) {
  return a.bit_width == b.bit_width && a.granularity == b.granularity && a.scale_type == b.scale_type &&
         a.scale == b.scale && a.zero_point == b.zero_point && a.amax == b.amax && a.fix_pos == b.fix_pos;
}

void write_section(JsonWriter& writer, std::string_view key, const QuantizationParameters& parameters,
                   const std::set<Role>& roles, const QuantInfoOptions& options) {
  std::map<std::string, const TensorParameters*> written;
  writer.key(key);
  writer.begin_object();
  for (const TensorParameters& tensor : parameters.tensors) {
    if (!roles.contains(tensor.role) || tensor.datatype != Datatype::integer) continue;
    const auto renamed = options.names.find(tensor.name);
    std::string name = renamed == options.names.end() ? tensor.name : renamed->second;
    const auto other = written.find(name);
    if (other != written.end() && !same_entry(*other->second, tensor)) name += "@" + tensor.layer;
    if (!written.emplace(name, &tensor).second) continue;
    try {
      writer.key(name);
      write_entry(writer, tensor, options.compatibility);
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(fmt::format("tensor {}: {}", in_quotes(tensor.name), error.what()));
    }
  }
  writer.end_object();
}

}  // namespace

std::string quant_info_json(const QuantizationParameters& parameters, const QuantInfoOptions& options) {
  JsonWriter writer;
  writer.begin_object();
  write_section(writer, "param", parameters, {Role::weights, Role::bias}, options);
  write_section(writer, "output", parameters, {Role::activation}, options);
  write_section(writer, "input", parameters, {Role::input}, options);
  writer.end_object();
  return writer.text();
}

}  // namespace qcal
