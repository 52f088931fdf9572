// NaN and infinities: found in every dtype, counted, and either refused by tensor and batch or left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/calibrator.h"
#include "tests/search/calibration_support.h"
#include "tests/support/refusal.h"
#include "tests/support/typed_tensor.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Case {
  DType dtype = DType::f32;
  CalibrationScope scope = CalibrationScope::per_batch;
  bool per_channel = false;
  Method method = Method::maxmin;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const DType dtype : all_dtypes) {
    for (const CalibrationScope scope : all_scopes) {
      for (const bool per_channel : {false, true}) {
        for (const Method method : all_methods) {
          cases.push_back({dtype, scope, per_channel, method});
        }
      }
    }
  }
  return cases;
}

std::string text_of(const Case& c) {
  return std::string(name_of(c.dtype)) +
         (c.scope == CalibrationScope::accumulated ? ", accumulated" : ", per batch") +
         (c.per_channel ? ", per channel, method " : ", per tensor, method ") +
         std::to_string(static_cast<int>(c.method));
}

Calibrator calibrator_of(const Case& c, std::optional<NonFinite> policy) {
  Configuration configuration = default_configuration();
  configuration.target_device.value = TargetDevice::cpu;
  configuration.tensor_settings[Role::activation] =
      settings_of({.method = c.method,
                   .scope = c.scope,
                   .statistic = BatchStatistic::mean,
                   .axis = c.per_channel ? std::optional(1) : std::nullopt});
  Calibrator calibrator(configuration, Backend::cpu(), {policy});
  calibrator.declare("conv1.output", {.role = Role::activation, .channel_axis = 1});
  return calibrator;
}

constexpr std::int64_t bad_index = 11;
constexpr std::size_t channels = 3;

std::vector<float> good_values(std::uint64_t seed) {
  return samples(Shape::normal, 2 * channels * 20, seed, static_cast<double>(seed));
}

// NaN in the first channel, an infinity in the second, two of them in the third.
std::vector<float> bad_values() {
  std::vector<float> values = good_values(3);
  values[7] = nan_value;
  values[25] = -infinity;
  values[59] = infinity;
  values[119] = nan_value;
  return values;
}

TypedTensor tensor(const std::vector<float>& values, DType dtype) {
  return {values, {2, channels, static_cast<std::int64_t>(values.size() / (2 * channels))}, dtype};
}

void observe(Calibrator& calibrator, const std::vector<float>& values, DType dtype, std::int64_t index) {
  calibrator.observe("conv1.output", tensor(values, dtype).view(), {}, index);
}

TensorParameters with_policy(const Case& c, NonFinite policy) {
  Calibrator calibrator = calibrator_of(c, policy);
  observe(calibrator, good_values(1), c.dtype, 10);
  observe(calibrator, bad_values(), c.dtype, bad_index);
  observe(calibrator, good_values(2), c.dtype, 12);
  return calibrator.finish().tensors.at(0);
}

TEST(NonFinitePolicy, ErrorNamesTensorBatchAndCount) {
  for (const Case& c : all_cases()) {
    SCOPED_TRACE(text_of(c));
    EXPECT_THAT(refusal([&] { with_policy(c, NonFinite::reject); }),
                AllOf(HasSubstr("\"conv1.output\""), HasSubstr("batch 11 holds 4 NaN or infinite values"),
                      HasSubstr("--non-finite")));
  }
}

TEST(NonFinitePolicy, SkipBatchGivesWhatTheOtherBatchesGive) {
  for (const Case& c : all_cases()) {
    SCOPED_TRACE(text_of(c));
    Calibrator others = calibrator_of(c, NonFinite::reject);
    observe(others, good_values(1), c.dtype, 10);
    observe(others, good_values(2), c.dtype, 12);
    TensorParameters expected = others.finish().tensors.at(0);
    expected.elements = 3 * 120;  // what was seen is counted, used or not
    expected.non_finite = 4;
    EXPECT_EQ(with_policy(c, NonFinite::skip), expected);
  }
}

// One channel's finite values, as a tensor of their own.
std::vector<float> finite_values(const TypedTensor& stored, const Case& c, std::size_t channel) {
  std::vector<float> own;
  const std::vector<float>& values = stored.values();
  const std::size_t inner = values.size() / (2 * channels);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i]) && (!c.per_channel || i / inner % channels == channel))
      own.push_back(values[i]);
  }
  return own;
}

