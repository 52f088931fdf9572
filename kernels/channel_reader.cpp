#include "kernels/channel_reader.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "kernels/error.h"
#include "kernels/half_math.h"
#include "kernels/transpose.h"
#include "kernels/widen.h"

namespace qcal {
namespace {

template <class Stored>
Stored load(const unsigned char* at) {
  Stored value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Of elements that lie together; false where they are not aligned.
bool convert_together(DType dtype, const unsigned char* from, std::int64_t count, float* to) {
  if (reinterpret_cast<std::uintptr_t>(from) % static_cast<std::uintptr_t>(size_of(dtype)) != 0) return false;
  const auto size = static_cast<std::size_t>(count);
  switch (dtype) {
    case DType::f32:
      std::memcpy(to, from, size * sizeof(float));
      break;
    case DType::f64:
      narrow_float64(reinterpret_cast<const double*>(from), size, to);
      break;
    case DType::f16:
      widen_float16(reinterpret_cast<const std::uint16_t*>(from), size, to);
      break;
    case DType::bf16:
      widen_bfloat16(reinterpret_cast<const std::uint16_t*>(from), size, to);
      break;
  }
  return true;
}

void convert_run(DType dtype, const unsigned char* from, std::int64_t stride, std::int64_t count, float* to) {
  if (stride == 1 && convert_together(dtype, from, count, to)) return;
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

ChannelReader::ChannelReader(const TensorView& view, std::optional<int> channel_axis)
    : data_(static_cast<const unsigned char*>(view.data)),
      dtype_(view.dtype),
      layout_(channel_layout(view, channel_axis)),
      elements_(layout_.elements) {
  if (view.memory != Memory::host)
    throw InvalidArgument("the CPU back end reads host memory, not device memory");
}

bool ChannelReader::interleaved() const {
  return layout_.channels > 1 &&
         std::abs(layout_.channel_stride) < std::abs(layout_.dimensions.back().stride);
}

ChannelReader ChannelReader::part(std::int64_t begin, std::int64_t count) const {
  ChannelReader result = *this;
  result.first_ = first_ + begin;
  result.elements_ = count;
  return result;
}

// Of an element of the layout.
const unsigned char* ChannelReader::address(std::int64_t channel, std::int64_t element) const {
  const std::vector<ChannelLayout::Dimension>& dimensions = layout_.dimensions;
  std::int64_t offset =
      channel * layout_.channel_stride + element % dimensions.back().extent * dimensions.back().stride;
  std::int64_t outer = element / dimensions.back().extent;
  for (std::size_t d = dimensions.size() - 1; d-- > 0;) {
    offset += outer % dimensions[d].extent * dimensions[d].stride;
    outer /= dimensions[d].extent;
  }
  return data_ + offset * static_cast<std::int64_t>(size_of(dtype_));
}

std::optional<std::span<const float>> ChannelReader::in_place(std::int64_t channel, std::int64_t begin,
                                                              std::int64_t count) const {
  const ChannelLayout::Dimension inner = layout_.dimensions.back();
  if (dtype_ != DType::f32 || inner.stride != 1 || count == 0) return {};
  if ((first_ + begin) % inner.extent + count > inner.extent) return {};
  const unsigned char* from = address(channel, first_ + begin);
  if (reinterpret_cast<std::uintptr_t>(from) % alignof(float) != 0) return {};
  return std::span(reinterpret_cast<const float*>(from), static_cast<std::size_t>(count));
}

std::span<const float> ChannelReader::read(std::int64_t channel, std::int64_t begin, std::int64_t count,
                                           float* scratch) const {
  if (const auto together = in_place(channel, begin, count)) return *together;
  const ChannelLayout::Dimension inner = layout_.dimensions.back();
  begin += first_;
  std::int64_t done = 0;
  while (done < count) {
    const std::int64_t run = std::min(count - done, inner.extent - (begin + done) % inner.extent);
    convert_run(dtype_, address(channel, begin + done), inner.stride, run, scratch + done);
    done += run;
  }
  return {scratch, static_cast<std::size_t>(count)};
}

void ChannelReader::read_together(float* to, std::int64_t row) const {
  constexpr std::int64_t tile_values = 1024;  // 4 KiB
  const ChannelLayout::Dimension inner = layout_.dimensions.back();
  const std::int64_t step = inner.stride * static_cast<std::int64_t>(size_of(dtype_));
  const std::int64_t channels = layout_.channels;
  const std::int64_t most_converted = std::max<std::int64_t>(tile_values / channels, 1);
  std::vector<float> converted;
  std::int64_t run = 0;
  for (std::int64_t done = 0; done < elements_; done += run) {
    const unsigned char* const from = address(0, first_ + done);
    run = std::min(elements_ - done, inner.extent - (first_ + done) % inner.extent);
    if (dtype_ == DType::f32 && layout_.channel_stride == 1 &&
        reinterpret_cast<std::uintptr_t>(from) % alignof(float) == 0) {
      transpose(reinterpret_cast<const float*>(from), inner.stride, run, channels, to + done, row);
      continue;
    }
    run = std::min(run, most_converted);
    converted.resize(static_cast<std::size_t>(run * channels));
    const bool dense = layout_.channel_stride == 1 && inner.stride == channels;
    const std::int64_t at_once = dense ? run : 1;
    for (std::int64_t i = 0; i < run; i += at_once) {
      convert_run(dtype_, from + i * step, layout_.channel_stride, at_once * channels,
                  converted.data() + i * channels);
    }
    transpose(converted.data(), channels, run, channels, to + done, row);
  }
}

}  // namespace qcal
