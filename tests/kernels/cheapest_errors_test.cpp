#include "kernels/cheapest_errors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/channel_sums.h"
#include "kernels/scale_error.h"
#include "kernels/statistics.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

ChannelReader reader_of(const std::vector<float>& values) {
  return {{values.data(), DType::f32, {static_cast<std::int64_t>(values.size())}, Memory::host, {}}, {}};
}

CandidateErrors all_errors(const std::vector<float>& values, const ErrorSpec& spec) {
  ChannelSums<diffs_candidates> sums(
      [&](std::span<const float> some, CandidateErrors* into) { chunk_errors(some, spec, into); });
  sums.add(reader_of(values), 0);
  return weighted_errors(sums.total(), spec);
}

// Every candidate but the last wins somewhere: the fewer bits and values far out, the more it pays to clip.
TEST(CheapestErrors, TheCheapestAndWhatIsAsCheapHaveTheirBits) {
  std::array<int, diffs_candidates> wins = {};
  int given_up = 0;
  for (const Shape shape : all_shapes) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1'000}, std::size_t{32'769},
                                   std::size_t{200'003}, std::size_t{1'200'000}}) {
      const std::vector<float> values = samples(shape, size, size + 1);
      for (const int bits : {2, 4, 8}) {
        for (const CandidateRule rule : {CandidateRule::halving, CandidateRule::power_of_two}) {
          const CandidateSpec candidates{
              .rule = rule, .bit_width = bits, .range = integer_range(bits, true, false)};
          const ErrorSpec spec = error_spec(candidates, range_of(values));
          const CandidateErrors all = all_errors(values, spec);
          const CandidateErrors ours = cheapest_errors(reader_of(values), 0, spec);
          const auto cheapest = static_cast<std::size_t>(std::ranges::min_element(all) - all.begin());
          ++wins[cheapest];
          for (std::size_t k = 0; k < all.size(); ++k) {
            const bool may_be_given_up = all[k] > all[cheapest];
            if (std::isinf(ours[k]) && may_be_given_up) {
              ++given_up;
            } else {
              EXPECT_EQ(ours[k], all[k]) << name_of(shape) << ' ' << size << ' ' << bits << ' ' << k;
            }
          }
        }
      }
    }
  }
  for (std::size_t k = 0; k + 1 < wins.size(); ++k) EXPECT_GT(wins[k], 0) << k;
  EXPECT_GT(given_up, 500);
}

// A leader after the first piece that the rest of the data overtakes.
TEST(CheapestErrors, WhoLeadsAtFirstMayLose) {
  std::vector<float> values = samples(Shape::normal, 1 << 20, 3);
  const auto quiet = values.begin() + (1 << 16);
  std::for_each(values.begin(), quiet, [](float& x) { x *= 0.01F; });
  const CandidateSpec candidates{
      .rule = CandidateRule::halving, .bit_width = 8, .range = integer_range(8, true, false)};
  const ErrorSpec spec = error_spec(candidates, range_of(values));
  const CandidateErrors first = all_errors({values.begin(), quiet}, spec);
  const CandidateErrors all = all_errors(values, spec);
  ASSERT_NE(std::ranges::min_element(first) - first.begin(), std::ranges::min_element(all) - all.begin());
  const CandidateErrors ours = cheapest_errors(reader_of(values), 0, spec);
  EXPECT_EQ(std::ranges::min(ours), std::ranges::min(all));
  EXPECT_EQ(std::ranges::min_element(ours) - ours.begin(), std::ranges::min_element(all) - all.begin());
}

}  // namespace
}  // namespace qcal::testing
