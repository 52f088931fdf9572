#include "kernels/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <cmath>

#include "kernels/backend.h"
#include "kernels/error.h"
#include "kernels/statistics.h"
#include "tests/reference/reference_sum.h"
#include "tests/reference/test_data.h"
#include "tests/support/refusal.h"
#include "tests/support/summaries.h"
#include "tests/support/test_backend.h"

namespace qcal::testing {
namespace {

using Extents = std::vector<std::int64_t>;

TensorView view_of(const std::vector<float>& values, Extents shape) {
  return {values.data(), DType::f32, std::move(shape), Memory::host, {}};
}

TensorView view_of(const std::vector<float>& values) {
  return view_of(values, {static_cast<std::int64_t>(values.size())});
}

std::unique_ptr<Collector> collector(const CollectSpec& spec) {
  return test_backend()->make_collector(spec);
}

Summary summary_of(const CollectSpec& spec, std::initializer_list<TensorView> batches) {
  const auto collecting = collector(spec);
  for (const TensorView& batch : batches) collecting->collect(batch, {});
  return collecting->take();
}

const CandidateSpec halving{.rule = CandidateRule::halving, .bit_width = 8, .range = {-128, 127}};
const CandidateSpec halving_unsigned{
    .rule = CandidateRule::halving, .bit_width = 4, .range = {0, 15}, .symmetric = false};

// Values of channel c of [outer, channels, inner].
std::vector<float> channel_of(const std::vector<float>& values, std::size_t channels, std::size_t inner,
                              std::size_t c) {
  std::vector<float> own;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i / inner % channels == c) own.push_back(values[i]);
  }
  return own;
}

// Squared errors of one channel, summed in the documented order over its own chunks.
CandidateErrors reference_errors(const std::vector<float>& values, const CandidateSpec& spec) {
  const ErrorSpec errors = error_spec(spec, range_of(values));
  std::vector<CandidateErrors> chunks;
  for (std::size_t at = 0; at < values.size(); at += 512) {
    chunks.push_back(
        chunk_errors(std::span(values).subspan(at, std::min<std::size_t>(512, values.size() - at)), errors));
  }
  CandidateErrors totals;
  for (std::size_t k = 0; k < totals.size(); ++k) {
    std::vector<double> sums;
    for (const CandidateErrors& chunk : chunks) sums.push_back(chunk[k]);
    totals[k] = reference_tree(sums);
  }
  return weighted_errors(totals, errors);
}

Histogram reference_histogram(const std::vector<float>& values, Binning binning) {
  const ValueRange range = range_of(values);
  const bool magnitude = binning == Binning::linear_magnitude || binning == Binning::dyadic_magnitude;
  const Counted counted = magnitude ? Counted::magnitude : Counted::value;
  const bool linear = binning == Binning::linear_magnitude || binning == Binning::linear_value;
  Histogram histogram = linear ? linear_histogram(range, counted) : dyadic_histogram(range, counted);
  if (histogram.counts.empty()) return histogram;
  if (linear) {
    const auto grid = linear_bins(static_cast<float>(histogram.low), static_cast<float>(histogram.high));
    count_linear(values, grid, counted, histogram.counts);
  } else {
    const auto first = static_cast<std::int64_t>(histogram.origin / histogram.width);
    count_dyadic(values, std::ilogb(histogram.width), first, counted, histogram.counts);
  }
  return histogram;
}

constexpr Binning mergeable[] = {Binning::none, Binning::dyadic_magnitude, Binning::dyadic_value};
constexpr Binning all_binnings[] = {Binning::none,         Binning::linear_magnitude, Binning::linear_value,
                                    Binning::dyadic_value, Binning::dyadic_magnitude, Binning::vitis};

