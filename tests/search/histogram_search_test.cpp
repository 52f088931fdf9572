// A histogram of one's own gives what a calibration of its values gives.
#include "engine/collect/histogram_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/search/calibration_support.h"
#include "tests/support/refusal.h"

namespace qcal::testing {
namespace {

using ::testing::HasSubstr;

TEST(HistogramSearch, GivesTheScalesOfACalibrationOfOneBatch) {
  for (const Shape shape : all_shapes) {
    const std::vector<float> values = samples(shape, 5000, 7);
    const TensorView view{values.data(), DType::f32, {5000}, Memory::host, {}};
    for (const Method method : {Method::maxmin, Method::percentile, Method::entropy, Method::mse}) {
      for (const bool symmetric : {true, false}) {
        for (const ScaleType scale_type : {ScaleType::float_scale, ScaleType::power_of_two}) {
          SCOPED_TRACE(name_of(shape));
          const Wanted wanted{.method = method,
                              .symmetric = symmetric,
                              .sign = symmetric ? Signedness::automatic : Signedness::is_unsigned,
                              .scale_type = scale_type,
                              .headroom = 0.1};
          TensorCalibration calibration = calibration_of(wanted);
          calibration.observe(view, 0, {});
          const TensorOutcome expected = calibration.finish();
          const Distribution distribution = distribution_of(WholeTensor(view), symmetric, *Backend::cpu());
          const HistogramChoice found = search_histogram(distribution, settings_of(wanted));
          EXPECT_EQ(found.choice, expected.channels.front());
          EXPECT_EQ(found.settings.is_signed, expected.settings.is_signed);
        }
      }
    }
  }
}

TEST(HistogramSearch, TakesCountsThatSomebodyElseMade) {
  const Distribution distribution = distribution_of({3, 0, 1}, 0.0, 1.5);
  EXPECT_EQ(distribution.histogram.width, 0.5);
  EXPECT_EQ(distribution.range.elements, 4U);
  const HistogramChoice found = search_histogram(distribution, settings_of({.method = Method::maxmin}));
  EXPECT_EQ(found.choice.scale, 1.5 / 127);
}

TEST(HistogramSearch, RefusesWhatIsNoHistogram) {
  const auto refused = [](std::vector<std::uint64_t> counts, double low, double high) {
    return refusal([&] { distribution_of(std::move(counts), low, high); });
  };
  EXPECT_THAT(refused({}, 0, 1), HasSubstr("0 bins; it takes 1 to 2048"));
  EXPECT_THAT(refused(std::vector<std::uint64_t>(2049, 1), 0, 1), HasSubstr("2049 bins"));
  EXPECT_THAT(refused({1}, 1, 2), HasSubstr("over [1, 2]; 0 must lie in its range"));
  EXPECT_THAT(refused({1}, 0, infinity), HasSubstr("0 must lie in its range"));
  EXPECT_THAT(refused({0, 0}, 0, 1), HasSubstr("nothing was counted"));
  EXPECT_THAT(refusal([] { search_histogram(distribution_of({1}, -1, 1), settings_of({})); }),
              HasSubstr("histogram of magnitudes, and this one starts at -1"));
}

}  // namespace
}  // namespace qcal::testing
