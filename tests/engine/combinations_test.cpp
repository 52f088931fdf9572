// The library's front door under combinations of all settings and dtypes, on data of every shape: it refuses
// what contradicts itself, and what it accepts reconstructs the data to within what the settings allow.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "config/setting_names.h"
#include "engine/calibrator.h"
#include "engine/collect/tensor_spec.h"
#include "kernels/error.h"
#include "tests/engine/covering_array.h"
#include "tests/reference/reference_quantize.h"
#include "tests/reference/test_data.h"
#include "tests/support/test_backend.h"
#include "tests/support/typed_tensor.h"

namespace qcal::testing {
namespace {

std::vector<std::string> names(const std::vector<std::string_view>& spellings) {
  return {spellings.begin(), spellings.end()};
}

// Every factor's levels, from the code where they are an enumeration there: a new method without rows fails.
std::map<std::string, std::vector<std::string>> factor_levels() {
  std::map<std::string, std::vector<std::string>> levels{
      {"method", names(all_spellings<Method>())},
      {"round_mode", names(all_spellings<RoundMode>())},
      {"symmetry", {"true", "false"}},
      {"signed", {"true", "false", "auto"}},
      {"narrow_range", {"true", "false"}},
      {"scale_type", {"float", "power_of_two"}},
      {"granularity", {"tensor", "axis0", "axis1"}},
      {"calib_statistic_method", names(all_spellings<BatchStatistic>())},
      {"calib_scope", names(all_spellings<CalibrationScope>())},
      {"bit_width", {"2", "3", "4", "5", "8", "12", "16"}},
      {"dtype", {}}};
  for (const DType dtype : all_dtypes) levels["dtype"].emplace_back(name_of(dtype));
  return levels;
}

TEST(CoveringArray, EveryThreeLevelsOfThreeFactorsMeet) {
  const std::vector<CombinationRow> rows = covering_array();
  const auto all_levels = factor_levels();
  std::vector<std::string> factors;
  for (const auto& [factor, levels] : all_levels) factors.push_back(factor);
  for (const CombinationRow& row : rows) ASSERT_EQ(row.size(), factors.size());
  std::size_t triples = 0;
  for (std::size_t a = 0; a < factors.size(); ++a) {
    for (std::size_t b = a + 1; b < factors.size(); ++b) {
      for (std::size_t c = b + 1; c < factors.size(); ++c) {
        std::set<std::array<std::string, 3>> met;
        for (const CombinationRow& row : rows)
          met.insert({row.at(factors[a]), row.at(factors[b]), row.at(factors[c])});
        for (const std::string& x : all_levels.at(factors[a])) {
          for (const std::string& y : all_levels.at(factors[b])) {
            for (const std::string& z : all_levels.at(factors[c])) {
              ++triples;
              EXPECT_TRUE(met.contains({x, y, z})) << x << ", " << y << ", " << z;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(triples, 5000u);
}

const std::vector<std::int64_t> extents{4, 3, 30};

struct Data {
  std::vector<TypedTensor> batches;
  std::optional<int> axis;

  std::size_t channels() const { return axis ? static_cast<std::size_t>(extents[*axis == 0 ? 0 : 1]) : 1; }

  std::vector<double> channel(std::size_t batch, std::size_t wanted) const {
    std::vector<double> own;
    const std::vector<float>& values = batches[batch].values();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t of[] = {i / 90, i / 30 % 3};
      if (!axis || of[*axis] == wanted) own.push_back(values[i]);
    }
    return own;
  }

  double minimum() const {
    double least = 0.0;
    for (const TypedTensor& batch : batches)
      least = std::min<double>(least, *std::min_element(batch.values().begin(), batch.values().end()));
    return least;
  }
};

Data data_of(Shape shape, const CombinationRow& row) {
  Data data;
  if (row.at("granularity") != "tensor") data.axis = row.at("granularity") == "axis0" ? 0 : 1;
  const auto dtype = *std::find_if(std::begin(all_dtypes), std::end(all_dtypes),
                                   [&](DType each) { return row.at("dtype") == name_of(each); });
  for (const double factor : {1.0, 0.4, 0.7}) {
    data.batches.emplace_back(samples(shape, 360, 3 + data.batches.size(), factor), extents, dtype);
  }
  return data;
}

TensorParameters calibrated(const CombinationRow& row, const Data& data,
                            const std::shared_ptr<const Backend>& backend = test_backend()) {
  const ParsedConfiguration parsed = parse_config(config_text(row), {"row.json"});
  EXPECT_TRUE(parsed.ok()) << config_text(row);
  Calibrator calibrator(parsed.configuration, backend);
  calibrator.declare("x", {.role = Role::activation, .channel_axis = data.axis});
  for (const TypedTensor& batch : data.batches) calibrator.observe("x", batch.view());
  return calibrator.finish().tensors.at(0);
}

// Scale and zero point of one channel, and the integers that they are for.
struct Quantizer {
  ReferenceQuantizer reference;
  double scale = 0.0;

  Quantizer(const TensorParameters& parameters, double step, std::int64_t zero_point) : scale(step) {
    reference = {static_cast<float>(step),
                 zero_point,
                 {parameters.qmin, parameters.qmax},
                 rounding_of(parameters.round_mode)};
  }
  double low() const { return static_cast<double>(reference.range.qmin - reference.zero_point) * scale; }
  double high() const { return static_cast<double>(reference.range.qmax - reference.zero_point) * scale; }
  double clipped(double x) const { return std::max({x - high(), low() - x, 0.0}); }
  double operator()(double x) const { return reference_fake_quantize(static_cast<float>(x), reference); }
};

double rms_error(const Quantizer& quantizer, const std::vector<double>& values) {
  double sum = 0.0;
  for (const double x : values) sum += (x - quantizer(x)) * (x - quantizer(x));
  return std::sqrt(sum / static_cast<double>(values.size()));
}

// The float32 quotient, product and scale are each rounded by 2^-24 of a number of the size of x.
double float_rounding(double x) {
  return 0x1p-22 * std::fabs(x);
}

void expect_usable(const Quantizer& quantizer, const TensorParameters& parameters) {
  const auto& [step, zero_point, range, rounding] = quantizer.reference;
  int exponent = 0;
  ASSERT_TRUE(std::isfinite(step) && step >= std::numeric_limits<float>::min()) << step;
  ASSERT_TRUE(parameters.scale_type == ScaleType::float_scale ||
              std::frexp(quantizer.scale, &exponent) == 0.5);
  ASSERT_TRUE(zero_point >= range.qmin && zero_point <= range.qmax) << zero_point;
  ASSERT_TRUE(!parameters.symmetric || zero_point == 0) << zero_point;
  ASSERT_EQ(quantizer(0.0), 0.0);
}

// A value in reach is rounded by half a step at most; one beyond loses its distance to the clip end.
void expect_reconstructed(const Quantizer& quantizer, const std::vector<double>& values) {
  for (const double x : values) {
    const double most = std::max(0.5 * quantizer.scale, quantizer.clipped(x));
    ASSERT_LE(std::fabs(x - quantizer(x)), most + float_rounding(x)) << x << " scale " << quantizer.scale;
  }
}

// How far beyond what the integers reach a value may lie, for the methods that decide about that.
//
// maxmin clips nothing. percentile, of fewer than 10^4 values at 99.99 %, has its thresholds in the outermost
// bins that hold anything, so it clips less than a bin's width. entropy keeps three quarters of the bins, and
// the bins exceed the data by less than one at either end. An asymmetric zero point is rounded, which moves
// the ends by up to half a step more.
double most_clipped(const TensorParameters& parameters, double span, double bin, double step) {
  const double moved = parameters.symmetric ? 0.0 : 0.5 * step;
  switch (parameters.method) {
    case Method::maxmin:
      return moved;
    case Method::percentile:
      return moved + bin;
    case Method::entropy:
      return moved + 0.25 * (span + 2.0 * bin);
    default:
      return std::numeric_limits<double>::infinity();  // see expect_no_worse_than_maxmin
  }
}

// mse and diffs count maxmin's scale among their candidates, and take it where no other costs less. Costs on
// a histogram are those of values moved to their bin's center, by half a bin at most; an error is a distance
// from the set of representable numbers, which moves no more than the value does, and so does the root of the
// mean square. Once for either scale that makes a bin's width (2^-8 for float32 bins and rounded sums). diffs
// on the data themselves sums 32 squares in float32, so its costs are within 2^-18.
void expect_no_worse_than_maxmin(const Quantizer& quantizer, const Quantizer& widest,
                                 const std::vector<double>& values, double bin) {
  const double most = rms_error(widest, values) * (1.0 + 0x1p-18) + bin * (1.0 + 0x1p-8);
  const double largest = std::fabs(*std::max_element(
      values.begin(), values.end(), [](double a, double b) { return std::fabs(a) < std::fabs(b); }));
  ASSERT_LE(rms_error(quantizer, values), most + float_rounding(largest));
}

// One batch, or all of them accumulated: what the method itself chose from `values`.
void expect_chosen_well(const Quantizer& quantizer, const Quantizer& widest,
                        const TensorParameters& parameters, const std::vector<double>& values) {
  expect_usable(quantizer, parameters);
  expect_reconstructed(quantizer, values);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double low = std::min(*least, 0.0);
  const double high = std::max(*most, 0.0);
  const double span = parameters.symmetric ? std::max(-low, high) : high - low;
  // 2048 bins in one batch; dyadic ones are doubled only where the data fill more than 2046 of them.
  const bool accumulated = parameters.scope == CalibrationScope::accumulated;
  const double bin = accumulated ? span / 1023.0 : span / 2048.0;
  const double allowed = most_clipped(parameters, span, bin, quantizer.scale) + float_rounding(span);
  ASSERT_LE(quantizer.clipped(*least), allowed) << "scale " << quantizer.scale;
  ASSERT_LE(quantizer.clipped(*most), allowed) << "scale " << quantizer.scale;
  if (parameters.method != Method::mse && parameters.method != Method::diffs) return;
  const bool on_data = parameters.method == Method::diffs && !accumulated;
  expect_no_worse_than_maxmin(quantizer, widest, values, on_data ? 0.0 : bin);
}

struct Between {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();

  void widen(double value, double by) {
    least = std::min(least, value - by);
    most = std::max(most, value + by);
  }
};

// The statistic over batches lies between the batches: symmetric scales do, up to the rounding of a mean, and
// of asymmetric ranges both ends do, up to the half steps by which rounded zero points move them. (The upper
// end of a power of two has slack, in a batch and in the result.) Batches of zeros take no part.
void expect_between(const Quantizer& final_one, const std::vector<Quantizer>& batches,
                    const TensorParameters& parameters) {
  Between scale;
  Between low;
  Between high;
  for (const Quantizer& batch : batches) {
    scale.widen(batch.scale, 0x1p-50 * batch.scale);
    low.widen(batch.low(), 0.5 * (batch.scale + final_one.scale));
    high.widen(batch.high(), 0.5 * (batch.scale + final_one.scale));
  }
  if (parameters.symmetric) {
    ASSERT_GE(final_one.scale, scale.least);
    ASSERT_LE(final_one.scale, scale.most);
    return;
  }
  ASSERT_GE(final_one.low(), low.least);
  ASSERT_LE(final_one.low(), low.most);
  if (parameters.scale_type == ScaleType::power_of_two) return;
  ASSERT_GE(final_one.high(), high.least);
  ASSERT_LE(final_one.high(), high.most);
}

void expect_good(const TensorParameters& parameters, const TensorParameters& widest, const Data& data) {
  ASSERT_EQ(parameters.scale.size(), data.channels());
  ASSERT_EQ(parameters.elements, 3u * 360u);
  ASSERT_EQ(parameters.non_finite, 0u);
  ASSERT_EQ(parameters.fix_pos.has_value(), parameters.scale_type == ScaleType::power_of_two);
  for (std::size_t c = 0; c < data.channels(); ++c) {
    const Quantizer final_one(parameters, parameters.scale[c], parameters.zero_point[c]);
    const Quantizer final_widest(widest, widest.scale[c], widest.zero_point[c]);
    std::vector<double> everything;
    std::vector<Quantizer> batches;
    for (std::size_t b = 0; b < data.batches.size(); ++b) {
      const std::vector<double> values = data.channel(b, c);
      everything.insert(everything.end(), values.begin(), values.end());
      if (parameters.scope == CalibrationScope::accumulated) continue;
      const PerBatch& own = parameters.per_batch;
      const Quantizer own_widest(widest, widest.per_batch.scale[b][c], widest.per_batch.zero_point[b][c]);
      const Quantizer batch(parameters, own.scale[b][c], own.zero_point[b][c]);
      expect_chosen_well(batch, own_widest, parameters, values);
      if (own.amax[b][c] > 0.0) batches.push_back(batch);
    }
    expect_usable(final_one, parameters);
    expect_reconstructed(final_one, everything);
    if (parameters.scope == CalibrationScope::accumulated)
      expect_chosen_well(final_one, final_widest, parameters, everything);
    else if (!batches.empty())
      expect_between(final_one, batches, parameters);
  }
}

// Names the tensor, and the minimum of a channel that has one below zero.
void expect_refusal(const std::string& message, const Data& data) {
  EXPECT_NE(message.find("tensor \"x\""), std::string::npos) << message;
  const std::string before = "the minimum is ";
  const std::size_t at = message.find(before);
  ASSERT_NE(at, std::string::npos) << message;
  const double named = std::stof(message.substr(at + before.size()));
  bool found = false;
  for (std::size_t c = 0; c < data.channels(); ++c) {
    for (std::size_t b = 0; b < data.batches.size(); ++b) {
      const std::vector<double> values = data.channel(b, c);
      found = found || *std::min_element(values.begin(), values.end()) == named;
    }
  }
  EXPECT_TRUE(found && named < 0.0) << message;
}

class Combinations : public ::testing::TestWithParam<Shape> {};

TEST_P(Combinations, AreGoodOrRefused) {
  std::size_t refused = 0;
  for (const CombinationRow& row : covering_array()) {
    SCOPED_TRACE(text_of(row));
    const Data data = data_of(GetParam(), row);
    const bool negative = data.minimum() < 0.0;
    if (negative && row.at("symmetry") == "true" && row.at("signed") == "false") {
      ++refused;
      try {
        calibrated(row, data);
        ADD_FAILURE() << "accepted";
      } catch (const InvalidArgument& error) {
        expect_refusal(error.what(), data);
      }
      continue;
    }
    const TensorParameters parameters = calibrated(row, data);
    if (test_backend()->name() != "cpu") {
      EXPECT_TRUE(parameters == calibrated(row, data, Backend::cpu())) << "other bits than the CPU's";
    }
    EXPECT_EQ(parameters.is_signed, row.at("signed") == "auto" ? negative : row.at("signed") == "true");
    CombinationRow maxmin = row;
    maxmin["method"] = "maxmin";
    expect_good(parameters, calibrated(maxmin, data), data);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(refused > 0, data_of(GetParam(), covering_array().front()).minimum() < 0.0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Combinations, ::testing::ValuesIn(all_shapes),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace qcal::testing
