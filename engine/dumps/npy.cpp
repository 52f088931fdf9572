#include "engine/dumps/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/npy_header.h"
#include "engine/error.h"

namespace qcal {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the formats are little-endian and read as they lie");

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr std::uint64_t longest_dictionary = 1 << 16;  // numpy's own limit is 10,000 bytes
constexpr std::size_t most_dimensions = 64;            // numpy 2's limit

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

std::string what_to_do_about(const NpyHeader& header) {
  if (header.structured) return "a structured type: save one plain array a tensor, e.g. array[\"field\"]";
  const std::string& descr = header.descr;
  if (descr.size() >= 2 && descr[0] == '>' && descr[1] == 'f') {
    return "big-endian: save array.astype(array.dtype.newbyteorder(\"<\"))";
  }
  const std::size_t kind_at = descr.find_first_not_of("<>=|");
  const char kind = kind_at == std::string::npos ? '?' : descr[kind_at];
  switch (kind) {
    case 'O':
      return "Python objects: save array.astype(numpy.float32)";
    case 'i':
    case 'u':
    case 'b':
      return "not a floating-point type: record the tensor before it is quantized, or save "
             "array.astype(numpy.float32)";
    case 'c':
      return "complex: save the real and the imaginary part as two tensors";
    case 'V':
      return "raw bytes; npy has no bfloat16: save as safetensors, or array.astype(numpy.float32)";
    case 'f':
    case 'g':
      return "save array.astype(numpy.float32)";
    default:
      return "not a floating-point type: save array.astype(numpy.float32)";
  }
}

std::vector<std::int64_t> fortran_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides;
  std::int64_t stride = 1;
  for (const std::int64_t extent : shape) {
    strides.push_back(stride);
    if (extent > 0) stride *= extent;  // cannot overflow: see byte_count
  }
  return strides;
}

std::optional<DType> known_dtype(const NpyHeader& header) {
  std::string_view name = header.descr;
  // '=' means the writer's byte order, '|' that order does not apply; numpy reads both, and no prefix, as
  // native.
  if (!name.empty() && (name[0] == '<' || name[0] == '=' || name[0] == '|')) name.remove_prefix(1);
  if (header.structured) return std::nullopt;
  if (name == "f2") return DType::f16;
  if (name == "f4") return DType::f32;
  if (name == "f8") return DType::f64;
  return std::nullopt;
}

void check_size(const StoredTensor& tensor, std::uint64_t present, const std::string& where) {
  if (present < tensor.bytes) {
    throw InputError(fmt::format("{}: truncated: shape {} of {} needs {} bytes, {} are there", where,
                                 shape_text(tensor.shape), name_of(*tensor.dtype), tensor.bytes, present));
  }
  if (present > tensor.bytes) {
    throw InputError(fmt::format("{}: {} bytes follow the {} bytes of the array; one array a file", where,
                                 present - tensor.bytes, tensor.bytes));
  }
}

}  // namespace

StoredTensor read_npy(const NpyInput& input, const std::string& where, OtherTypes other_types) {
  std::array<std::byte, 12> start{};
  const std::size_t available = static_cast<std::size_t>(std::min<std::uint64_t>(input.bytes, 10));
  input.read(std::span(start).first(available));
  if (available < magic.size() ||
      std::string_view(reinterpret_cast<const char*>(start.data()), magic.size()) != magic) {
    throw InputError(fmt::format("{}: not an npy file: it does not begin with \\x93NUMPY", where));
  }
  const int major = std::to_integer<int>(start[6]);
  const int minor = std::to_integer<int>(start[7]);
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t dictionary_at = 8 + length_bytes;
  if (available >= 8 && (major < 1 || major > 3 || minor != 0)) {
    throw InputError(fmt::format("{}: npy format {}.{}; 1.0, 2.0 and 3.0 are read", where, major, minor));
  }
  if (input.bytes < dictionary_at) throw InputError(fmt::format("{}: ends inside the npy header", where));
  input.read(std::span(start).subspan(available, dictionary_at - available));

  const std::uint64_t length = little_endian(std::span(start).subspan(8, length_bytes));
  if (length > longest_dictionary) {
    throw InputError(fmt::format("{}: malformed npy header: {} bytes long, more than {}", where, length,
                                 longest_dictionary));
  }
  if (length > input.bytes - dictionary_at) {
    throw InputError(fmt::format("{}: ends inside the npy header", where));
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  input.read(std::as_writable_bytes(std::span(text)));
  NpyHeader header = parse_npy_header(text, where);

  StoredTensor result;
  result.offset = dictionary_at + length;
  result.dtype = known_dtype(header);
  result.stored_dtype = header.descr;
  if (header.shape.size() > most_dimensions) {
    throw InputError(
        fmt::format("{}: {} dimensions, more than {}", where, header.shape.size(), most_dimensions));
  }
  const std::uint64_t present = input.bytes - result.offset;
  if (!result.dtype) {
    if (other_types == OtherTypes::refused) {
      throw InputError(fmt::format("{}: dtype {} cannot be calibrated; {}", where, in_quotes(header.descr),
                                   what_to_do_about(header)));
    }
    result.bytes = present;
    result.shape = std::move(header.shape);
    return result;
  }
  const std::optional<std::uint64_t> bytes = byte_count(header.shape, size_of(*result.dtype));
  if (!bytes) {
    throw InputError(fmt::format("{}: shape {} does not fit 64 bits", where, shape_text(header.shape)));
  }
  result.bytes = *bytes;
  if (header.fortran_order && header.shape.size() > 1) result.strides = fortran_strides(header.shape);
  result.shape = std::move(header.shape);
  check_size(result, present, where);
  return result;
}

StoredTensor read_npy_header(const std::filesystem::path& path, std::string_view tensor) {
  const InputFile file(path);
  std::uint64_t at = 0;
  const auto read = [&](std::span<std::byte> into) {
    file.read(at, into);
    at += into.size();
  };
  StoredTensor result = read_npy({file.size(), read}, file_and_tensor(path, tensor), OtherTypes::refused);
  result.path = path;
  result.stamp = file.stamp();
  return result;
}

}  // namespace qcal
