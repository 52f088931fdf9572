#include "engine/graph/onnx_tensor.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include "engine/dumps/in_quotes.h"
#include "engine/error.h"
#include "engine/graph/external_data.h"
#include "kernels/half_math.h"

namespace qcal {
namespace {

// What the message names first.
std::string subject(const onnx::TensorProto& tensor, const ModelFile& file) {
  return fmt::format("{}: tensor {}", file.name, in_quotes(tensor.name()));
}

using Dimensions = google::protobuf::RepeatedField<google::protobuf::int64>;

std::uint64_t element_count(const Dimensions& dimensions, const std::string& subject) {
  // Small enough that bytes fit 64 bits, far above any real tensor.
  constexpr std::uint64_t limit = std::uint64_t{1} << 40;
  // Zeros are left out of the product that is checked: whoever multiplies some of the extents must not
  // overflow.
  std::uint64_t count = 1;
  bool empty = false;
  for (const std::int64_t extent : dimensions) {
    if (extent < 0) throw InputError(fmt::format("{}: dimension {} is negative", subject, extent));
    if (extent == 0) {
      empty = true;
      continue;
    }
    if (count > limit / static_cast<std::uint64_t>(extent)) {
      throw InputError(fmt::format("{}: more than {} elements", subject, limit));
    }
    count *= static_cast<std::uint64_t>(extent);
  }
  return empty ? 0 : count;
}

std::uint64_t number_entry(const onnx::TensorProto& tensor, const ModelFile& file,
                           const onnx::StringStringEntryProto& entry) {
  std::uint64_t number = 0;
  const std::string& text = entry.value();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw InputError(fmt::format("{}: external data {} {} is no number", subject(tensor, file), entry.key(),
                                 in_quotes(text)));
  }
  return number;
}

ExternalLocation external_location(const onnx::TensorProto& tensor, const ModelFile& file) {
  ExternalLocation where;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") where.location = entry.value();
    if (entry.key() == "offset") where.offset = number_entry(tensor, file, entry);
    if (entry.key() == "length") where.length = number_entry(tensor, file, entry);
  }
  return where;
}

// Elements stored as `Stored`, each turned into a `Value` by `convert`.
template <class Stored, class Value, class Convert>
std::vector<Value> from_bytes(const std::string& bytes, std::uint64_t count, Convert convert) {
  std::vector<Value> values(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = convert(stored);
  }
  return values;
}

template <class Stored, class Value, class Field, class Convert>
std::vector<Value> read_values(const onnx::TensorProto& tensor, const ModelFile& file, const Field& field,
                               Convert convert) {
  const std::uint64_t count = element_count(tensor.dims(), subject(tensor, file));
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL) {
    const std::string bytes = read_external_data(file.folder, external_location(tensor, file),
                                                 count * sizeof(Stored), subject(tensor, file));
    return from_bytes<Stored, Value>(bytes, count, convert);
  }
  if (tensor.has_raw_data()) {
    if (tensor.raw_data().size() != count * sizeof(Stored)) {
      throw InputError(fmt::format("{}: {} bytes of data, {} elements of {} bytes expected",
                                   subject(tensor, file), tensor.raw_data().size(), count, sizeof(Stored)));
    }
    return from_bytes<Stored, Value>(tensor.raw_data(), count, convert);
  }
  if (static_cast<std::uint64_t>(field.size()) != count) {
    throw InputError(fmt::format("{}: {} values, {} expected", subject(tensor, file), field.size(), count));
  }
  std::vector<Value> values;
  values.reserve(count);
  for (const auto value : field) values.push_back(convert(static_cast<Stored>(value)));
  return values;
}

template <class Stored, class Field>
std::vector<std::int64_t> read_integers(const onnx::TensorProto& tensor, const ModelFile& file,
                                        const Field& field) {
  return read_values<Stored, std::int64_t>(tensor, file, field,
                                           [](Stored value) { return static_cast<std::int64_t>(value); });
}

}  // namespace

ConstantPointer read_tensor(const onnx::TensorProto& tensor, const ModelFile& file) {
  Constant constant;
  constant.type = static_cast<ElementType>(tensor.data_type());
  constant.shape.assign(tensor.dims().begin(), tensor.dims().end());
  element_count(tensor.dims(), subject(tensor, file));
  if (tensor.has_segment()) {
    throw InputError(fmt::format("{}: segmented tensors are not supported", subject(tensor, file)));
  }
  switch (constant.type) {
    case ElementType::float32:
      constant.values =
          read_values<float, float>(tensor, file, tensor.float_data(), [](float x) { return x; });
      break;
    case ElementType::float64:
      constant.values = read_values<double, float>(tensor, file, tensor.double_data(),
                                                   [](double x) { return static_cast<float>(x); });
      break;
    case ElementType::float16:
      constant.values =
          read_values<std::uint16_t, float>(tensor, file, tensor.int32_data(), float16_to_float);
      break;
    case ElementType::bfloat16:
      constant.values =
          read_values<std::uint16_t, float>(tensor, file, tensor.int32_data(), bfloat16_to_float);
      break;
    case ElementType::boolean:
      constant.values = read_values<std::uint8_t, std::int64_t>(
          tensor, file, tensor.int32_data(), [](std::uint8_t x) { return std::int64_t{x != 0}; });
      break;
    case ElementType::uint8:
      constant.values = read_integers<std::uint8_t>(tensor, file, tensor.int32_data());
      break;
    case ElementType::int8:
      constant.values = read_integers<std::int8_t>(tensor, file, tensor.int32_data());
      break;
    case ElementType::uint16:
      constant.values = read_integers<std::uint16_t>(tensor, file, tensor.int32_data());
      break;
    case ElementType::int16:
      constant.values = read_integers<std::int16_t>(tensor, file, tensor.int32_data());
      break;
    case ElementType::int32:
      constant.values = read_integers<std::int32_t>(tensor, file, tensor.int32_data());
      break;
    case ElementType::uint32:
      constant.values = read_integers<std::uint32_t>(tensor, file, tensor.uint64_data());
      break;
    case ElementType::int64:
      constant.values = read_integers<std::int64_t>(tensor, file, tensor.int64_data());
      break;
    case ElementType::uint64:
      constant.values = read_integers<std::uint64_t>(tensor, file, tensor.uint64_data());
      break;
    default:  // strings and types unknown to us have no values that matter
      break;
  }
  return std::make_shared<Constant>(std::move(constant));
}

ConstantPointer read_sparse_tensor(const onnx::SparseTensorProto& tensor, const ModelFile& file) {
  Constant constant;
  constant.type = static_cast<ElementType>(tensor.values().data_type());
  constant.shape.assign(tensor.dims().begin(), tensor.dims().end());
  element_count(tensor.dims(), subject(tensor.values(), file));
  return std::make_shared<Constant>(std::move(constant));
}

}  // namespace qcal
