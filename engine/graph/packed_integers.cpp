#include "engine/graph/packed_integers.h"

#include <cstring>

namespace qcal {
namespace {

template <class Stored>
PackedIntegers packed_as(const std::vector<std::int64_t>& values) {
  PackedIntegers result{std::string(values.size() * sizeof(Stored), '\0')};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto stored = static_cast<Stored>(values[i]);
    std::memcpy(result.bytes.data() + i * sizeof(Stored), &stored, sizeof(Stored));
  }
  return result;
}

}  // namespace

PackedIntegers packed(ElementType type, const std::vector<std::int64_t>& values) {
  switch (type) {
    case ElementType::boolean:
    case ElementType::uint8:
      return packed_as<std::uint8_t>(values);
    case ElementType::int8:
      return packed_as<std::int8_t>(values);
    case ElementType::uint16:
      return packed_as<std::uint16_t>(values);
    case ElementType::int16:
      return packed_as<std::int16_t>(values);
    case ElementType::uint32:
      return packed_as<std::uint32_t>(values);
    case ElementType::int32:
      return packed_as<std::int32_t>(values);
    case ElementType::uint64:
      return packed_as<std::uint64_t>(values);
    default:
      return packed_as<std::int64_t>(values);
  }
}

}  // namespace qcal
