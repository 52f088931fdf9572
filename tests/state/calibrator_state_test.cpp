// A calibrator that is saved, restored and merged gives the bits of one that was not; a state that does not
// belong to it, or is broken, is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/calibrator.h"
#include "engine/state/sealed.h"
#include "tests/dumps/file_test.h"
#include "tests/reference/test_data.h"
#include "tests/support/refusal.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::size_t batches = 7;
const std::vector<std::int64_t> extents{4, 3, 25};

// Batch 4 is all zero, batch 5 empty; the maximum grows on the way.
const std::vector<float>& values_of(std::size_t batch) {
  static const std::vector<std::vector<float>> values = [] {
    std::vector<std::vector<float>> all;
    for (std::size_t each = 0; each < batches; ++each)
      all.push_back(samples(each == 4   ? Shape::all_zero
                            : each == 2 ? Shape::relu
                                        : Shape::normal,
                            300, 5 + each, 0.3 + 0.4 * static_cast<double>(each)));
    all[5].clear();
    return all;
  }();
  return values.at(batch);
}

TensorView view_of(std::size_t batch) {
  const std::vector<float>& values = values_of(batch);
  return {values.data(),
          DType::f32,
          values.empty() ? std::vector<std::int64_t>{0, 3, 25} : extents,
          Memory::host,
          {}};
}

struct Case {
  Method method = Method::maxmin;
  bool symmetric = true;
  bool per_channel = false;
  CalibrationScope scope = CalibrationScope::per_batch;
  BatchStatistic statistic = BatchStatistic::mean;
  Signedness sign = Signedness::is_signed;
  Compatibility compatibility = Compatibility::standard;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Method method :
       {Method::maxmin, Method::percentile, Method::entropy, Method::mse, Method::diffs}) {
    for (const CalibrationScope scope : {CalibrationScope::per_batch, CalibrationScope::accumulated}) {
      all.push_back({.method = method, .scope = scope});
      all.push_back({.method = method,
                     .symmetric = false,
                     .scope = scope,
                     .statistic = BatchStatistic::modal,
                     .sign = Signedness::automatic});
      all.push_back({.method = method,
                     .per_channel = true,
                     .scope = scope,
                     .statistic = BatchStatistic::median,
                     .sign = Signedness::automatic});
    }
  }
  return all;
}

// What vai_q_pytorch accumulates in order of the batches.
std::vector<Case> ordered_cases() {
  std::vector<Case> all;
  for (const Method method : {Method::percentile, Method::entropy, Method::mse})
    all.push_back(
        {.method = method, .scope = CalibrationScope::accumulated, .compatibility = Compatibility::vitis});
  return all;
}

Configuration configuration_of(const Case& test) {
  Configuration configuration = default_configuration(test.compatibility);
  configuration.target_device.value = TargetDevice::cpu;
  TensorSettings& settings = configuration.tensor_settings[Role::activation];
  settings.method.value = test.method;
  settings.scale_type.value = ScaleType::float_scale;
  settings.symmetry.value = test.symmetric;
  settings.per_channel.value = test.per_channel;
  settings.is_signed.value = test.sign;
  settings.calib_scope.value = test.scope;
  settings.calib_statistic_method.value = test.statistic;
  return configuration;
}

Calibrator calibrator_of(const Case& test) {
  Calibrator calibrator(configuration_of(test), Backend::cpu());
  calibrator.declare("x", {.channel_axis = 1});
  calibrator.declare("y", {.channel_axis = 1});
  return calibrator;
}

void observe(Calibrator& calibrator, const std::string& name, std::size_t batch) {
  calibrator.observe(name, view_of(batch), {}, static_cast<std::int64_t>(batch));
}

QuantizationParameters undisturbed(const Case& test) {
  Calibrator calibrator = calibrator_of(test);
  for (const char* name : {"x", "y"}) {
    for (std::size_t batch = 0; batch < batches; ++batch) observe(calibrator, name, batch);
  }
  return calibrator.finish();
}

