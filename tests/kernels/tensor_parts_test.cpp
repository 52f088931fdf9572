#include "kernels/tensor_parts.h"

#include <gtest/gtest.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include "kernels/backend.h"
#include "kernels/collector.h"
#include "tests/reference/test_data.h"
#include "tests/support/cut_tensor.h"
#include "tests/support/summaries.h"
#include "tests/support/typed_tensor.h"

namespace qcal::testing {
namespace {

using Extents = std::vector<std::int64_t>;

// Position in C order of a box's first element.
std::int64_t position_of(const TensorBox& box, const Extents& shape) {
  std::int64_t position = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) position = position * shape[d] + box.origin[d];
  return position;
}

TEST(ContiguousBoxes, FollowEachOtherInCOrder) {
  for (const Extents& shape : {Extents{}, {1}, {7}, {2, 3, 4}, {1, 1, 5, 6}, {3, 1, 4}, {5, 2, 1, 3}}) {
    for (std::int64_t most = 1; most <= 130; ++most) {
      std::int64_t next = 0;
      for (const TensorBox& box : contiguous_boxes(shape, most)) {
        EXPECT_EQ(position_of(box, shape), next);
        EXPECT_LE(elements_of(box.shape), most);
        bool cut =
            false;  // nothing but extents of 1 before the axis that is cut, all of the others behind it
        for (std::size_t d = shape.size(); d-- > 0;) {
          EXPECT_TRUE(!cut || box.shape[d] == 1);
          cut = cut || box.shape[d] != shape[d];
        }
        next += elements_of(box.shape);
      }
      EXPECT_EQ(next, elements_of(shape));
    }
  }
}

TEST(ContiguousBoxes, ATensorWithoutElementsIsOneBox) {
  EXPECT_EQ(contiguous_boxes({3, 0, 4}, 2).size(), 1u);
}

std::vector<CollectSpec> specs(std::optional<int> axis) {
  std::vector<CollectSpec> all;
  for (const Binning binning : {Binning::none, Binning::linear_magnitude, Binning::linear_value,
                                Binning::dyadic_magnitude, Binning::dyadic_value, Binning::vitis}) {
    CollectSpec spec;
    spec.channel_axis = axis;
    spec.binning = binning;
    spec.non_finite = NonFinite::ignore;
    all.push_back(spec);
  }
  all[0].candidates = {
      {CandidateRule::halving, 8, integer_range(8, true, false), true, Rounding::half_even},
      {CandidateRule::power_of_two, 4, integer_range(4, false, false), false, Rounding::half_up}};
  return all;
}

struct Case {
  Extents shape;
  std::optional<int> axis;
};

TEST(TensorParts, GiveTheSameBitsHoweverTheBatchIsCut) {
  // Channels that span several segments of 32768 elements, and many small ones; none a multiple of a chunk.
  const std::vector<Case> cases = {{{3, 7, 5011}, {}}, {{3, 7, 5011}, 0}, {{3, 7, 5011}, 1},
                                   {{3, 7, 5011}, 2},  {{105231}, {}},    {{2, 101, 521}, -1}};
  for (const Case& c : cases) {
    std::vector<float> values = samples(Shape::normal, static_cast<std::size_t>(elements_of(c.shape)), 3);
    values[500] = nan_value;
    values[70000] = infinity;
    for (const DType dtype : all_dtypes) {
      const TypedTensor tensor(values, c.shape, dtype);
      for (const CollectSpec& spec : specs(c.axis)) {
        // There it walks the batch once for each channel, which takes long and shows nothing more.
        if (spec.binning == Binning::vitis && c.axis) continue;
        const auto whole = Backend::cpu()->make_collector(spec);
        whole->collect(tensor.view(), {});
        const Summary expected = whole->take();
        for (const std::int64_t most : {std::int64_t{40009}, std::int64_t{5011}, std::int64_t{777}}) {
          const auto cut = Backend::cpu()->make_collector(spec);
          const tbb::global_control allow(tbb::global_control::max_allowed_parallelism, 3);
          tbb::task_arena arena(3);
          arena.execute([&] { cut->collect(CutTensor(tensor.view(), most), {}); });
          expect_equal(cut->take(), expected);
        }
      }
    }
  }
}

}  // namespace
}  // namespace qcal::testing
