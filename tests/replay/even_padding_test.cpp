// Uneven padding, as a library sees it that pads both ends alike.
#include "engine/replay/even_padding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qcal {
namespace {

using ::testing::ElementsAre;

TEST(EvenAxis, IsTheCallersWhereBothEndsArePaddedAlike) {
  const WindowAxis axis{.input = 6, .output = 6, .kernel = 3, .pad_before = 1};
  EXPECT_EQ(even_axis(axis, false), (EvenAxis{6, 6, 0, 1}));
  EXPECT_EQ(even_axis(axis, true), (EvenAxis{6, 6, 0, 1})) << "the input of one is the output of the other";
  EXPECT_TRUE(is_as_given({{6, 6, 0, 1}}));
}

TEST(EvenAxis, LeavesValuesAwayThatNoWindowReaches) {
  const WindowAxis axis{.input = 8, .output = 3, .kernel = 3, .stride = 2, .pad_before = 1};
  EXPECT_EQ(even_axis(axis, false), (EvenAxis{8, 7, 1, 0})) << "4 windows with padding at both ends, not 3";
  EXPECT_FALSE(is_as_given({{8, 7, 1, 0}}));
}

TEST(EvenAxis, HasRoomForUnevenPadding) {
  const WindowAxis behind{.input = 6, .output = 6, .kernel = 4, .pad_before = 1};
  EXPECT_EQ(even_axis(behind, false), (EvenAxis{6, 9, 1, 0}));
  const WindowAxis transposed{.input = 4, .output = 8, .kernel = 3, .stride = 2, .pad_before = 0};
  EXPECT_EQ(even_axis(transposed, true), (EvenAxis{8, 9, 0, 0}));
  const WindowAxis cut{.input = 3, .output = 5, .kernel = 3, .stride = 2, .pad_before = 2};
  EXPECT_EQ(even_axis(cut, true), (EvenAxis{5, 7, 2, 0}));
}

TEST(EvenAxis, IsAbsentForAnOutputPaddingOfAStride) {
  const WindowAxis axis{.input = 2, .output = 4, .kernel = 2};
  EXPECT_FALSE(even_axis(axis, true));
}

TEST(EvenPadding, PutsZerosAround) {
  const std::vector<EvenAxis> axes{{2, 3, 1, 0}, {2, 4, 0, 0}};
  const std::vector<float> callers{1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 7.0F, 8.0F};
  std::vector<float> fitted(24, -1.0F);
  fit(callers, axes, fitted);
  EXPECT_THAT(fitted, ElementsAre(0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 5, 6, 0, 0, 7, 8, 0, 0));
  std::vector<float> back(8, -1.0F);
  cut_out(fitted, axes, back);
  EXPECT_EQ(back, callers);
}

TEST(EvenPadding, HasNoValuesOutside) {
  const std::vector<EvenAxis> shorter{{4, 2, 1, 0}};
  std::vector<float> fitted(2, -1.0F);
  fit(std::vector<float>{1.0F, 2.0F, 3.0F, 4.0F}, shorter, fitted);
  EXPECT_THAT(fitted, ElementsAre(0, 1));
  std::vector<float> callers(4, -1.0F);
  cut_out(fitted, shorter, callers);
  EXPECT_THAT(callers, ElementsAre(1, 0, 0, 0));
}

}  // namespace
}  // namespace qcal
