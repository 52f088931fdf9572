// Comparing what collectors gather.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/collector.h"

namespace qcal::testing {

inline std::int64_t elements_of(const std::vector<std::int64_t>& shape) {
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) elements *= extent;
  return elements;
}

// To the bit.
inline void expect_equal(const Summary& a, const Summary& b) {
  ASSERT_EQ(a.channels.size(), b.channels.size());
  EXPECT_EQ(a.batches, b.batches);
  EXPECT_EQ(a.elements, b.elements);
  EXPECT_EQ(a.non_finite, b.non_finite);
  for (std::size_t c = 0; c < a.channels.size(); ++c) {
    EXPECT_EQ(a.channels[c].range, b.channels[c].range) << c;
    EXPECT_EQ(a.channels[c].histogram, b.channels[c].histogram) << c;
    EXPECT_EQ(a.channels[c].errors, b.channels[c].errors) << c;
    EXPECT_EQ(a.channels[c].moments, b.channels[c].moments) << c;
  }
}

inline std::string describe(const std::vector<std::int64_t>& shape, std::optional<int> axis,
                            const CollectSpec& spec, DType dtype) {
  std::string text(name_of(dtype));
  for (const std::int64_t extent : shape) text += " " + std::to_string(extent);
  if (axis) text += ", axis " + std::to_string(*axis);
  return text + ", binning " + std::to_string(static_cast<int>(spec.binning)) + ", " +
         std::to_string(spec.candidates.size()) + " sets of candidates";
}

}  // namespace qcal::testing
