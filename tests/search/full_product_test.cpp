// Every combination of every setting, at the level of search: statistics are gathered once for a data shape,
// and each combination is searched on them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "engine/search/clip_range.h"
#include "engine/search/search.h"
#include "kernels/error.h"
#include "tests/reference/reference_mse.h"
#include "tests/search/calibration_support.h"

namespace qcal::testing {
namespace {

constexpr bool booleans[] = {true, false};
constexpr Signedness all_signs[] = {Signedness::is_signed, Signedness::is_unsigned, Signedness::automatic};
constexpr BatchStatistic all_statistics[] = {BatchStatistic::modal, BatchStatistic::max, BatchStatistic::mean,
                                             BatchStatistic::median};
constexpr int bit_widths[] = {2, 3, 4, 5, 8, 12, 16};

// Takes a number apart into one level of each factor.
class Levels {
 public:
  explicit Levels(std::size_t number) : rest_(number) {}

  template <class Level, std::size_t count>
  Level take(const Level (&levels)[count]) {
    const Level level = levels[rest_ % count];
    rest_ /= count;
    return level;
  }

 private:
  std::size_t rest_;
};

constexpr std::size_t combinations = std::size(all_statistics) * std::size(all_round_modes) *
                                     std::size(all_methods) * std::size(booleans) * std::size(all_signs) *
                                     std::size(booleans) * std::size(all_scale_types) * std::size(booleans) *
                                     std::size(all_scopes) * std::size(bit_widths);

// The statistic runs fastest and the round mode next, so that neighbours share their searches.
Wanted combination(std::size_t number) {
  Levels levels(number);
  Wanted wanted;
  wanted.statistic = levels.take(all_statistics);
  wanted.round_mode = levels.take(all_round_modes);
  wanted.method = levels.take(all_methods);
  wanted.symmetric = levels.take(booleans);
  wanted.sign = levels.take(all_signs);
  wanted.narrow = levels.take(booleans);
  wanted.scale_type = levels.take(all_scale_types);
  if (levels.take(booleans)) wanted.axis = 0;
  wanted.scope = levels.take(all_scopes);
  wanted.bit_width = levels.take(bit_widths);
  return wanted;
}

TensorSpec spec_of(const Wanted& wanted) {
  TensorContext context;
  context.channel_axis = 0;
  return tensor_spec(settings_of(wanted), context);
}

// Candidate errors of the data, for every combination that asks for some.
struct Gathered {
  std::vector<CandidateSpec> candidates;

  std::size_t index_of(const CandidateSpec& wanted) const {
    const auto same = [&](const CandidateSpec& spec) {
      return spec.rule == wanted.rule && spec.range == wanted.range && spec.symmetric == wanted.symmetric &&
             spec.rounding == wanted.rounding;
    };
    return static_cast<std::size_t>(std::find_if(candidates.begin(), candidates.end(), same) -
                                    candidates.begin());
  }
};

const Gathered& gathered() {
  static const Gathered all = [] {
    Gathered distinct;
    for (std::size_t i = 0; i < combinations; i += std::size(all_statistics)) {
      const Wanted wanted = combination(i);
      if (wanted.method != Method::diffs || wanted.axis) continue;
      for (const CandidateSpec& spec : spec_of(wanted).collect.candidates) {
        if (distinct.index_of(spec) == distinct.candidates.size()) distinct.candidates.push_back(spec);
      }
    }
    return distinct;
  }();
  return all;
}

constexpr std::int64_t channels = 2;
constexpr std::int64_t elements = 150;  // of a channel, in each batch

struct Data {
  const char* name;
  Shape shape;
  double magnitude = 1.0;
};

std::ostream& operator<<(std::ostream& out, const Data& data) {
  return out << data.name;
}

std::vector<Batch> batches_of(const Data& data) {
  std::vector<Batch> batches;
  for (const double factor : {1.0, 0.3, 0.9}) {
    batches.push_back({samples(data.shape, channels * elements, 10 + batches.size(), factor * data.magnitude),
                       {channels, elements}});
  }
  return batches;
}

// Summaries of one data shape, by what the collector was asked for.
class Statistics {
 public:
  explicit Statistics(const Data& data) : batches_(batches_of(data)) {}

