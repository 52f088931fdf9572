#include "engine/collect/tensor_calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/error.h"
#include "tests/search/calibration_support.h"

namespace qcal::testing {
namespace {

std::vector<Batch> varied_batches(std::size_t count) {
  std::vector<Batch> batches;
  for (std::size_t i = 0; i < count; ++i) {
    batches.push_back({samples(i % 3 == 0 ? Shape::heavy_tail : Shape::normal, 500 + 37 * i, i,
                               std::ldexp(1.0 + 0.1 * static_cast<double>(i), static_cast<int>(i % 5) - 2))});
  }
  return batches;
}

void expect_same(const TensorOutcome& a, const TensorOutcome& b) {
  EXPECT_EQ(a.channels, b.channels);
  EXPECT_EQ(a.per_batch, b.per_batch);
  EXPECT_EQ(a.batches, b.batches);
  EXPECT_EQ(a.elements, b.elements);
  EXPECT_EQ(a.non_finite, b.non_finite);
}

std::vector<Wanted> interesting() {
  std::vector<Wanted> all;
  for (const Method method : all_methods) {
    for (const bool symmetric : {true, false}) {
      for (const ScaleType scale_type : all_scale_types) {
        for (const CalibrationScope scope : all_scopes) {
          all.push_back({.method = method,
                         .bit_width = 6,
                         .symmetric = symmetric,
                         .scale_type = scale_type,
                         .scope = scope,
                         .statistic = BatchStatistic::mean});
        }
      }
    }
  }
  return all;
}

TEST(TensorCalibration, OrderOfObservationDoesNotMatter) {
  const std::vector<Batch> batches = varied_batches(6);
  for (const Wanted& wanted : interesting()) {
    SCOPED_TRACE(text_of(wanted));
    TensorCalibration reversed = calibration_of(wanted);
    for (std::size_t i = batches.size(); i-- > 0;) {
      reversed.observe(view_of(batches[i]), static_cast<std::int64_t>(i), {});
    }
    expect_same(reversed.finish(), calibrated(wanted, batches));
  }
}

// Accumulated: even the indices may change places.
TEST(TensorCalibration, AccumulatedBatchesHaveNoOrder) {
  const std::vector<Batch> batches = varied_batches(6);
  const std::vector<Batch> backwards(batches.rbegin(), batches.rend());
  for (const Wanted& wanted : interesting()) {
    if (wanted.scope != CalibrationScope::accumulated) continue;
    SCOPED_TRACE(text_of(wanted));
    expect_same(calibrated(wanted, backwards), calibrated(wanted, batches));
  }
}

TEST(TensorCalibration, AccumulatedBatchesMaySplitAnywhere) {
  const std::vector<float> values = samples(Shape::heavy_tail, 3000, 5);
  for (const Wanted& wanted : interesting()) {
    if (wanted.scope != CalibrationScope::accumulated) continue;
    SCOPED_TRACE(text_of(wanted));
    const ScaleChoice whole = calibrated(wanted, {{values}}).channels[0];
    for (const std::ptrdiff_t cut : {1, 700, 2999}) {
      const std::vector<Batch> parts = {{{values.begin(), values.begin() + cut}},
                                        {{values.begin() + cut, values.end()}}};
      EXPECT_EQ(calibrated(wanted, parts).channels[0], whole) << cut;
    }
  }
}

TEST(TensorCalibration, ShardsMergeToTheSameBits) {
  const std::vector<Batch> batches = varied_batches(7);
  for (const Wanted& wanted : interesting()) {
    SCOPED_TRACE(text_of(wanted));
    const TensorOutcome whole = calibrated(wanted, batches);
    // Three shards of interleaved batches, merged as a chain and as a tree, in either direction.
    for (const bool tree : {false, true}) {
      std::vector<TensorCalibration> shards;
      for (std::size_t s = 0; s < 3; ++s) {
        shards.push_back(calibration_of(wanted));
        for (std::size_t i = s; i < batches.size(); i += 3) {
          shards[s].observe(view_of(batches[i]), static_cast<std::int64_t>(i), {});
        }
      }
      if (tree) {
        shards[1].merge(std::move(shards[2]));
        shards[0].merge(std::move(shards[1]));
        expect_same(shards[0].finish(), whole);
      } else {
        shards[2].merge(std::move(shards[0]));
        shards[2].merge(std::move(shards[1]));
        expect_same(shards[2].finish(), whole);
      }
    }
  }
}

TEST(TensorCalibration, AShardMayBeEmpty) {
  const std::vector<Batch> batches = varied_batches(2);
  for (const CalibrationScope scope : all_scopes) {
    const Wanted wanted{.method = Method::percentile, .scope = scope};
    TensorCalibration empty = calibration_of(wanted);
    TensorCalibration full = calibration_of(wanted);
    for (std::size_t i = 0; i < 2; ++i) full.observe(view_of(batches[i]), static_cast<std::int64_t>(i), {});
    empty.merge(std::move(full));
    expect_same(empty.finish(), calibrated(wanted, batches));
  }
}

TEST(TensorCalibration, RefusesABatchTwice) {
  const Batch batch{{1.0f, 2.0f}};
  for (const CalibrationScope scope : all_scopes) {
    TensorCalibration calibration = calibration_of({.scope = scope});
    calibration.observe(view_of(batch), 4, {});
    EXPECT_THROW(calibration.observe(view_of(batch), 4, {}), InvalidArgument);
    TensorCalibration shard = calibration_of({.scope = scope});
    shard.observe(view_of(batch), 3, {});
    shard.observe(view_of(batch), 4, {});
    EXPECT_THROW(calibration.merge(std::move(shard)), InvalidArgument);
    // A refused shard leaves no trace.
    EXPECT_EQ(calibration.finish().batches, 1);
    calibration.observe(view_of(batch), 3, {});
    EXPECT_THROW(calibration.observe(view_of(batch), 3, {}), InvalidArgument);
  }
}

TEST(TensorCalibration, KeepsTheHistoryInBatchOrder) {
  TensorCalibration calibration = calibration_of({.statistic = BatchStatistic::median});
  calibration.observe(view_of(Batch{{12.7f}}), 30, {});
  calibration.observe(view_of(Batch{{-25.4f}}), 10, {});
  calibration.observe(view_of(Batch{{1.27f}}), 20, {});
  const TensorOutcome outcome = calibration.finish();
  ASSERT_EQ(outcome.per_batch.size(), 3u);
  EXPECT_EQ(outcome.per_batch[0][0].amax, 25.4f);
  EXPECT_EQ(outcome.per_batch[1][0].amax, 1.27f);
  EXPECT_EQ(outcome.per_batch[2][0].amax, 12.7f);
  EXPECT_EQ(outcome.channels[0].amax, 12.7f);
  EXPECT_EQ(outcome.channels[0].scale, static_cast<double>(12.7f) / 127.0);
  EXPECT_TRUE(calibrated({.scope = CalibrationScope::accumulated}, {{{1.0f}}}).per_batch.empty());
}

TEST(TensorCalibration, StatisticsOverBatches) {
  std::vector<Batch> batches;
  for (const float amax : {127.0f, 254.0f, 254.0f, 1270.0f}) batches.push_back({{amax, -1.0f}});
  const auto scale = [&](BatchStatistic statistic, ScaleType type) {
    return calibrated({.scale_type = type, .statistic = statistic}, batches).channels[0].scale;
  };
  EXPECT_EQ(scale(BatchStatistic::max, ScaleType::float_scale), 10.0);
  EXPECT_EQ(scale(BatchStatistic::mean, ScaleType::float_scale), 3.75);
  EXPECT_EQ(scale(BatchStatistic::median, ScaleType::float_scale), 2.0);
  EXPECT_EQ(scale(BatchStatistic::modal, ScaleType::float_scale), 2.0);
  EXPECT_EQ(scale(BatchStatistic::max, ScaleType::power_of_two), 16.0);
  EXPECT_EQ(scale(BatchStatistic::mean, ScaleType::power_of_two), 8.0);  // covers (1 + 2 + 2 + 16)/4
  EXPECT_EQ(scale(BatchStatistic::median, ScaleType::power_of_two), 2.0);
  EXPECT_EQ(scale(BatchStatistic::modal, ScaleType::power_of_two), 2.0);
}

// Asymmetric: both ends are reduced, so that a mean scale never meets a zero point of another range.
TEST(TensorCalibration, AsymmetricStatisticsReduceBothEnds) {
  const std::vector<Batch> batches = {{{-10.0f, 41.0f}}, {{-41.0f, 10.0f}}};
  const ScaleChoice widest =
      calibrated({.symmetric = false, .sign = Signedness::is_unsigned, .statistic = BatchStatistic::max},
                 batches)
          .channels[0];
  EXPECT_NEAR(widest.scale, 82.0 / 255.0, 1e-12);
  EXPECT_NEAR(static_cast<double>(widest.zero_point), 127.5, 0.5);
  const ScaleChoice mean =
      calibrated({.symmetric = false, .sign = Signedness::is_unsigned, .statistic = BatchStatistic::mean},
                 batches)
          .channels[0];
  EXPECT_NEAR(mean.scale, 0.2, 1e-12);
  EXPECT_NEAR(static_cast<double>(mean.zero_point), 127.5, 0.5);
}

// A power of two that covers [-1, 0] reaches up to 1 as well, which no batch asked for: what the integers
// reach by chance may not widen the other batches' range. 1.9/255 is below 2^-7.
TEST(TensorCalibration, PowersOfTwoOfSeveralBatchesCoverOnlyTheData) {
  const std::vector<Batch> batches = {{{-1.0f, 0.0f}}, {{0.0f, 0.9f}}};
  for (const Method method : {Method::maxmin, Method::percentile, Method::diffs}) {
    const Wanted wanted{.method = method, .symmetric = false, .scale_type = ScaleType::power_of_two};
    EXPECT_EQ(calibrated(wanted, batches).channels[0].scale, 0x1p-7) << text_of(wanted);
  }
}

// The statistic of equal batches is the batch: a zero point's rounding may not add up. The ends are kept as
// float32, which a mean of three rounds once more.
TEST(TensorCalibration, EqualBatchesAreOneBatch) {
  const Batch batch{samples(Shape::normal, 500, 3)};
  for (Wanted wanted : interesting()) {
    for (const int bits : {2, 3, 8}) {
      wanted.bit_width = bits;
      SCOPED_TRACE(text_of(wanted));
      const ScaleChoice once = calibrated(wanted, {batch}).channels[0];
      const ScaleChoice thrice = calibrated(wanted, {batch, batch, batch}).channels[0];
      EXPECT_NEAR(thrice.scale, once.scale, 0x1p-22 * once.scale);
      EXPECT_EQ(thrice.zero_point, once.zero_point);
    }
  }
}

// amax and scale describe one range: modal may not take them from different batches.
TEST(TensorCalibration, ModalAmaxBelongsToTheModalScale) {
  SplitMix64 random(8);
  for (const ScaleType type : all_scale_types) {
    for (int trial = 0; trial < 200; ++trial) {
      std::vector<Batch> batches;
      for (int i = 0; i < 9; ++i) batches.push_back({{static_cast<float>(1.0 + 3.0 * random.uniform())}});
      const ScaleChoice choice =
          calibrated({.bit_width = 4, .scale_type = type, .statistic = BatchStatistic::modal}, batches)
              .channels[0];
      ASSERT_LE(choice.amax, choice.scale * 7.0 * (1.0 + 0x1p-50)) << trial;
      ASSERT_TRUE(type != ScaleType::float_scale || choice.amax >= choice.scale * 7.0 * (1.0 - 0x1p-50))
          << trial;
    }
  }
}

// A batch of zeros (a dead branch, padding) has no range of its own: the other batches decide.
TEST(TensorCalibration, BatchesOfZerosDoNotDecide) {
  const Batch zeros{std::vector<float>(8, 0.0f)};
  const Batch tiny{{1.27e-6f, -1e-7f, 4e-7f}};
  for (const Method method : all_methods) {
    for (const bool symmetric : {true, false}) {
      for (const BatchStatistic statistic :
           {BatchStatistic::modal, BatchStatistic::max, BatchStatistic::mean, BatchStatistic::median}) {
        const Wanted wanted{.method = method, .symmetric = symmetric, .statistic = statistic};
        SCOPED_TRACE(text_of(wanted));
        EXPECT_EQ(calibrated(wanted, {zeros, tiny, zeros}).channels, calibrated(wanted, {tiny}).channels);
      }
    }
  }
}

TEST(TensorCalibration, TheDataDecideTheSign) {
  const Batch positive{{0.0f, 1.0f, 2.55f}};
  const Batch negative{{-0.5f, 1.27f}};
  for (const CalibrationScope scope : all_scopes) {
    for (const Method method : all_methods) {
      for (const bool symmetric : {true, false}) {
        const Wanted wanted{
            .method = method, .symmetric = symmetric, .sign = Signedness::automatic, .scope = scope};
        SCOPED_TRACE(text_of(wanted));
        const auto as = [&](Signedness sign) {
          Wanted fixed = wanted;
          fixed.sign = sign;
          return fixed;
        };
        const TensorOutcome without = calibrated(wanted, {positive, positive});
        EXPECT_FALSE(without.settings.is_signed);
        EXPECT_EQ(without.settings.range, (IntegerRange{0, 255}));
        expect_same(without, calibrated(as(Signedness::is_unsigned), {positive, positive}));
        // One negative value, in the first or in the last batch, makes all of it signed.
        for (const auto& batches : {std::vector{positive, negative}, std::vector{negative, positive}}) {
          const TensorOutcome with = calibrated(wanted, batches);
          EXPECT_TRUE(with.settings.is_signed);
          EXPECT_EQ(with.settings.range, (IntegerRange{-128, 127}));
          expect_same(with, calibrated(as(Signedness::is_signed), batches));
        }
      }
    }
  }
}

TEST(TensorCalibration, NonFiniteBatches) {
  const Batch good{{1.0f, 2.0f}};
  const Batch bad{{1.0f, nan_value, 5.0f}};
  for (const CalibrationScope scope : all_scopes) {
    SCOPED_TRACE(scope == CalibrationScope::accumulated);
    try {
      TensorCalibration calibration = calibration_of({.scope = scope});
      calibration.observe(view_of(good), 7, {});
      calibration.observe(view_of(bad), 9, {});
      calibration.finish();
      FAIL() << "accepted";
    } catch (const InvalidArgument& error) {
      EXPECT_NE(std::string(error.what()).find("batch 9 holds 1 NaN"), std::string::npos) << error.what();
    }
    const TensorOutcome skipped = calibrated({.scope = scope, .non_finite = NonFinite::skip}, {good, bad});
    EXPECT_EQ(skipped.batches, 1);
    EXPECT_EQ(skipped.channels[0].amax, 2.0);
    EXPECT_EQ(skipped.elements, 5u);
    EXPECT_EQ(skipped.non_finite, 1u);
    EXPECT_EQ(calibrated({.scope = scope, .non_finite = NonFinite::ignore}, {good, bad}).channels[0].amax,
              5.0);
  }
}

TEST(TensorCalibration, NothingToCalibrateOn) {
  const Batch empty{{}, {0}};
  const Batch nothing{{nan_value, infinity}};
  for (const CalibrationScope scope : all_scopes) {
    EXPECT_THROW(calibrated({.scope = scope}, {}), InvalidArgument);
    EXPECT_THROW(calibrated({.scope = scope}, {empty}), InvalidArgument);
    EXPECT_THROW(calibrated({.scope = scope, .non_finite = NonFinite::skip}, {nothing}), InvalidArgument);
    EXPECT_THROW(calibrated({.scope = scope, .non_finite = NonFinite::ignore}, {nothing}), InvalidArgument);
    EXPECT_EQ(calibrated({.scope = scope}, {empty, {{3.0f}}}).batches, 1);
  }
}

TEST(TensorCalibration, PerChannel) {
  const std::vector<Batch> batches = {{{1.0f, 2.0f, -3.0f, 4.0f, -5.0f, 6.0f}, {2, 3}}};
  for (const Method method : all_methods) {
    for (const CalibrationScope scope : all_scopes) {
      for (const int axis : {0, 1, -1}) {
        const Wanted wanted{.method = method, .scope = scope, .axis = axis};
        SCOPED_TRACE(text_of(wanted) + " axis " + std::to_string(axis));
        const TensorOutcome outcome = calibrated(wanted, batches);
        Wanted alone = wanted;
        alone.axis.reset();
        const std::vector<std::vector<float>> channels =
            axis == 0 ? std::vector<std::vector<float>>{{1, 2, -3}, {4, -5, 6}}
                      : std::vector<std::vector<float>>{{1, 4}, {2, -5}, {-3, 6}};
        ASSERT_EQ(outcome.channels.size(), channels.size());
        for (std::size_t c = 0; c < channels.size(); ++c) {
          EXPECT_EQ(outcome.channels[c], calibrated(alone, {{channels[c]}}).channels[0]) << c;
        }
      }
    }
  }
  EXPECT_THROW(calibrated({.axis = 0}, {{{1.0f, 2.0f}, {2}}, {{1.0f, 2.0f, 3.0f}, {3}}}), InvalidArgument);
  TensorSettings settings = settings_of({.axis = 0});
  EXPECT_THROW(tensor_spec(settings, {}), InvalidArgument);  // no axis is known
}

TEST(TensorCalibration, HeadroomWidensWhatWasFound) {
  const std::vector<Batch> batches = {{samples(Shape::normal, 2000, 1)}, {samples(Shape::relu, 2000, 2)}};
  for (const Method method : all_methods) {
    for (const bool symmetric : {true, false}) {
      for (const ScaleType type : all_scale_types) {
        for (const CalibrationScope scope : all_scopes) {
          Wanted wanted{.method = method, .symmetric = symmetric, .scale_type = type, .scope = scope};
          SCOPED_TRACE(text_of(wanted));
          const TensorOutcome found = calibrated(wanted, batches);
          wanted.headroom = 0.25;
          const TensorOutcome widened = calibrated(wanted, batches);
          // A power of two covers more as it is.
          const double factor = type == ScaleType::power_of_two ? 1.0 : 1.25;
          // Over batches the ends of the range are kept as floats.
          constexpr double ends = 0x1p-22;
          const ScaleChoice& choice = found.channels[0];
          EXPECT_NEAR(widened.channels[0].scale, factor * choice.scale, ends * choice.scale);
          EXPECT_NEAR(widened.channels[0].amax, factor * choice.amax, ends * choice.amax);
          EXPECT_EQ(widened.channels[0].zero_point, choice.zero_point);
          for (std::size_t batch = 0; batch < found.per_batch.size(); ++batch)
            EXPECT_EQ(widened.per_batch[batch][0].scale, factor * found.per_batch[batch][0].scale);
        }
      }
    }
  }
}

TEST(TensorSpec, HeadroomIsForWhatIsRecorded) {
  for (const Role role : all_roles) {
    const bool is_recorded = role == Role::input || role == Role::activation;
    TensorContext context;
    context.role = role;
    const TensorSpec spec = tensor_spec(settings_of({.headroom = 0.5}), context);
    EXPECT_EQ(spec.variants[0].headroom, is_recorded ? 0.5 : 0.0);
  }
}

TEST(TensorSpec, IntegerRanges) {
  struct Case {
    const char* name;
    Wanted wanted;
    IntegerRange range;
  };
  const Case cases[] = {
      {"signed", {}, {-128, 127}},
      {"narrow", {.narrow = true}, {-127, 127}},
      {"unsigned", {.sign = Signedness::is_unsigned}, {0, 255}},
      {"unsigned is never narrow", {.sign = Signedness::is_unsigned, .narrow = true}, {0, 255}},
      {"asymmetric signed", {.symmetric = false}, {-128, 127}},
      {"asymmetric is never narrow", {.symmetric = false, .narrow = true}, {-128, 127}},
      {"two bits", {.bit_width = 2}, {-2, 1}},
      {"bias", {.bit_width = 32}, {-2147483648LL, 2147483647LL}},
      {"unsigned 32", {.bit_width = 32, .sign = Signedness::is_unsigned}, {0, 4294967295LL}},
  };
  for (const Case& c : cases)
    EXPECT_EQ(tensor_spec(settings_of(c.wanted), {}).variants[0].range, c.range) << c.name;
}

TEST(TensorCalibration, ThirtyTwoBits) {
  for (const Method method : all_methods) {
    for (const bool symmetric : {true, false}) {
      for (const ScaleType type : all_scale_types) {
        for (const CalibrationScope scope : all_scopes) {
          const Wanted wanted{
              .method = method, .bit_width = 32, .symmetric = symmetric, .scale_type = type, .scope = scope};
          SCOPED_TRACE(text_of(wanted));
          const ScaleChoice choice = calibrated(wanted, {{{-1.5f, 3.0f}}}).channels[0];
          const double steps = symmetric ? 3.0 / 2147483647.0 : 4.5 / 4294967295.0;
          EXPECT_GE(choice.scale, steps);
          EXPECT_LE(choice.scale, type == ScaleType::power_of_two ? 2.0 * steps : steps);
        }
      }
    }
  }
}

}  // namespace
}  // namespace qcal::testing
