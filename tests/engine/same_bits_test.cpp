// The same dumps and configuration give the same bits for any thread count, batch order (accumulated scope)
// and split.
#include <gtest/gtest.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include "engine/calibrator.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

constexpr std::size_t batches = 6;

// Spans several segments of 32768 elements, and ends in the middle of a chunk of 512.
const std::vector<std::vector<float>>& data() {
  static const std::vector<std::vector<float>> values = [] {
    std::vector<std::vector<float>> all;
    for (std::size_t batch = 0; batch < batches; ++batch) {
      all.push_back(
          samples(Shape::normal, 8 * 13 * 1013, 77 + batch, 0.5 + 0.3 * static_cast<double>(batch % 4)));
    }
    return all;
  }();
  return values;
}

TensorView view_of(std::size_t batch) {
  return {data()[batch].data(), DType::f32, {8, 13, 1013}, Memory::host, {}};
}

struct Case {
  Method method;
  ScaleType scale_type;
  bool symmetric;
  bool per_channel;
  CalibrationScope scope;
  BatchStatistic statistic;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Method method :
       {Method::maxmin, Method::percentile, Method::entropy, Method::mse, Method::diffs}) {
    for (const ScaleType type : {ScaleType::float_scale, ScaleType::power_of_two}) {
      for (const bool symmetric : {true, false}) {
        for (const CalibrationScope scope : {CalibrationScope::per_batch, CalibrationScope::accumulated}) {
          const bool per_channel =
              method == Method::mse || method == Method::diffs || method == Method::maxmin;
          all.push_back({method, type, symmetric, false, scope, BatchStatistic::mean});
          if (per_channel) all.push_back({method, type, symmetric, true, scope, BatchStatistic::modal});
        }
      }
    }
  }
  return all;
}

Configuration configuration_of(const Case& test) {
  Configuration configuration = default_configuration();
  configuration.target_device.value = TargetDevice::cpu;
  TensorSettings& settings = configuration.tensor_settings[Role::activation];
  settings.method.value = test.method;
  settings.scale_type.value = test.scale_type;
  settings.symmetry.value = test.symmetric;
  settings.per_channel.value = test.per_channel;
  settings.calib_scope.value = test.scope;
  settings.calib_statistic_method.value = test.statistic;
  settings.round_mode.value = RoundMode::half_even;
  return configuration;
}

Calibrator calibrator_of(const Case& test) {
  Calibrator calibrator(configuration_of(test), Backend::cpu());
  calibrator.declare("x", {.role = Role::activation, .channel_axis = 1});
  return calibrator;
}

QuantizationParameters run(const Case& test, int threads) {
  Calibrator calibrator = calibrator_of(test);
  // More threads than cores on purpose.
  const tbb::global_control allow(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    for (std::size_t batch = 0; batch < batches; ++batch) calibrator.observe("x", view_of(batch));
  });
  return calibrator.finish();
}

TEST(SameBits, ForOneTwoAndSevenThreads) {
  for (const Case& test : cases()) {
    const QuantizationParameters one = run(test, 1);
    EXPECT_GT(one.tensors.at(0).scale.at(0), 0.0);
    EXPECT_EQ(one, run(test, 2));
    EXPECT_EQ(one, run(test, 7));
  }
}

TEST(SameBits, ForReversedBatchesWhereTheyAreAccumulated) {
  for (const Case& test : cases()) {
    if (test.scope != CalibrationScope::accumulated) continue;
    Calibrator reversed = calibrator_of(test);
    for (std::size_t batch = batches; batch-- > 0;) reversed.observe("x", view_of(batch));
    EXPECT_EQ(run(test, 2), reversed.finish());
  }
}

TEST(SameBits, ForADumpSplitInTwoAndMerged) {
  for (const Case& test : cases()) {
    for (const bool second_into_first : {true, false}) {
      Calibrator first = calibrator_of(test);
      Calibrator second = calibrator_of(test);
      for (std::size_t batch = 0; batch < batches; ++batch) {
        (batch % 3 == 0 ? first : second).observe("x", view_of(batch), {}, static_cast<std::int64_t>(batch));
      }
      Calibrator& into = second_into_first ? first : second;
      into.merge(std::move(second_into_first ? second : first));
      EXPECT_EQ(run(test, 2), into.finish());
    }
  }
}

}  // namespace
}  // namespace qcal::testing
