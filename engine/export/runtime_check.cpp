#include "engine/export/runtime_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "engine/dumps/in_quotes.h"

namespace qcal {
namespace {

bool is_activation(const TensorParameters& tensor) {
  return tensor.role == Role::input || tensor.role == Role::activation;
}

bool has_zero_point(const TensorParameters& tensor) {
  return std::ranges::any_of(tensor.zero_point, [](std::int64_t zero_point) { return zero_point != 0; });
}

struct Demand {
  const char* text;  // behind the tensors that break it
  bool (*broken_by)(const TensorParameters&);
};

constexpr Demand of_onnxruntime[] = {
    {"more than 8 bits, so no integer kernel reads it; set bit_width to 8",
     [](const TensorParameters& tensor) { return tensor.role != Role::bias && tensor.bit_width > 8; }},
    {"a scale a channel, so no integer kernel reads it; set per_channel to false",
     [](const TensorParameters& tensor) {
       return is_activation(tensor) && tensor.granularity == Granularity::per_channel;
     }},
    {"rounded otherwise than half to even, which is what QuantizeLinear does: exact ties differ; set "
     "round_mode "
     "to half_even",
     [](const TensorParameters& tensor) {
       return is_activation(tensor) && tensor.round_mode != RoundMode::half_even;
     }},
};

constexpr Demand of_tensorrt[] = {
    {"not in 8 bits; set bit_width to 8",
     [](const TensorParameters& tensor) { return tensor.role != Role::bias && tensor.bit_width != 8; }},
    {"unsigned; set signed to true",
     [](const TensorParameters& tensor) { return tensor.role != Role::bias && tensor.qmin >= 0; }},
    {"a zero point other than 0; set symmetry to true",
     [](const TensorParameters& tensor) { return tensor.role != Role::bias && has_zero_point(tensor); }},
    {"one scale for all channels, which TensorRT takes but which costs accuracy; set per_channel to true",
     [](const TensorParameters& tensor) {
       return tensor.role == Role::weights && tensor.granularity == Granularity::per_tensor;
     }},
    {"a scale a channel; set per_channel to false",
     [](const TensorParameters& tensor) {
       return is_activation(tensor) && tensor.granularity == Granularity::per_channel;
     }},
    {"a quantized bias, which TensorRT takes in float only; leave bias out of quantizable_data_type",
     [](const TensorParameters& tensor) { return tensor.role == Role::bias; }},
};

// "weights of 3 tensors ("a", "b" and 1 more)"
std::string subject(const std::vector<const TensorParameters*>& tensors) {
  constexpr std::size_t shown = 2;
  std::string names;
  for (std::size_t i = 0; i < std::min(shown, tensors.size()); ++i)
    names += (i == 0 ? "" : ", ") + in_quotes(tensors[i]->name);
  if (tensors.size() > shown) names += fmt::format(" and {} more", tensors.size() - shown);
  return fmt::format("{} {}", spelling(tensors.front()->role), names);
}

template <class Demands>
std::vector<std::string> problems(const QuantizationParameters& parameters, Runtime runtime,
                                  const Demands& demands) {
  std::vector<std::string> lines;
  for (const Demand& demand : demands) {
    for (const Role role : all_roles) {
      std::vector<const TensorParameters*> broken;
      for (const TensorParameters& tensor : parameters.tensors) {
        const bool asked = tensor.role == role && tensor.datatype == Datatype::integer;
        if (asked && demand.broken_by(tensor)) broken.push_back(&tensor);
      }
      if (!broken.empty())
        lines.push_back(fmt::format("{}: {}: {}", spelling(runtime), subject(broken), demand.text));
    }
  }
  return lines;
}

}  // namespace

std::vector<std::string> runtime_problems(const QuantizationParameters& parameters, Runtime runtime) {
  if (runtime == Runtime::tensorrt) return problems(parameters, runtime, of_tensorrt);
  return problems(parameters, runtime, of_onnxruntime);
}

std::string tensorrt_cache(const QuantizationParameters& parameters) {
  constexpr double largest_int8 = 127.0;
  std::string text = "TRT-8601-EntropyCalibration2\n";
  for (const TensorParameters& tensor : parameters.tensors) {
    if (!is_activation(tensor) || tensor.datatype != Datatype::integer) continue;
    const double amax = *std::ranges::max_element(tensor.amax);
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(amax / largest_int8));
    text += fmt::format("{}: {:08x}\n", tensor.name, bits);
  }
  return text;
}

}  // namespace qcal