  // One summary a batch, or one of all where `spec` accumulates.
  const std::vector<Summary>& of(const CollectSpec& spec) {
    const auto [at, is_new] =
        summaries_.try_emplace({spec.binning, spec.channel_axis.has_value(), spec.accumulate});
    if (is_new) at->second = gather(spec);
    return at->second;
  }

  bool has_negatives() const {
    return std::any_of(batches_.begin(), batches_.end(), [](const Batch& batch) {
      return std::any_of(batch.values.begin(), batch.values.end(), [](float x) { return x < 0.0f; });
    });
  }

 private:
  std::vector<Summary> gather(CollectSpec spec) const {
    if (!spec.accumulate) spec.candidates = gathered().candidates;
    const auto collector = Backend::cpu()->make_collector(spec);
    std::vector<Summary> summaries;
    for (const Batch& batch : batches_) {
      collector->collect(view_of(batch), {});
      if (!spec.accumulate) summaries.push_back(collector->take());
    }
    if (spec.accumulate) summaries.push_back(collector->take());
    return summaries;
  }

  std::vector<Batch> batches_;
  std::map<std::tuple<Binning, bool, bool>, std::vector<Summary>> summaries_;
};

// The ends of what the integers reach.
ClipRange reach(const ScaleChoice& choice, const IntegerRange& range) {
  return {static_cast<double>(range.qmin - choice.zero_point) * choice.scale,
          static_cast<double>(range.qmax - choice.zero_point) * choice.scale};
}

// Beyond 2^127 no power of two is a float32, so the largest data are clipped.
bool is_largest_power_of_two(const ScaleChoice& choice, const SearchSettings& settings) {
  return settings.scale_type == ScaleType::power_of_two && choice.scale == 0x1p127;
}

std::uint64_t counted_between(const Histogram& histogram, const ClipRange& ends) {
  std::uint64_t sum = 0;
  for (int i = 0; i < histogram.bins(); ++i) {
    if (histogram.edge(i + 1) > ends.low && histogram.edge(i) < ends.high)
      sum += histogram.counts[static_cast<std::size_t>(i)];
  }
  return sum;
}

// Whether a search on a histogram kept its promise.
//
// percentile: of fewer than 10^4 values, 99.99 % lose none but in the outermost bins that hold any. entropy
// keeps three quarters of the bins, up to half a step for the zero point. mse and diffs cost no more than
// maxmin, whose scale is among their candidates: bins * bins * elements are the largest sums of squares, in
// bins, that prefix sums subtract from each other, once a run of bins, 2^-52 of them each time.
std::string broken_promise(const ScaleChoice& choice, const ChannelSummary& channel,
                           const SearchSettings& settings, const Preset& preset) {
  const Histogram& histogram = channel.histogram;
  if (histogram.counts.empty() || is_largest_power_of_two(choice, settings)) return {};
  const double bins = histogram.bins();
  ClipRange ends = reach(choice, settings.range);
  switch (settings.method) {
    case Method::maxmin:
      return {};
    case Method::percentile:
      ends = {settings.symmetric ? -1.0 : ends.low - 0.5 * choice.scale, ends.high + 0.5 * choice.scale};
      return counted_between(histogram, ends) == counted_between(histogram, {-infinity, infinity})
                 ? ""
                 : "percentile clips more than its share";
    case Method::entropy:
      return ends.high - (settings.symmetric ? 0.0 : ends.low) + choice.scale >=
                     0.75 * bins * histogram.width * (1.0 - 0x1p-40)
                 ? ""
                 : "entropy keeps less than three quarters";
    case Method::mse:
    case Method::diffs:
      break;
  }
  SearchSettings widest = settings;
  widest.method = Method::maxmin;
  const ScaleChoice all = search_scale(channel, 0, widest, preset);
  const auto cost = [&](const ScaleChoice& of) {
    return reference_squared_error(histogram, of.scale, of.zero_point, settings.range);
  };
  const double rounding = 0x1p-52 * bins * bins * bins * static_cast<double>(channel.range.elements) *
                          histogram.width * histogram.width;
  return cost(choice) <= cost(all) * (1.0 + 0x1p-40) + rounding ? "" : "costs more than maxmin";
}

// [channel][batch]
using Choices = std::vector<std::vector<ScaleChoice>>;

Choices searched(const std::vector<Summary>& summaries, const SearchSettings& settings,
                 const TensorSpec& spec) {
  const bool accumulated = spec.scope == CalibrationScope::accumulated;
  const std::size_t index = gathered().index_of(candidate_spec(settings, spec.preset(), accumulated)) %
                            gathered().candidates.size();
  Choices choices(summaries.front().channels.size());
  for (const Summary& summary : summaries) {
    for (std::size_t c = 0; c < choices.size(); ++c) {
      choices[c].push_back(search_scale(summary.channels[c], index, settings, spec.preset()));
      EXPECT_EQ(broken_promise(choices[c].back(), summary.channels[c], settings, spec.preset()), "");
    }
  }
  return choices;
}

// What is wrong with a choice on its own; empty where nothing is.
std::string unusable(const ScaleChoice& choice, const SearchSettings& settings) {
  const auto step = static_cast<float>(choice.scale);
  int exponent = 0;
  if (!std::isfinite(choice.scale) || !std::isfinite(step)) return "scale is not finite";
  if (step < std::numeric_limits<float>::min()) return "scale is not a positive normal number";
  if (!std::isfinite(choice.amax) || choice.amax < 0.0) return "amax";
  if (settings.scale_type == ScaleType::power_of_two && std::frexp(choice.scale, &exponent) != 0.5)
    return "scale is no power of two";
  if (settings.symmetric && choice.zero_point != 0) return "zero point of symmetric integers";
  // With the zero point in range, real 0 is the integer zero_point.
  if (choice.zero_point < settings.range.qmin || choice.zero_point > settings.range.qmax)
    return "zero point out of range";
  return {};
}

// The values of one channel over all batches, and in each.
struct Extent {
  ClipRange all;
  std::vector<ClipRange> each;
};

ClipRange with_zero(const ValueRange& range) {
  return {std::min<double>(range.min, 0.0), std::max<double>(range.max, 0.0)};
}

Extent extent_of(const std::vector<Summary>& summaries, std::size_t channel) {
  Extent extent;
  for (const Summary& summary : summaries) {
    extent.each.push_back(with_zero(summary.channels[channel].range));
    extent.all.low = std::min(extent.all.low, extent.each.back().low);
    extent.all.high = std::max(extent.all.high, extent.each.back().high);
  }
  return extent;
}

// maxmin with the widest of the batches clips nothing. The quotient amax/qmax is rounded (2^-53), and an
// asymmetric zero point moves the ends by up to half a step.
std::string clips(const ScaleChoice& choice, const SearchSettings& settings, const ClipRange& data) {
  const ClipRange ends = reach(choice, settings.range);
  if (is_largest_power_of_two(choice, settings)) return {};
  const double slack = (settings.symmetric ? 0.0 : 0.5 * choice.scale) + 0x1p-50 * choice.amax;
  if (ends.high < data.high - slack) return "clips the maximum";
  if (ends.low > data.low + slack) return "clips the minimum";
  return {};
}

// No method reaches beyond what the data reach, but for the power of two that covers it (a factor below 2).
// Data without a range have 2^-18, and no scale is below 2^-126.
std::string wasteful(const ScaleChoice& choice, const SearchSettings& settings, const ClipRange& data) {
  const double needed = settings.symmetric
                            ? std::max(data.high, -data.low) / static_cast<double>(settings.range.qmax)
                            : (data.high - data.low) / static_cast<double>(settings.range.steps());
  const double covering = settings.scale_type == ScaleType::power_of_two ? 2.0 : 1.0;
  if (data.high == data.low) return choice.scale == 0x1p-18 ? "" : "scale of zeros";
  const double most = needed * covering * (1.0 + 0x1p-50);
  return choice.scale <= std::max(most, 0x1p-126) ? "" : "reaches beyond the data";
}

// The first thing that is wrong with a choice made from `data`. `covers`: nothing may be clipped.
std::string problem(const ScaleChoice& choice, const SearchSettings& settings, const ClipRange& data,
                    bool covers) {
  std::string found = unusable(choice, settings);
  if (found.empty()) found = wasteful(choice, settings, data);
  if (found.empty() && covers) found = clips(choice, settings, data);
  return found;
}

// What is wrong with one channel's choices, of single batches and over them.
std::string problem_of_channel(const std::vector<ScaleChoice>& choices, const Extent& extent,
                               const TensorSpec& spec, const SearchSettings& settings) {
  const bool covers = settings.method == Method::maxmin;
  for (std::size_t batch = 0; batch < choices.size(); ++batch) {
    const std::string found = problem(choices[batch], settings, extent.each[batch], covers);
    if (!found.empty()) return "batch " + std::to_string(batch) + ": " + found;
  }
  const bool widest = spec.statistic == BatchStatistic::max || choices.size() == 1;
  return problem(over_batches(choices, spec.statistic, settings, spec.preset()), settings, extent.all,
                 covers && widest);
}

class FullProduct : public ::testing::TestWithParam<Data> {};

TEST_P(FullProduct, EveryCombinationIsUsableOrRefused) {
  Statistics statistics(GetParam());
  const bool negatives = statistics.has_negatives();
  std::size_t refused = 0;
  std::size_t usable = 0;
  constexpr std::size_t group = std::size(all_statistics) * std::size(all_round_modes);
  Choices choices;
  bool is_refused = false;
  for (std::size_t i = 0; i < combinations; ++i) {
    const Wanted wanted = combination(i);
    const TensorSpec spec = spec_of(wanted);
    const SearchSettings& settings = spec.variants[spec.variants.size() > 1 && negatives ? 1 : 0];
    const std::vector<Summary>& summaries = statistics.of(spec.collect);
    // Only diffs on the data themselves reads the round mode (SearchProperties.RoundModeIsForDataOnly).
    const bool reads_rounding = !spec.collect.candidates.empty();
    if (i % group == 0 || (i % std::size(all_statistics) == 0 && reads_rounding)) {
      is_refused = false;
      SCOPED_TRACE(text_of(wanted));
      try {
        choices = searched(summaries, settings, spec);
      } catch (const InvalidArgument& error) {
        is_refused = true;
        ASSERT_NE(std::string(error.what()).find("minimum is -"), std::string::npos) << error.what();
      }
    }
    ASSERT_EQ(is_refused, negatives && wanted.symmetric && wanted.sign == Signedness::is_unsigned)
        << text_of(wanted);
    ++(is_refused ? refused : usable);
    if (is_refused) continue;
    for (std::size_t c = 0; c < choices.size(); ++c) {
      ASSERT_EQ(problem_of_channel(choices[c], extent_of(summaries, c), spec, settings), "")
          << text_of(wanted) << ", statistic " << static_cast<int>(wanted.statistic) << ", channel " << c;
    }
  }
  EXPECT_EQ(usable + refused, 53'760u);
  EXPECT_EQ(refused, negatives ? combinations / 6 : 0);  // one sign in three, one symmetry in two
}

INSTANTIATE_TEST_SUITE_P(Data, FullProduct,
                         ::testing::Values(Data{"normal", Shape::normal}, Data{"relu", Shape::relu},
                                           Data{"heavy_tail", Shape::heavy_tail},
                                           Data{"constant", Shape::constant},
                                           Data{"negative", Shape::negative}, Data{"outlier", Shape::outlier},
                                           Data{"all_zero", Shape::all_zero},
                                           Data{"huge", Shape::uniform, 3e38},
                                           Data{"subnormal", Shape::normal, 1e-42}),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace qcal::testing