TEST(CalibratorState, AnyShardingInAnyOrderGivesTheBitsOfOne) {
  SplitMix64 random(11);
  for (const Case& test : cases()) {
    const QuantizationParameters expected = undisturbed(test);
    for (int round = 0; round < 4; ++round) {
      std::vector<Calibrator> shards;
      for (std::size_t i = 0; i <= random.below(4); ++i) shards.push_back(calibrator_of(test));
      // By batch, in any order.
      std::vector<std::size_t> order{0, 1, 2, 3, 4, 5, 6};
      for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[random.below(i + 1)]);
      for (const std::size_t batch : order) observe(shards[random.below(shards.size())], "x", batch);
      // By tensor: one shard has all of it, and says so.
      Calibrator& owner = shards[random.below(shards.size())];
      for (std::size_t batch = 0; batch < batches; ++batch) observe(owner, "y", batch);
      if (round % 2 == 0) owner.complete("y");
      // Merged pair by pair, as a chain or a tree, a state being kept, sent on or taken over.
      while (shards.size() > 1) {
        std::swap(shards.back(), shards[random.below(shards.size())]);
        Calibrator last = std::move(shards.back());
        shards.pop_back();
        Calibrator& into = shards[random.below(shards.size())];
        if (random.below(2) == 0) {
          into.merge(last.save());
        } else {
          into.merge(std::move(last));
        }
      }
      Calibrator merged = calibrator_of(test);
      merged.merge(shards.front().save());
      EXPECT_EQ(merged.finish(), expected);
    }
  }
}

TEST(CalibratorState, GoesOnAfterAnyBatch) {
  std::vector<Case> all = cases();
  for (const Case& ordered : ordered_cases()) all.push_back(ordered);
  for (const Case& test : all) {
    const QuantizationParameters expected = undisturbed(test);
    Calibrator calibrator = calibrator_of(test);
    for (const char* name : {"x", "y"}) {
      for (std::size_t batch = 0; batch < batches; ++batch) {
        observe(calibrator, name, batch);
        const std::string state = calibrator.save();
        calibrator = calibrator_of(test);
        calibrator.merge(state);
        EXPECT_EQ(calibrator.save(), state) << "what was read is not what is written";
      }
    }
    EXPECT_EQ(calibrator.finish(), expected);
  }
}

TEST(CalibratorState, NumbersItsBatchesOn) {
  const Case test{.statistic = BatchStatistic::modal};
  Calibrator first = calibrator_of(test);
  for (std::size_t batch = 0; batch < 3; ++batch) first.observe("x", view_of(batch));
  Calibrator second = calibrator_of(test);
  second.merge(first.save());
  second.observe("x", view_of(3));
  EXPECT_THAT(refusal([&] { second.observe("x", view_of(3), {}, 3); }),
              HasSubstr("batch 3 was already observed"));
}

TEST(CalibratorState, HistogramsThatDependOnOrderAreNotMerged) {
  for (const Case& test : ordered_cases()) {
    Calibrator first = calibrator_of(test);
    Calibrator second = calibrator_of(test);
    EXPECT_FALSE(first.splits("x"));
    observe(first, "x", 0);
    observe(second, "x", 1);
    EXPECT_THAT(refusal([&] { first.merge(second.save()); }),
                AllOf(HasSubstr("\"x\""), HasSubstr("depends on the order of batches")));
  }
  EXPECT_TRUE(calibrator_of({.method = Method::mse, .scope = CalibrationScope::accumulated}).splits("x"));
}

TEST(CalibratorState, RefusesWhatBothHold) {
  Calibrator first = calibrator_of({});
  Calibrator second = calibrator_of({});
  for (Calibrator* each : {&first, &second}) observe(*each, "x", 2);
  EXPECT_EQ(refusal([&] { first.merge(second.save()); }), "tensor \"x\": both shards hold batch 2");
  first.complete("x");
  EXPECT_EQ(refusal([&] { first.merge(second.save()); }), "tensor \"x\" is complete and cannot be merged");
  EXPECT_EQ(refusal([&] { second.merge(first.save()); }), "tensor \"x\" is complete and cannot be merged");
}

