// A tensor that somebody else owns: where its values lie and how they are laid out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace qcal {

enum class DType { f32, f16, bf16, f64 };
enum class Memory { host, device };

constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return 8;
    case DType::f32:
      return 4;
    case DType::f16:
    case DType::bf16:
      return 2;
  }
  return 0;
}

constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "float64";
    case DType::f32:
      return "float32";
    case DType::f16:
      return "float16";
    case DType::bf16:
      return "bfloat16";
  }
  return "?";
}

// `data` need not be aligned. `strides` counts elements, one a dimension; empty means C order without gaps.
// A 0-d tensor (empty shape) has one element; a dimension of 0 makes the tensor empty.
struct TensorView {
  const void* data = nullptr;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  Memory memory = Memory::host;
  std::vector<std::int64_t> strides;

  std::int64_t size() const {
    std::int64_t elements = 1;
    for (const std::int64_t extent : shape) elements *= extent;
    return elements;
  }
};

}  // namespace qcal
