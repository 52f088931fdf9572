// Sums of input patches on a back end are the CPU's, to the bit, however a batch reaches the device.
#include "kernels/patch_sums.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "kernels/backend.h"
#include "kernels/cuda_backend.h"
#include "kernels/cuda_device.h"
#include "tests/reference/test_data.h"
#include "tests/support/cut_tensor.h"
#include "tests/support/device_tensor.h"
#include "tests/support/refusal.h"
#include "tests/support/summaries.h"
#include "tests/support/typed_tensor.h"

namespace qcal::testing {
namespace {

using Extents = std::vector<std::int64_t>;
using Windows = std::vector<std::optional<PatchWindow>>;
using Ranges = std::vector<CoordinateRange>;

// One axis of a convolution, strided, dilated and padded as it says.
struct Axis {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t pad = 0;
  std::int64_t pad_after = 0;
};

// Place by place, what each offset of the window meets.
Ranges ranges_of(const Axis& axis, std::int64_t extent) {
  Ranges ranges;
  for (std::int64_t k = 0; k < axis.kernel; ++k) {
    CoordinateRange& range = ranges.emplace_back(CoordinateRange{0, axis.stride, 0});
    const std::int64_t reach = (axis.kernel - 1) * axis.dilation;
    for (std::int64_t at = 0; at + reach < extent + axis.pad + axis.pad_after; at += axis.stride) {
      const std::int64_t place = at + k * axis.dilation - axis.pad;
      if (place < 0 || place >= extent) continue;
      if (range.count++ == 0) range.first = place;
    }
  }
  return ranges;
}

struct ConvCase {
  std::string name;
  Extents shape;           // of a batch, samples first
  std::vector<Axis> axes;  // as many as the shape has behind the channels
};

std::ostream& operator<<(std::ostream& out, const ConvCase& conv) {
  return out << conv.name;
}

// The axes before the last one are one or two here.
PatchWindow conv_window(const ConvCase& conv) {
  const Extents& shape = conv.shape;
  PatchWindow window;
  window.samples = shape[0];
  window.channels = shape[1];
  window.row_length = shape.back();
  window.positions = 5;
  window.inner = ranges_of(conv.axes.back(), shape.back());
  Ranges slow = {{0, 1, 1}};
  Ranges fast = {{0, 1, 1}};
  std::int64_t fast_extent = 1;
  if (shape.size() > 4) slow = ranges_of(conv.axes[0], shape[2]);
  if (shape.size() > 3) {
    fast_extent = shape[shape.size() - 2];
    fast = ranges_of(conv.axes[conv.axes.size() - 2], fast_extent);
  }
  window.rows = fast_extent * (shape.size() > 4 ? shape[2] : 1);
  for (const CoordinateRange& a : slow) {
    for (const CoordinateRange& b : fast) {
      Ranges& rows = window.outer.emplace_back();
      for (std::int64_t i = 0; i < a.count; ++i)
        rows.push_back({(a.first + i * a.step) * fast_extent + b.first, b.step, b.count});
    }
  }
  return window;
}

PatchWindow row_window(const Extents& shape, std::int64_t features) {
  PatchWindow window;
  window.samples = shape[0];
  window.rows = elements_of(shape) / shape[0] / features;
  window.row_length = features;
  window.positions = window.rows;
  window.outer = {{{0, 1, window.rows}}};
  return window;
}

// Each batch has one sample more than the one before, and values that are not finite. Every second one has
// values of such different magnitudes that any other order of additions gives other bits.
std::vector<float> batch_values(Extents& shape, std::int64_t batch) {
  shape[0] += batch;
  std::vector<float> values = samples(Shape::normal, static_cast<std::size_t>(elements_of(shape)),
                                      static_cast<std::uint64_t>(17 + batch));
  if (batch % 2 == 1) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = std::ldexp(values[i], static_cast<int>(i * 37 % 97) - 48);
  }
  values[values.size() / 3] = nan_value;
  values[values.size() / 2] = -infinity;
  values.back() = infinity;
  return values;
}

void expect_equal(const PatchTotals& found, const PatchTotals& expected) {
  EXPECT_EQ(found.positions, expected.positions);
  EXPECT_EQ(found.samples, expected.samples);
  EXPECT_EQ(found.sums, expected.sums);
}

void expect_equal(PatchSums& found, PatchSums& expected, std::size_t layers) {
  for (std::size_t layer = 0; layer < layers; ++layer) {
    SCOPED_TRACE("layer " + std::to_string(layer));
    const PatchSplit of_device = found.take(layer);
    const PatchSplit of_host = expected.take(layer);
    EXPECT_GT(of_host.fitted.samples, 0);
    EXPECT_GT(of_host.held_back.samples, 0);
    expect_equal(of_device.fitted, of_host.fitted);
    expect_equal(of_device.held_back, of_host.held_back);
  }
}

class Convolutions : public ::testing::TestWithParam<ConvCase> {};

// A device of its own for each test, and a small one here: the emulation's memory costs by its size.
TEST_P(Convolutions, GiveTheCpusBits) {
  const auto backend = make_cuda_backend({256 * 1024, 256 * 1024, 2});
  for (const DType dtype : all_dtypes) {
    for (const bool on_device : {false, true}) {
      SCOPED_TRACE(std::string(name_of(dtype)) + (on_device ? " on the device" : " on the host"));
      const auto found = backend->make_patch_sums();
      const auto expected = Backend::cpu()->make_patch_sums();
      for (std::int64_t batch = 0; batch < 3; ++batch) {
        ConvCase conv = GetParam();
        const std::vector<float> values = batch_values(conv.shape, batch);
        const TypedTensor tensor(values, conv.shape, dtype);
        const DeviceTensor copy(tensor.view(), batch == 1 ? 1 : 0);  // the second lies between two floats
        const TensorView view = on_device ? copy.view() : tensor.view();
        found->collect(WholeTensor(view), {conv_window(conv)}, {});
        expected->collect(WholeTensor(tensor.view()), {conv_window(conv)}, {});
        if (on_device) found->take(0);  // waits: the copy goes
      }
      expect_equal(*found, *expected, 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cuda, Convolutions,
    ::testing::Values(ConvCase{"plain", {2, 3, 6, 7}, {{3}, {2}}},
                      ConvCase{"padded", {2, 3, 6, 19}, {{3, 1, 1, 1, 1}, {5, 1, 1, 2, 2}}},
                      ConvCase{"strided", {2, 2, 9, 38}, {{3, 2, 1, 1, 1}, {3, 3, 1, 1, 1}}},
                      ConvCase{"dilated", {2, 2, 9, 20}, {{3, 1, 2, 2, 2}, {3, 2, 3, 3, 3}}},
                      ConvCase{"pointwise", {3, 5, 4, 4}, {{1}, {1}}},
                      ConvCase{"apart", {2, 2, 5, 40}, {{2, 5}, {2, 1, 20}}},  // ranges without a common part
                      ConvCase{"rows_that_nothing_meets", {2, 2, 7, 9}, {{1, 3}, {1, 4}}},
                      ConvCase{"wide", {2, 2, 3, 24}, {{3, 1, 1, 1, 1}, {19, 1, 1, 9, 9}}},
                      ConvCase{"long_row", {2, 1, 1'300}, {{5, 1, 1, 2, 2}}},
                      ConvCase{"long_strided_row", {2, 1, 3'100}, {{3, 2}}},
                      ConvCase{"one_place", {2, 40, 1, 1}, {{3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}}},
                      ConvCase{
                          "volume", {2, 2, 4, 5, 6}, {{2, 2, 1, 1, 1}, {3, 1, 1, 0, 2}, {3, 2, 1, 1, 0}}}),
    [](const auto& tested) { return tested.param.name; });

// A transposed convolution's ranges have no gaps, and begin and end anywhere.
TEST(PatchSumsCuda, AnyRangesGiveTheCpusBits) {
  PatchWindow window = conv_window({"", {5, 2, 4, 30}, {{1}, {1}}});
  window.inner = {{3, 1, 20}, {0, 1, 10}, {9, 1, 21}, {5, 1, 0}};
  window.outer = {{{1, 1, 2}}, {}, {{0, 3, 2}}};
  Extents shape = {5, 2, 4, 30};
  const std::vector<float> values = batch_values(shape, 0);
  const TensorView view{values.data(), DType::f32, shape, Memory::host, {}};
  for (const bool with_empty : {true, false}) {
    if (!with_empty) window.inner.pop_back();  // then all have a part in common
    const auto found = Backend::cuda()->make_patch_sums();
    const auto expected = Backend::cpu()->make_patch_sums();
    for (PatchSums* sums : {found.get(), expected.get()}) sums->collect(WholeTensor(view), {window}, {});
    expect_equal(*found, *expected, 1);
  }
}

TEST(PatchSumsCuda, RowsOfFeaturesGiveTheCpusBits) {
  for (const Extents& features_first : {Extents{70, 2, 3, 70}, {6, 2, 2, 3}, {300, 3, 300}}) {
    const auto found = Backend::cuda()->make_patch_sums();
    const auto expected = Backend::cpu()->make_patch_sums();
    for (std::int64_t batch = 0; batch < 3; ++batch) {
      Extents shape(features_first.begin() + 1, features_first.end());
      const std::vector<float> values = batch_values(shape, batch);
      const TensorView view{values.data(), DType::f32, shape, Memory::host, {}};
      for (PatchSums* sums : {found.get(), expected.get()})
        sums->collect(WholeTensor(view), {row_window(shape, features_first[0])}, {});
    }
    expect_equal(*found, *expected, 1);
  }
}

TEST(PatchSumsCuda, StridedViewsGiveTheCpusBits) {
  const std::vector<float> values = samples(Shape::normal, 6 * 8 * 10 * 12, 7);
  const TypedTensor tensor(values, {6, 8, 10, 12}, DType::f32);
  const DeviceTensor copy(tensor.view(), 0);
  struct Strided {
    Extents shape;
    Extents strides;
  };
  for (const Strided& strided : {Strided{{12, 10, 8, 6}, {1, 12, 120, 960}},
                                 {{5, 4, 5, 6}, {960, 240, 24, 2}},
                                 {{6, 8, 10, 12}, {0, 120, 12, 1}}}) {
    const auto in_strides = [&](TensorView view) {
      view.shape = strided.shape;
      view.strides = strided.strides;
      return view;
    };
    const TensorView on_host = in_strides(tensor.view());
    const TensorView on_device = in_strides(copy.view());
    const Windows windows = {conv_window({"", strided.shape, {{3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}}})};
    const auto expected = Backend::cpu()->make_patch_sums();
    expected->collect(WholeTensor(on_host), windows, {});
    for (const TensorView& view : {on_host, on_device}) {
      const auto found = Backend::cuda()->make_patch_sums();
      found->collect(WholeTensor(view), windows, {});
      expect_equal(*found, *expected, 1);
    }
  }
}

// Three layers that cut a batch into different rows, in little device memory: pieces of at most 8192 floats,
// but not fewer than two rows.
TEST(PatchSumsCuda, BatchesLargerThanTheDeviceKeepsGiveTheCpusBits) {
  const auto backend = make_cuda_backend({64 * 1024, 64 * 1024, 2});
  for (const Extents& extents : {Extents{3, 2, 3, 1'300}, {3, 1, 1, 9'001}, {3, 2, 10, 10}}) {
    for (const std::int64_t most : {std::int64_t{100'000}, std::int64_t{777}, std::int64_t{1}}) {
      if (most == 1 && extents.back() > 1'000) continue;  // slow, and nothing new
      const auto found = backend->make_patch_sums();
      const auto expected = Backend::cpu()->make_patch_sums();
      for (std::int64_t batch = 0; batch < 2; ++batch) {
        Extents shape = extents;
        const std::vector<float> values = batch_values(shape, batch);
        const TensorView view{values.data(), DType::f32, shape, Memory::host, {}};
        const Windows windows = {conv_window({"", shape, {{3, 1, 1, 1, 1}, {5, 1, 1, 2, 2}}}), std::nullopt,
                                 row_window(shape, shape[1] * shape[2] * shape[3]),
                                 conv_window({"", shape, {{1}, {1, 2}}})};
        found->collect(CutTensor(view, most), windows, {});
        expected->collect(WholeTensor(view), windows, {});
      }
      for (const std::size_t layer : {0u, 2u, 3u}) {
        const PatchSplit of_host = expected->take(layer);
        expect_equal(found->take(layer).fitted, of_host.fitted);
        expect_equal(found->take(layer).held_back, of_host.held_back);
      }
      EXPECT_EQ(found->take(1).fitted.samples, 0);
    }
  }
}

// More sums than the device keeps at once.
TEST(PatchSumsCuda, ManySumsGiveTheCpusBits) {
  const ConvCase conv{"", {11, 600, 1, 1}, {{9, 1, 1, 8, 8}, {9, 1, 1, 8, 8}}};
  Extents shape = conv.shape;
  const std::vector<float> values = batch_values(shape, 0);
  const TensorView view{values.data(), DType::f32, shape, Memory::host, {}};
  const auto found = Backend::cuda()->make_patch_sums();
  const auto expected = Backend::cpu()->make_patch_sums();
  for (PatchSums* sums : {found.get(), expected.get()})
    sums->collect(WholeTensor(view), {conv_window(conv)}, {});
  expect_equal(*found, *expected, 1);
}

TEST(PatchSumsCuda, GoOnFromSumsOfEitherBackEnd) {
  const auto added = [](PatchSums& sums, std::int64_t first, std::int64_t last) {
    for (std::int64_t batch = first; batch < last; ++batch) {
      ConvCase conv{"", {1, 3, 6, 7}, {{3}, {2}}};
      const std::vector<float> values = batch_values(conv.shape, batch);
      sums.collect(WholeTensor(TensorView{values.data(), DType::f32, conv.shape, Memory::host, {}}),
                   {std::nullopt, conv_window(conv)}, {});
    }
  };
  const auto whole = Backend::cpu()->make_patch_sums();
  added(*whole, 0, 4);
  for (const auto& first_of : {Backend::cuda(), Backend::cpu()}) {
    for (const auto& rest_of : {Backend::cuda(), Backend::cpu()}) {
      for (std::int64_t cut = 0; cut <= 4; ++cut) {
        const auto first = first_of->make_patch_sums();
        const auto rest = rest_of->make_patch_sums();
        added(*first, 0, cut);
        rest->resume(1, first->take(1));
        added(*rest, cut, 4);
        expect_equal(rest->take(1).fitted, whole->take(1).fitted);
        expect_equal(rest->take(1).held_back, whole->take(1).held_back);
      }
    }
  }
  EXPECT_EQ(refusal([&] { whole->resume(1, whole->take(1)); }),
            "sums go on from others only before their first batch");
}

TEST(PatchSumsCuda, RefusesWindowsThatDoNotFit) {
  Extents shape = {2, 3, 6, 7};
  const std::vector<float> values = batch_values(shape, 0);
  const TensorView view{values.data(), DType::f32, shape, Memory::host, {}};
  const auto sums = Backend::cuda()->make_patch_sums();
  const WholeTensor batch(view);
  sums->collect(batch, {conv_window({"", shape, {{3}, {3}}})}, {});
  EXPECT_EQ(refusal([&] {
              sums->collect(batch, {conv_window({"", {2, 3, 6, 8}, {{3}, {3}}})}, {});
            }),
            "a window over 288 values of a batch of 252");
  EXPECT_EQ(refusal([&] {
              sums->collect(batch, {conv_window({"", shape, {{3}, {2}}})}, {});
            }),
            "a window of 18 sums after one of 27");
}

}  // namespace
}  // namespace qcal::testing