TEST(NonFinitePolicy, IgnoreUsesTheFiniteValuesAlone) {
  for (const Case& c : all_cases()) {
    SCOPED_TRACE(text_of(c));
    const TensorParameters ours = with_policy(c, NonFinite::ignore);
    EXPECT_EQ(ours.batches, 3);
    EXPECT_EQ(ours.elements, 3u * 120u);
    EXPECT_EQ(ours.non_finite, 4u);
    ASSERT_EQ(ours.scale.size(), c.per_channel ? channels : 1u);
    for (std::size_t channel = 0; channel < ours.scale.size(); ++channel) {
      Case alone = c;
      alone.per_channel = false;
      Calibrator calibrator = calibrator_of(alone, NonFinite::reject);
      for (const auto& values : {good_values(1), bad_values(), good_values(2)}) {
        const std::vector<float> own = finite_values(tensor(values, c.dtype), c, channel);
        calibrator.observe("conv1.output",
                           {own.data(), DType::f32, {static_cast<std::int64_t>(own.size())}, {}, {}});
      }
      const TensorParameters expected = calibrator.finish().tensors.at(0);
      EXPECT_EQ(ours.scale[channel], expected.scale[0]) << channel;
      EXPECT_EQ(ours.zero_point[channel], expected.zero_point[0]) << channel;
      EXPECT_EQ(ours.amax[channel], expected.amax[0]) << channel;
    }
  }
}

// A channel without one finite value gets the scale of zeros, and leaves the others alone.
TEST(NonFinitePolicy, IgnoreWithADeadChannel) {
  for (const Case& c : all_cases()) {
    if (!c.per_channel) continue;
    SCOPED_TRACE(text_of(c));
    std::vector<float> values = good_values(1);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = i / 20 % channels == 1 ? nan_value : values[i];
    Calibrator dead = calibrator_of(c, NonFinite::ignore);
    Calibrator whole = calibrator_of(c, NonFinite::ignore);
    observe(dead, values, c.dtype, 0);
    observe(whole, good_values(1), c.dtype, 0);
    const TensorParameters parameters = dead.finish().tensors.at(0);
    const TensorParameters expected = whole.finish().tensors.at(0);
    EXPECT_EQ(parameters.non_finite, 40u);
    EXPECT_EQ(parameters.scale[0], expected.scale[0]);
    EXPECT_EQ(parameters.scale[1], 0x1p-18);
    EXPECT_EQ(parameters.scale[2], expected.scale[2]);
  }
}

TEST(NonFinitePolicy, NothingFiniteAtAllIsRefusedByName) {
  for (const Case& c : all_cases()) {
    SCOPED_TRACE(text_of(c));
    for (const NonFinite policy : {NonFinite::skip, NonFinite::ignore}) {
      Calibrator calibrator = calibrator_of(c, policy);
      observe(calibrator, std::vector<float>(12, nan_value), c.dtype, 0);
      EXPECT_THAT(refusal([&] { calibrator.finish(); }),
                  AllOf(HasSubstr("\"conv1.output\""), HasSubstr("no batch held a finite value")));
    }
  }
}

// The shard's own batch number, not its place among the shard's calls.
TEST(NonFinitePolicy, AShardsBatchIsNamedWhenItIsMerged) {
  for (const bool per_channel : {false, true}) {
    const Case c{.scope = CalibrationScope::accumulated, .per_channel = per_channel};
    Calibrator whole = calibrator_of(c, {});
    Calibrator shard = calibrator_of(c, {});
    observe(whole, good_values(1), c.dtype, 3);
    observe(shard, good_values(2), c.dtype, 8);
    observe(shard, bad_values(), c.dtype, bad_index);
    EXPECT_THAT(refusal([&] { whole.merge(std::move(shard)); }),
                AllOf(HasSubstr("\"conv1.output\""), HasSubstr("batch 11 holds 4 NaN")));
  }
}

// float64 is read as float32, where 1e300 is infinite.
TEST(NonFinitePolicy, DoublesBeyondFloat32AreInfinite) {
  const std::vector<double> values{1.0, 1e300, -1e39, 3.4e38};
  Calibrator strict = calibrator_of({}, {});
  const TensorView view{values.data(), DType::f64, {1, 1, 4}, Memory::host, {}};
  EXPECT_THAT(refusal([&] { strict.observe("conv1.output", view); }),
              AllOf(HasSubstr("batch 0 holds 2 NaN or infinite values"), HasSubstr("float32")));
  Calibrator lenient = calibrator_of({}, NonFinite::ignore);
  lenient.observe("conv1.output", view);
  const TensorParameters parameters = lenient.finish().tensors.at(0);
  EXPECT_EQ(parameters.amax[0], static_cast<double>(3.4e38f));
  EXPECT_EQ(parameters.non_finite, 2u);
}

}  // namespace
}  // namespace qcal::testing
