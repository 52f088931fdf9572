#include "engine/export/diff.h"

#include <gmock/gmock.h>

#include "tests/export/sample_parameters.h"

namespace qcal {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace qcal::testing;
using Kind = Difference::Kind;

TEST(Diff, EqualResultsAreIdentical) {
  QuantizationParameters reversed = sample_parameters();
  std::swap(reversed.tensors.front(), reversed.tensors.back());
  reversed.tensors[0].per_batch = {};
  EXPECT_THAT(compare_parameters(sample_parameters(), reversed), IsEmpty());
  EXPECT_EQ(differences_text({}), "identical\n");
}

TEST(Diff, ReportsSettingsAndResults) {
  QuantizationParameters changed = sample_parameters();
  changed.tensors[1].scale = {0.25, 1.0};
  changed.tensors[1].fix_pos = {2, 0};
  changed.tensors[1].bit_width = 8;
  const std::vector<Difference> differences = compare_parameters(sample_parameters(), changed);
  ASSERT_THAT(differences, SizeIs(3));
  EXPECT_EQ(differences[0].kind, Kind::setting);
  EXPECT_EQ(differences[0].field, "bit_width");
  EXPECT_EQ(differences[0].before, "4");
  EXPECT_EQ(differences[0].after, "8");
  EXPECT_EQ(differences[1].kind, Kind::result);
  EXPECT_EQ(differences[1].layer, "/conv1/Conv");
  EXPECT_EQ(differences[1].tensor, "conv1.weight");
  EXPECT_EQ(differences[1].field, "scale[1]");
  EXPECT_EQ(differences[1].relative_change, 1.0);
  EXPECT_EQ(differences[1].changed_channels, 1u);
  EXPECT_EQ(differences[1].channels, 2u);
  EXPECT_EQ(differences[2].field, "fix_pos[1]");
  EXPECT_FALSE(differences[2].relative_change);
}

TEST(Diff, EverySettingCounts) {
  const auto fields_of = [](auto change) {
    QuantizationParameters changed{.tensors = {sample_activation()}};
    change(changed.tensors[0]);
    std::vector<std::string> fields;
    for (const Difference& difference : compare_parameters({.tensors = {sample_activation()}}, changed)) {
      fields.push_back(difference.field);
    }
    return fields;
  };
  using Tensor = TensorParameters;
  using ::testing::ElementsAre;
  EXPECT_THAT(fields_of([](Tensor& t) { t.datatype = Datatype::float16; }), ElementsAre("datatype"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.qmin = -1; }), ElementsAre("qmin"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.qmax = 1; }), ElementsAre("qmax"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.is_signed = true; }), ElementsAre("signed"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.symmetric = true; }), ElementsAre("symmetric"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.granularity = Granularity::per_channel; }),
              ElementsAre("granularity"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.axis = 1; }), ElementsAre("axis"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.method = Method::mse; }), ElementsAre("method"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.round_mode = RoundMode::half_even; }), ElementsAre("round_mode"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.scale_type = ScaleType::power_of_two; }),
              ElementsAre("scale_type"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.statistic = BatchStatistic::max; }),
              ElementsAre("batch_statistic"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.scope = CalibrationScope::accumulated; }),
              ElementsAre("calib_scope"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.zero_point = {4}; }), ElementsAre("zero_point"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.amax = {25.3}; }), ElementsAre("amax"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.fix_pos = {1}; }), ElementsAre("fix_pos"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.batches = 3; }), ElementsAre("batches"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.elements = 3; }), ElementsAre("elements"));
  EXPECT_THAT(fields_of([](Tensor& t) { t.non_finite = 0; }), ElementsAre("non_finite"));
}

TEST(Diff, TextGroupsByLayer) {
  QuantizationParameters first = sample_parameters();
  QuantizationParameters second = sample_parameters();
  first.tensors.erase(first.tensors.begin());
  second.tensors[1].scale = {0.3, 0.75};
  second.tensors[2].method = Method::mse;
  second.tensors[2].scale = {0.09};
  second.tensors[2].zero_point = {5};
  TensorParameters extra = sample_activation();
  extra.layer = "/conv2/Conv";
  extra.name = "two\nlines";
  first.tensors.push_back(extra);
  EXPECT_EQ(differences_text(compare_parameters(first, second)),
            R"(graph inputs
  input "input"
    only in the second
/conv1/Conv (Conv2d)
  weights "conv1.weight"
    scale[1]         0.5 -> 0.75 (+50 %), 2 of 2 channels differ
  activation "/conv1/Conv_output_0"
    method           entropy -> mse
    scale            0.1 -> 0.09 (-10 %)
    zero_point       3 -> 5
/conv2/Conv (Conv2d)
  activation "two\x0alines"
    only in the first
)");
}

TEST(Diff, KeepsTheOrderOfTheNetworks) {
  const auto results = [](std::initializer_list<const char*> layers) {
    QuantizationParameters parameters;
    for (const char* layer : layers) {
      parameters.tensors.push_back(sample_activation());
      parameters.tensors.back().layer = layer;
    }
    return parameters;
  };
  std::vector<std::string> layers;
  for (const Difference& difference : compare_parameters(
           results({"z", "gone", "a"}), results({"first", "z", "new", "newer", "a", "last"}))) {
    layers.push_back(difference.layer);
  }
  EXPECT_THAT(layers, ::testing::ElementsAre("first", "new", "newer", "gone", "last"));
}

TEST(Diff, ScalesOfDifferentNumber) {
  QuantizationParameters first{.tensors = {sample_weights()}};
  QuantizationParameters second = first;
  second.tensors[0].scale = {0.5};
  const std::vector<Difference> differences = compare_parameters(first, second);
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_EQ(differences[0].before, "2 values");
  EXPECT_EQ(differences[0].after, "0.5");
}

TEST(Diff, FromZeroHasNoRelativeChange) {
  QuantizationParameters first{.tensors = {sample_activation()}};
  first.tensors[0].scale = {0.0};
  const std::vector<Difference> differences = compare_parameters(first, {.tensors = {sample_activation()}});
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_FALSE(differences[0].relative_change);
}

}  // namespace
}  // namespace qcal
