#include "engine/dumps/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string_view>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/json_input.h"
#include "engine/dumps/sha256.h"
#include "engine/error.h"

namespace qcal {
namespace {

constexpr std::uint64_t longest_header = 100'000'000;  // the reference implementation's limit

struct StoredType {
  std::string_view name;
  std::size_t bytes;
  std::optional<DType> dtype;
};

constexpr std::array stored_types{
    StoredType{"F64", 8, DType::f64},       StoredType{"F32", 4, DType::f32},
    StoredType{"F16", 2, DType::f16},       StoredType{"BF16", 2, DType::bf16},
    StoredType{"BOOL", 1, std::nullopt},    StoredType{"U8", 1, std::nullopt},
    StoredType{"I8", 1, std::nullopt},      StoredType{"F8_E5M2", 1, std::nullopt},
    StoredType{"F8_E4M3", 1, std::nullopt}, StoredType{"U16", 2, std::nullopt},
    StoredType{"I16", 2, std::nullopt},     StoredType{"U32", 4, std::nullopt},
    StoredType{"I32", 4, std::nullopt},     StoredType{"U64", 8, std::nullopt},
    StoredType{"I64", 8, std::nullopt},     StoredType{"C64", 8, std::nullopt}};

const rapidjson::Value& member(const rapidjson::Value& entry, const char* key, const std::string& where) {
  const auto found = entry.FindMember(key);
  if (found == entry.MemberEnd())
    throw InputError(fmt::format("{}: malformed safetensors header: no \"{}\"", where, key));
  return found->value;
}

std::vector<std::int64_t> shape_of(const rapidjson::Value& entry, const std::string& where) {
  const rapidjson::Value& array = member(entry, "shape", where);
  std::vector<std::int64_t> shape;
  bool valid = array.IsArray();
  if (valid) {
    for (const rapidjson::Value& extent : array.GetArray()) {
      if (!extent.IsInt64() || extent.GetInt64() < 0) valid = false;
      if (valid) shape.push_back(extent.GetInt64());
    }
  }
  if (!valid)
    throw InputError(where +
                     ": malformed safetensors header: \"shape\" must be a list of numbers, 0 or more");
  return shape;
}

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Range offsets_of(const rapidjson::Value& entry, std::uint64_t buffer_bytes, const std::string& where) {
  const rapidjson::Value& array = member(entry, "data_offsets", where);
  if (!array.IsArray() || array.Size() != 2 || !array[0].IsUint64() || !array[1].IsUint64()) {
    throw InputError(where +
                     ": malformed safetensors header: \"data_offsets\" must be two numbers, 0 or more");
  }
  const Range range{array[0].GetUint64(), array[1].GetUint64()};
  if (range.begin > range.end || range.end > buffer_bytes) {
    throw InputError(
        fmt::format("{}: data_offsets [{}, {}] do not lie in the {} bytes of values that the file holds: "
                    "truncated, or a malformed header",
                    where, range.begin, range.end, buffer_bytes));
  }
  return range;
}

StoredTensor tensor_of(const rapidjson::Value& entry, const InputFile& file, std::uint64_t buffer_at,
                       const std::string& where) {
  if (!entry.IsObject())
    throw InputError(where + ": malformed safetensors header: the entry is not an object");
  const rapidjson::Value& dtype = member(entry, "dtype", where);
  if (!dtype.IsString())
    throw InputError(where + ": malformed safetensors header: \"dtype\" must be a string");
  StoredTensor result;
  result.path = file.path();
  result.stamp = file.stamp();
  result.stored_dtype = std::string(text_of(dtype));
  result.shape = shape_of(entry, where);
  const Range range = offsets_of(entry, file.size() - buffer_at, where);
  result.offset = buffer_at + range.begin;
  result.bytes = range.end - range.begin;

  const auto* type = std::find_if(stored_types.begin(), stored_types.end(),
                                  [&](const StoredType& known) { return known.name == result.stored_dtype; });
  if (type == stored_types.end())
    return result;  // a type newer than this code: how large its elements are is unknown
  result.dtype = type->dtype;
  const std::optional<std::uint64_t> bytes = byte_count(result.shape, type->bytes);
  if (!bytes)
    throw InputError(fmt::format("{}: shape {} does not fit 64 bits", where, shape_text(result.shape)));
  if (*bytes != result.bytes) {
    throw InputError(fmt::format("{}: shape {} of {} needs {} bytes, data_offsets give it {}", where,
                                 shape_text(result.shape), result.stored_dtype, *bytes, result.bytes));
  }
  return result;
}

void check_tiling(const BatchFile& header, const InputFile& file, std::uint64_t buffer_at) {
  std::vector<const NamedTensor*> by_offset;
  for (const NamedTensor& named : header.tensors) by_offset.push_back(&named);
  std::sort(by_offset.begin(), by_offset.end(), [](const NamedTensor* a, const NamedTensor* b) {
    return std::pair(a->tensor.offset, a->tensor.bytes) < std::pair(b->tensor.offset, b->tensor.bytes);
  });
  std::uint64_t end = buffer_at;
  for (const NamedTensor* named : by_offset) {
    const std::string where = file_and_tensor(file.path(), named->name);
    if (named->tensor.offset < end) {
      throw InputError(fmt::format("{}: its values overlap those of another tensor", where));
    }
    if (named->tensor.offset > end) {
      throw InputError(fmt::format("{}: {} bytes that belong to no tensor lie before its values", where,
                                   named->tensor.offset - end));
    }
    end += named->tensor.bytes;
  }
  if (end != file.size()) {
    throw InputError(
        fmt::format("{}: {} bytes follow the last tensor", file.path().string(), file.size() - end));
  }
}

std::optional<std::string> model_sha256_of(const rapidjson::Value& metadata, const std::string& where) {
  if (!metadata.IsObject())
    throw InputError(where + ": malformed safetensors header: __metadata__ is not an object");
  const auto found = metadata.FindMember("model_sha256");
  if (found == metadata.MemberEnd()) return std::nullopt;
  const std::string hash = found->value.IsString() ? normalised_sha256(text_of(found->value)) : std::string();
  if (hash.empty()) throw InputError(where + ": __metadata__.model_sha256 is not 64 hexadecimal digits");
  return hash;
}

}  // namespace

BatchFile read_safetensors_header(const std::filesystem::path& path) {
  const std::string where = path.string();
  const InputFile file(path);
  std::array<unsigned char, 8> prefix{};
  if (file.size() < prefix.size()) throw InputError(where + ": not a safetensors file: shorter than 8 bytes");
  file.read(0, std::as_writable_bytes(std::span(prefix)));
  std::uint64_t length = 0;
  for (std::size_t i = prefix.size(); i-- > 0;) length = length << 8 | prefix[i];
  if (length > longest_header) {
    throw InputError(fmt::format("{}: not a safetensors file: a header of {} bytes, more than {}", where,
                                 length, longest_header));
  }
  if (length > file.size() - prefix.size()) {
    throw InputError(fmt::format("{}: truncated: a header of {} bytes, {} are there", where, length,
                                 file.size() - prefix.size()));
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read(prefix.size(), std::as_writable_bytes(std::span(text)));
  const std::uint64_t buffer_at = prefix.size() + length;
  const rapidjson::Document document = parse_json(text, where + " (header)");
  if (!document.IsObject()) throw InputError(where + ": malformed safetensors header: not an object");

  BatchFile header;
  for (const auto& [key, entry] : document.GetObject()) {
    const std::string_view name = text_of(key);
    const std::string entry_where = file_and_tensor(path, name);
    if (name == "__metadata__") {
      header.model_sha256 = model_sha256_of(entry, where);
    } else {
      header.tensors.push_back({std::string(name), tensor_of(entry, file, buffer_at, entry_where)});
    }
  }
  check_tiling(header, file, buffer_at);
  return header;
}

}  // namespace qcal