TEST(Collector, SummariesAreTheNaiveOnes) {
  struct Case {
    std::size_t outer, channels, inner;
  };
  constexpr Case cases[] = {
      {.outer = 1, .channels = 1, .inner = 1},      {.outer = 3, .channels = 5, .inner = 17},
      {.outer = 2, .channels = 3, .inner = 512},    {.outer = 9, .channels = 2, .inner = 4097},
      {.outer = 1, .channels = 2, .inner = 70'000}, {.outer = 40'000, .channels = 2, .inner = 1},
      {.outer = 1, .channels = 300, .inner = 3},    {.outer = 515, .channels = 260, .inner = 1},
  };
  for (const Case& c : cases) {
    const std::vector<float> values = samples(Shape::normal, c.outer * c.channels * c.inner, 7);
    const TensorView view =
        view_of(values, {static_cast<std::int64_t>(c.outer), static_cast<std::int64_t>(c.channels),
                         static_cast<std::int64_t>(c.inner)});
    for (const Binning binning : {Binning::linear_value, Binning::linear_magnitude, Binning::dyadic_value}) {
      CollectSpec spec;
      spec.channel_axis = 1;
      spec.binning = binning;
      spec.candidates = {halving, halving_unsigned};
      const Summary summary = summary_of(spec, {view});
      ASSERT_EQ(summary.channels.size(), c.channels);
      EXPECT_EQ(summary.elements, values.size());
      for (std::size_t channel = 0; channel < c.channels; ++channel) {
        const std::vector<float> own = channel_of(values, c.channels, c.inner, channel);
        const ChannelSummary& ours = summary.channels[channel];
        ASSERT_EQ(ours.range, range_of(own));
        ASSERT_EQ(ours.histogram, reference_histogram(own, binning));
        ASSERT_EQ(ours.errors.size(), 2u);
        ASSERT_EQ(ours.errors[0], reference_errors(own, halving));
        ASSERT_EQ(ours.errors[1], reference_errors(own, halving_unsigned));
      }
    }
  }
}