TEST(CalibratorState, RefusesBatchesThatThePolicyRefuses) {
  const std::vector<float> broken{1.0F, std::numeric_limits<float>::quiet_NaN()};
  Calibrator calibrator = calibrator_of({.scope = CalibrationScope::accumulated});
  calibrator.observe("x", {broken.data(), DType::f32, {1, 2, 1}, Memory::host, {}}, {}, 9);
  EXPECT_THAT(refusal([&] { calibrator.save(); }),
              AllOf(HasSubstr("\"x\""), HasSubstr("batch 9 holds 1 NaN")));
}

std::string refused(Calibrator calibrator, const std::string& state) {
  return message_of<InputError>([&] { calibrator.merge(state, "file"); });
}

TEST(CalibratorState, OfAnotherCalibrationIsRefusedWithTheReason) {
  Calibrator saved = calibrator_of({});
  observe(saved, "x", 0);
  const std::string state = saved.save();
  EXPECT_THAT(refused(calibrator_of({.method = Method::mse}), state),
              AllOf(StartsWith("file: of another configuration: "), HasSubstr("maxmin"), HasSubstr("mse")));
  EXPECT_THAT(refused(calibrator_of({.compatibility = Compatibility::vitis}), state),
              HasSubstr("file: of another preset (--compat): \"standard\", not \"vitis\""));
  EXPECT_THAT(refused(Calibrator(configuration_of({}), Backend::cpu(), {NonFinite::skip}), state),
              HasSubstr("(--non-finite): \"error\", not \"skip-batch\""));
  EXPECT_EQ(refused(Calibrator(configuration_of({}), Backend::cpu()), state),
            "file: holds tensor \"x\", which was not declared");
  Calibrator otherwise(configuration_of({}), Backend::cpu());
  otherwise.declare("x", {.role = Role::input});
  EXPECT_EQ(refused(std::move(otherwise), state),
            "file: tensor \"x\": made with other settings, or another role or channel axis");
}

TEST(CalibratorState, OfAnotherVersionIsRefused) {
  Calibrator saved = calibrator_of({});
  std::string contents(opened(saved.save(), "file"));
  const std::string version = "version of qcal";
  contents[contents.find(version) + version.size() + 1] = '9';
  EXPECT_THAT(refused(calibrator_of({}), sealed(contents)),
              StartsWith("file: of another version of qcal: \"9"));
}

// Whatever the bytes say, under a seal that fits: refused by name, or taken for what some calibration could
// have seen.
TEST(CalibratorState, AnyChangedByteIsRefusedOrHarmless) {
  std::vector<Case> all{{},
                        {.per_channel = true, .sign = Signedness::automatic},
                        {.method = Method::percentile, .scope = CalibrationScope::accumulated},
                        {.method = Method::mse, .symmetric = false, .scope = CalibrationScope::accumulated},
                        ordered_cases().front()};
  int refusals = 0;
  for (const Case& test : all) {
    Calibrator saved = calibrator_of(test);
    for (const std::size_t batch : {0, 2}) observe(saved, "x", batch);
    if (!test.symmetric) saved.complete("x");
    const std::string state = saved.save_tensor("x");
    SplitMix64 random(3);
    for (int round = 0; round < 600; ++round) {
      std::string changed = state;
      // Most of a histogram is alike: half of the changes are at the beginning.
      const std::size_t reach = round % 2 == 0 ? std::min<std::size_t>(state.size(), 120) : state.size();
      changed[random.below(reach)] = static_cast<char>(random.below(256));
      if (round % 5 == 0) changed.resize(random.below(changed.size()));
      Calibrator calibrator = calibrator_of(test);
      observe(calibrator, "y", 0);
      try {
        calibrator.merge_tensor("x", changed, "file");
        calibrator.finish();
      } catch (const InputError& error) {
        EXPECT_THAT(error.what(), StartsWith("file: tensor \"x\": "));
        ++refusals;
      } catch (const InvalidArgument& error) {
        EXPECT_THAT(error.what(), HasSubstr("\"x\""));
      }
    }
  }
  EXPECT_GT(refusals, 500);
}

}  // namespace
}  // namespace qcal::testing
