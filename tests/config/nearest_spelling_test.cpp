#include "config/nearest_spelling.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace qcal {
namespace {

constexpr std::array<std::string_view, 5> methods{"maxmin", "percentile", "entropy", "mse", "diffs"};
constexpr std::array<std::string_view, 3> scale_keys{"bit_width", "scale_type", "symmetry"};

TEST(NearestSpelling, forgives_a_third_of_the_letters_and_case) {
  EXPECT_EQ(nearest_spelling("entrpy", methods), "entropy");
  EXPECT_EQ(nearest_spelling("ENTROYP", methods), "entropy");
  EXPECT_EQ(nearest_spelling("min_max", methods), "");
  EXPECT_EQ(nearest_spelling("maxmix", methods), "maxmin");
  EXPECT_EQ(nearest_spelling("msee", methods), "mse");
  EXPECT_EQ(nearest_spelling("diff", methods), "diffs");
}

TEST(NearestSpelling, counts_swapped_neighbours_as_one_change) {
  constexpr std::array<std::string_view, 2> words{"axb", "ba"};
  EXPECT_EQ(nearest_spelling("ab", words), "axb");  // one insertion; "ba" is one swap, but comes later
  constexpr std::array<std::string_view, 1> swapped{"input"};
  EXPECT_EQ(nearest_spelling("inptu", swapped), "input");
}

TEST(NearestSpelling, takes_a_shared_start_where_nothing_is_near) {
  EXPECT_EQ(nearest_spelling("bits", scale_keys), "bit_width");
  EXPECT_EQ(nearest_spelling("symmetric_mode", scale_keys), "symmetry");
  EXPECT_EQ(nearest_spelling("bi", scale_keys), "");
}

TEST(NearestSpelling, has_nothing_to_say_about_strangers) {
  EXPECT_EQ(nearest_spelling("foo", methods), "");
  EXPECT_EQ(nearest_spelling("", methods), "");
  EXPECT_EQ(nearest_spelling("y", methods), "");
  EXPECT_EQ(nearest_spelling("xyz", methods), "");  // as far from "mse" as any three letters
  EXPECT_EQ(nearest_spelling(std::string(100000, 'm'), methods), "");
  EXPECT_EQ(nearest_spelling("mse", {}), "");
}

}  // namespace
}  // namespace qcal
