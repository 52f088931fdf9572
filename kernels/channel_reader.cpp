#include "kernels/channel_reader.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/error.h"
#include "kernels/half_math.h"

namespace qcal {
namespace {

template <class Stored>
Stored load(const unsigned char* at) {
  Stored value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void convert_run(DType dtype, const unsigned char* from, std::int64_t stride, std::int64_t count, float* to) {
  const std::int64_t step = stride * static_cast<std::int64_t>(size_of(dtype));
  switch (dtype) {
    case DType::f32:
      for (std::int64_t i = 0; i < count; ++i) to[i] = load<float>(from + i * step);
      break;
    case DType::f64:
      for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(load<double>(from + i * step));
      break;
    case DType::f16:
      for (std::int64_t i = 0; i < count; ++i) to[i] = float16_to_float(load<std::uint16_t>(from + i * step));
      break;
    case DType::bf16:
      for (std::int64_t i = 0; i < count; ++i)
        to[i] = bfloat16_to_float(load<std::uint16_t>(from + i * step));
      break;
  }
}

}  // namespace

int checked_channel_axis(int axis, int rank) {
  const int counted = axis < 0 ? axis + rank : axis;
  if (counted >= 0 && counted < rank) return counted;
  throw InvalidArgument("channel axis " + std::to_string(axis) + " does not exist in a tensor of rank " +
                        std::to_string(rank));
}

ChannelReader::ChannelReader(const TensorView& view, std::optional<int> channel_axis)
    : data_(static_cast<const unsigned char*>(view.data)), dtype_(view.dtype) {
  const int rank = static_cast<int>(view.shape.size());
  if (view.memory != Memory::host)
    throw InvalidArgument("the CPU back end reads host memory, not device memory");
  if (!view.strides.empty() && view.strides.size() != view.shape.size()) {
    throw InvalidArgument("a tensor of rank " + std::to_string(rank) + " has " +
                          std::to_string(view.strides.size()) + " strides");
  }
  for (const std::int64_t extent : view.shape) {
    if (extent < 0) throw InvalidArgument("a dimension of " + std::to_string(extent) + " elements");
  }
  if (view.size() > 0 && view.data == nullptr) throw InvalidArgument("a tensor with elements has no data");
  std::optional<int> axis = channel_axis;
  if (axis) axis = checked_channel_axis(*axis, rank);
  std::vector<std::int64_t> strides = view.strides;
  if (strides.empty()) {
    strides.resize(view.shape.size());
    std::int64_t step = 1;
    for (int d = rank - 1; d >= 0; --d) {
      strides[static_cast<std::size_t>(d)] = step;
      step *= view.shape[static_cast<std::size_t>(d)];
    }
  }
  for (int d = 0; d < rank; ++d) {
    const Dimension dimension{view.shape[static_cast<std::size_t>(d)], strides[static_cast<std::size_t>(d)]};
    if (axis == d) {
      channels_ = dimension.extent;
      channel_stride_ = dimension.stride;
      continue;
    }
    elements_ *= dimension.extent;
    if (dimension.extent == 1) continue;
    if (!dimensions_.empty() && dimensions_.back().stride == dimension.extent * dimension.stride) {
      dimensions_.back() = {dimensions_.back().extent * dimension.extent, dimension.stride};
    } else {
      dimensions_.push_back(dimension);
    }
  }
  if (dimensions_.empty()) dimensions_.push_back({1, 1});
}

const unsigned char* ChannelReader::address(std::int64_t offset) const {
  return data_ + offset * static_cast<std::int64_t>(size_of(dtype_));
}

std::span<const float> ChannelReader::read(std::int64_t channel, std::int64_t begin, std::int64_t count,
                                           float* scratch) const {
  const Dimension inner = dimensions_.back();
  std::int64_t done = 0;
  while (done < count) {
    std::int64_t outer = (begin + done) / inner.extent;
    const std::int64_t column = (begin + done) % inner.extent;
    std::int64_t offset = channel * channel_stride_ + column * inner.stride;
    for (std::size_t d = dimensions_.size() - 1; d-- > 0;) {
      offset += outer % dimensions_[d].extent * dimensions_[d].stride;
      outer /= dimensions_[d].extent;
    }
    const std::int64_t run = std::min(count - done, inner.extent - column);
    const unsigned char* from = address(offset);
    const bool direct = dtype_ == DType::f32 && inner.stride == 1 && run == count &&
                        reinterpret_cast<std::uintptr_t>(from) % alignof(float) == 0;
    if (direct) return {reinterpret_cast<const float*>(from), static_cast<std::size_t>(count)};
    convert_run(dtype_, from, inner.stride, run, scratch + done);
    done += run;
  }
  return {scratch, static_cast<std::size_t>(count)};
}

}  // namespace qcal