// Around the segments into which a channel's sums are split for parallel work.
TEST(Collector, SumsDoNotDependOnSegments) {
  for (const std::size_t size : {std::size_t{32'767}, std::size_t{32'768}, std::size_t{32'769},
                                 std::size_t{65'536}, std::size_t{98'304 + 512}, std::size_t{163'840 + 5}}) {
    const std::vector<float> values = samples(Shape::heavy_tail, size, size);
    CollectSpec spec;
    spec.candidates = {halving};
    EXPECT_EQ(summary_of(spec, {view_of(values)}).channels[0].errors[0], reference_errors(values, halving))
        << size;
  }
}

TEST(Collector, AnyNumberOfThreadsGivesTheSameBits) {
  const tbb::global_control more_than_cores(tbb::global_control::max_allowed_parallelism, 7);
  const std::vector<float> values = samples(Shape::heavy_tail, 3 * 5 * 40'000, 2);
  for (const bool per_channel : {false, true}) {
    for (const Binning binning : all_binnings) {
      CollectSpec spec;
      if (per_channel) spec.channel_axis = 1;
      spec.binning = binning;
      spec.candidates = {halving};
      std::vector<Summary> summaries;
      for (const int threads : {1, 2, 7}) {
        tbb::task_arena arena(threads);
        arena.execute([&] { summaries.push_back(summary_of(spec, {view_of(values, {3, 5, 40'000})})); });
      }
      expect_equal(summaries[0], summaries[1]);
      expect_equal(summaries[0], summaries[2]);
    }
  }
}

TEST(Collector, BatchesAccumulate) {
  const std::vector<float> first = samples(Shape::normal, 4'000, 1);
  const std::vector<float> second = samples(Shape::normal, 9'000, 2, 17.0);
  std::vector<float> both = first;
  both.insert(both.end(), second.begin(), second.end());
  for (const Binning binning : mergeable) {
    CollectSpec spec;
    spec.binning = binning;
    spec.accumulate = true;
    const Summary apart = summary_of(spec, {view_of(first), view_of(second)});
    const Summary reversed = summary_of(spec, {view_of(second), view_of(first)});
    Summary together = summary_of(spec, {view_of(both)});
    EXPECT_EQ(apart.batches, 2);
    together.batches = 2;
    expect_equal(apart, reversed);
    expect_equal(apart, together);
    expect_equal(merge(summary_of(spec, {view_of(first)}), summary_of(spec, {view_of(second)}), binning),
                 apart);
    expect_equal(merge(summary_of(spec, {view_of(second)}), summary_of(spec, {view_of(first)}), binning),
                 apart);
    expect_equal(merge(Summary{}, apart, binning), apart);
    expect_equal(merge(apart, Summary{}, binning), apart);
  }
}

TEST(Collector, TakingKeepsWhatAccumulatesAndEmptiesTheRest) {
  const std::vector<float> values = samples(Shape::normal, 100, 1);
  CollectSpec spec;
  const auto single = collector(spec);
  single->collect(view_of(values), {});
  EXPECT_EQ(single->take().batches, 1);
  EXPECT_EQ(single->take().batches, 0);
  spec.accumulate = true;
  const auto accumulating = collector(spec);
  accumulating->collect(view_of(values), {});
  EXPECT_EQ(accumulating->take().batches, 1);
  accumulating->collect(view_of(values), {});
  EXPECT_EQ(accumulating->take().elements, 200u);
}

TEST(Collector, GoesOnFromASummary) {
  const std::vector<float> first = samples(Shape::normal, 4'000, 1);
  const std::vector<float> second = samples(Shape::normal, 3'000, 2, 3.0);
  std::vector<Binning> binnings(std::begin(mergeable), std::end(mergeable));
  binnings.push_back(Binning::vitis);
  for (const Binning binning : binnings) {
    CollectSpec spec;
    spec.binning = binning;
    spec.accumulate = true;
    const auto resumed = collector(spec);
    resumed->resume(summary_of(spec, {view_of(first)}));
    resumed->collect(view_of(second), {});
    expect_equal(resumed->take(), summary_of(spec, {view_of(first), view_of(second)}));
    EXPECT_THAT(refusal([&] { resumed->resume({}); }), ::testing::HasSubstr("before its first batch"));
  }
  EXPECT_THAT(refusal([&] { collector({})->resume({}); }), ::testing::HasSubstr("accumulating"));
}

TEST(Collector, NonFiniteValues) {
  const std::vector<float> good = samples(Shape::normal, 100, 1);
  std::vector<float> bad = samples(Shape::normal, 100, 2, 5.0);
  bad[7] = nan_value;
  bad[50] = -infinity;
  std::vector<float> cleaned = bad;
  std::erase_if(cleaned, [](float x) { return !std::isfinite(x); });
  for (const NonFinite policy : {NonFinite::reject, NonFinite::skip, NonFinite::ignore}) {
    CollectSpec spec;
    spec.binning = Binning::dyadic_value;
    spec.accumulate = true;
    spec.non_finite = policy;
    const Summary summary = summary_of(spec, {view_of(good), view_of(bad)});
    EXPECT_EQ(summary.elements, 200u);
    EXPECT_EQ(summary.non_finite, 2u);
    if (policy == NonFinite::ignore) {
      EXPECT_EQ(summary.batches, 2);
      EXPECT_TRUE(summary.left_out.empty());
      const Summary expected = summary_of(spec, {view_of(good), view_of(cleaned)});
      EXPECT_EQ(summary.channels[0].histogram, expected.channels[0].histogram);
      EXPECT_EQ(summary.channels[0].range.max, expected.channels[0].range.max);
    } else {
      EXPECT_EQ(summary.batches, 1);
      ASSERT_EQ(summary.left_out.size(), 1u);
      EXPECT_EQ(summary.left_out[0].call, 1);
      EXPECT_EQ(summary.left_out[0].non_finite, 2u);
      EXPECT_EQ(summary.channels[0].histogram, summary_of(spec, {view_of(good)}).channels[0].histogram);
      EXPECT_EQ(summary.channels[0].range, range_of(good));
    }
  }
}

// A batch without one finite value says nothing: under `ignore` it must not count as a batch of zeros.
TEST(Collector, NothingButNaN) {
  const std::vector<float> nothing(50, nan_value);
  for (const NonFinite policy : {NonFinite::skip, NonFinite::ignore}) {
    CollectSpec spec;
    spec.non_finite = policy;
    const Summary summary = summary_of(spec, {view_of(nothing)});
    EXPECT_EQ(summary.batches, 0);
    EXPECT_EQ(summary.non_finite, 50u);
  }
}

TEST(Collector, MergedSummariesKeepWhatWasLeftOut) {
  const std::vector<float> good = samples(Shape::normal, 10, 1);
  const std::vector<float> bad = {nan_value};
  CollectSpec spec;
  spec.accumulate = true;
  const Summary a = summary_of(spec, {view_of(good), view_of(bad)});
  const Summary b = summary_of(spec, {view_of(bad)});
  EXPECT_EQ(merge(a, b, Binning::none).left_out.size(), 2u);
  EXPECT_EQ(merge(b, a, Binning::none).left_out.size(), 2u);
}

TEST(Collector, EmptyBatchesAreNoBatches) {
  const std::vector<float> values = samples(Shape::normal, 12, 1);
  CollectSpec spec;
  spec.channel_axis = 1;
  spec.accumulate = true;
  const Summary summary =
      summary_of(spec, {view_of({}, {0, 4}), view_of(values, {3, 4}), view_of({}, {0, 4})});
  EXPECT_EQ(summary.batches, 1);
  EXPECT_EQ(summary.elements, 12u);
  EXPECT_EQ(summary.channels.size(), 4u);
}

TEST(Collector, RefusesAnotherNumberOfChannels) {
  const std::vector<float> values = samples(Shape::normal, 12, 1);
  CollectSpec spec;
  spec.channel_axis = 0;
  spec.accumulate = true;
  const auto collecting = collector(spec);
  collecting->collect(view_of(values, {3, 4}), {});
  EXPECT_THROW(collecting->collect(view_of(values, {4, 3}), {}), InvalidArgument);
  EXPECT_THROW(merge(collecting->take(), summary_of(spec, {view_of(values, {4, 3})}), Binning::none),
               InvalidArgument);
}

TEST(Collector, RefusesToAccumulateErrorsAndToMergeOrderedHistograms) {
  CollectSpec errors;
  errors.candidates = {halving};
  errors.accumulate = true;
  EXPECT_THROW(collector(errors), InvalidArgument);
  const std::vector<float> values = samples(Shape::normal, 12, 1);
  CollectSpec vitis;
  vitis.binning = Binning::vitis;
  vitis.accumulate = true;
  const Summary summary = summary_of(vitis, {view_of(values)});
  EXPECT_THROW(merge(summary, summary, Binning::vitis), InvalidArgument);
}

TEST(Collector, EveryDtypeGivesWhatItsFloatsGive) {
  const std::vector<float> floats = samples(Shape::normal, 1000, 1);
  std::vector<double> doubles(floats.begin(), floats.end());
  CollectSpec spec;
  spec.binning = Binning::linear_value;
  spec.candidates = {halving};
  expect_equal(summary_of(spec, {TensorView{doubles.data(), DType::f64, {1000}, Memory::host, {}}}),
               summary_of(spec, {view_of(floats)}));
}

TEST(Backend, SaysWhatItIs) {
  EXPECT_EQ(Backend::cpu()->name(), "cpu");
  EXPECT_FALSE(Backend::automatic()->reason().empty());
}

}  // namespace
}  // namespace qcal::testing
