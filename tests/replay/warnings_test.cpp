#include "engine/analysis/warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qcal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// One tensor "t" of the layer /conv, its use, and what is said of it.
struct Subject {
  PlannedTensor planned;
  TensorParameters parameters;
  TensorUse use;
  TargetDevice target = TargetDevice::cpu;

  explicit Subject(Role role) {
    planned.name = parameters.name = use.tensor = "t";
    planned.role = parameters.role = use.role = role;
    use.layer = "/conv";
    parameters.method = Method::maxmin;
    use.lowest = -1.0;
    use.highest = 1.0;
  }
  std::vector<std::string> warnings() const {
    QuantizationPlan plan;
    plan.tensors = {planned};
    return analysis_warnings(plan, {{parameters}}, target, {use}, {});
  }
};

TEST(Warnings, OfASignThatDataDoNotHave) {
  Subject subject(Role::activation);
  EXPECT_THAT(subject.warnings(), IsEmpty()) << "the data have it";
  subject.use.lowest = 0.0;
  EXPECT_THAT(subject.warnings(),
              ElementsAre(AllOf(StartsWith("activation of /conv: "), HasSubstr("\"auto\""))));
  subject.target = TargetDevice::gpu;
  EXPECT_THAT(subject.warnings(), ElementsAre(HasSubstr("TensorRT does not")));
  subject.target = TargetDevice::dpu;
  EXPECT_THAT(subject.warnings(), IsEmpty()) << "the device has no other integers";
  subject.target = TargetDevice::cpu;
  subject.parameters.is_signed = false;
  EXPECT_THAT(subject.warnings(), IsEmpty());
  subject.parameters.is_signed = true;
  subject.parameters.symmetric = false;
  EXPECT_THAT(subject.warnings(), IsEmpty());
}

TEST(Warnings, OfChannelsUnderOneScale) {
  Subject subject(Role::weights);
  subject.planned.channel_axis = 0;
  subject.planned.parameter = make_constant({3, 2}, std::vector{1.0F, -32.0F, 0.0F, 0.0F, 2.0F, 1.5F});
  EXPECT_THAT(subject.warnings(), IsEmpty()) << "16 times, and a channel of zeros";
  subject.planned.parameter = make_constant({3, 2}, std::vector{1.0F, -32.0F, 0.0F, 0.0F, -1.0F, 1.0F});
  EXPECT_THAT(subject.warnings(), ElementsAre(AllOf(StartsWith("weights of /conv: "), HasSubstr("32 times"),
                                                    HasSubstr("\"per_channel\": true"))));
  subject.target = TargetDevice::dpu;
  EXPECT_THAT(subject.warnings(), ElementsAre(HasSubstr("include_cle")));
  subject.parameters.granularity = Granularity::per_channel;
  EXPECT_THAT(subject.warnings(), IsEmpty());
}

TEST(Warnings, OfAPercentileThatClipsMoreThanItsShare) {
  Subject subject(Role::activation);
  subject.parameters.method = Method::percentile;
  subject.planned.settings.percentage.value = 99.9;
  subject.use.clipped = 0.0015;
  EXPECT_THAT(subject.warnings(), IsEmpty()) << "up to twice the share is nothing to speak of";
  subject.use.clipped = 0.004;
  EXPECT_THAT(subject.warnings(),
              ElementsAre(AllOf(HasSubstr("should clip 0.1% of the values, and clips 0.4%"),
                                HasSubstr("\"accumulated\""))));
}

TEST(Warnings, OfABiasCorrectionThatWasNotKept) {
  BiasCorrection kept;
  kept.kept = true;
  BiasCorrection worse;
  worse.layer = "/conv";
  worse.reason = "it does not lower the error";
  worse.samples = 16;
  worse.held_back = 4;
  EXPECT_THAT(
      analysis_warnings({}, {}, TargetDevice::cpu, {}, {kept, worse}),
      ElementsAre("/conv: its bias correction was not kept: it does not lower the error (4 of 16); record "
                  "more samples, or set \"include_bias_corr\": false"));
}

}  // namespace
}  // namespace qcal
