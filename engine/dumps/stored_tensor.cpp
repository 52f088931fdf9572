#include "engine/dumps/stored_tensor.h"

#include <fmt/format.h>

#include <limits>

#include "engine/dumps/in_quotes.h"

namespace qcal {

std::string file_and_tensor(const std::filesystem::path& path, std::string_view tensor) {
  if (tensor.empty()) return path.string();
  return fmt::format("{}: tensor {}", path.string(), in_quotes(tensor));
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const std::int64_t extent : shape) text += fmt::format("{}{}", text.empty() ? "" : "x", extent);
  return text;
}

namespace {

// Number of elements; absent where the product of the non-zero extents does not fit 64 signed bits. Zero
// extents are left out of that test, so that code which multiplies the extents in any order cannot overflow
// either.
std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t elements = 1;
  bool empty = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(elements, extent, &elements)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : elements;
}

}  // namespace

std::optional<std::uint64_t> byte_count(const std::vector<std::int64_t>& shape, std::size_t element_bytes) {
  const std::optional<std::int64_t> elements = element_count(shape);
  std::int64_t bytes = 0;
  if (!elements || __builtin_mul_overflow(*elements, static_cast<std::int64_t>(element_bytes), &bytes)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace qcal
