// Model files, what the configuration makes of them, and the recordings that fit.
#include "engine/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "engine/dumps/rescaled_dumps.h"
#include "engine/dumps/sha256.h"
#include "engine/error.h"
#include "engine/graph/onnx_reader.h"
#include "kernels/tensor_parts.h"
#include "tests/plan/plan_helpers.h"

namespace qcal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::filesystem::path models = QCAL_MODELS;
const std::filesystem::path mobile_net = models / "mbv2_digits" / "mbv2_digits.ts.op13.bn.onnx";

Configuration equalizing(TargetDevice target) {
  Configuration configuration = testing::configuration("");
  configuration.include_cle.value = true;
  configuration.target_device.value = target;
  return configuration;
}

// One tensor of shape {2, 3, 2}, its values 0, 1, 2..., in parts of one row each.
class SmallDump final : public DumpSource {
 public:
  explicit SmallDump(std::string sha256 = "", float first = 0) : sha256_(std::move(sha256)) {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = first + static_cast<float>(i);
  }
  const std::vector<std::string>& names() const override { return names_; }
  bool contains(const std::string& name) const override { return name == "t"; }
  std::size_t batches(const std::string&) const override { return 1; }
  std::uint64_t bytes(const std::string&) const override { return sizeof values_; }
  std::unique_ptr<DumpBatch> open(const std::string&, std::size_t) const override {
    return std::make_unique<Batch>(view_);
  }
  std::unique_ptr<TensorParts> parts(const std::string&, std::size_t) const override {
    return std::make_unique<Rows>(view_);
  }
  std::optional<std::string> model_sha256() const override {
    return sha256_.empty() ? std::nullopt : std::optional(sha256_);
  }
  std::string description() const override { return "a small dump"; }

 private:
  struct Batch final : DumpBatch {
    explicit Batch(const TensorView& view) : view_(view) {}
    const TensorView& view() const override { return view_; }
    const TensorView& view_;
  };
  struct Rows final : TensorParts {
    explicit Rows(const TensorView& view) : view_(view) {}
    DType dtype() const override { return view_.dtype; }
    const std::vector<std::int64_t>& shape() const override { return view_.shape; }
    bool whole() const override { return false; }
    void for_each(const std::function<void(const TensorPart&)>& visit) const override {
      const float* at = static_cast<const float*>(view_.data);
      for (const TensorBox& box : contiguous_boxes(view_.shape, 2)) {
        TensorPart part;
        part.view = {at, DType::f32, box.shape, Memory::host, {}};
        part.origin = box.origin;
        visit(part);
        at += 2;
      }
    }
    const TensorView& view_;
  };

  std::string sha256_;
  std::vector<std::string> names_{"t"};
  std::array<float, 12> values_{};
  TensorView view_{values_.data(), DType::f32, {2, 3, 2}, Memory::host, {}};
};

TEST(RescaledDumps, DividesEachChannel) {
  const auto dumps = rescaled_dumps(std::make_unique<SmallDump>(), {{"t", {1, 0.5F, 4}}});
  const std::vector<float> expected{0, 1, 4, 6, 1, 1.25F, 6, 7, 16, 18, 2.5F, 2.75F};
  std::vector<float> seen;
  dumps->parts("t", 0)->for_each([&](const TensorPart& part) {
    const auto* values = static_cast<const float*>(part.view.data);
    seen.insert(seen.end(), values, values + part.view.size());
  });
  EXPECT_EQ(seen, expected);
  const auto batch = dumps->open("t", 0);
  const auto* values = static_cast<const float*>(batch->view().data);
  EXPECT_EQ(std::vector<float>(values, values + 12), expected);
  EXPECT_EQ(dumps->bytes("t"), 48U);
}

TEST(RescaledDumps, AnotherNumberOfChannelsIsAnError) {
  const auto dumps = rescaled_dumps(std::make_unique<SmallDump>(), {{"t", {1, 2}}});
  EXPECT_THROW((void)dumps->parts("t", 0), InputError);
}

// The file that prepare writes reads back as the network that calibrate sees.
TEST(PreparedModel, HasThePlanAndTheParametersOfTheTransformedNetwork) {
  for (const TargetDevice target : {TargetDevice::cpu, TargetDevice::dpu}) {
    const Configuration configuration = equalizing(target);
    const Network network = read_network(mobile_net, configuration);
    const Graph again = normalise(parse_onnx(prepared_model(network), "prepared.onnx", ""));
    EXPECT_THAT(transform_network(again, configuration).divisors, IsEmpty()) << "nothing is done twice";
    const QuantizationPlan direct = make_plan(network.transformed.graph, configuration);
    const QuantizationPlan prepared = make_plan(again, configuration);
    ASSERT_EQ(testing::signature(prepared), testing::signature(direct));
    for (std::size_t i = 0; i < direct.tensors.size(); ++i) {
      EXPECT_EQ(prepared.tensors[i].name, direct.tensors[i].name);
      EXPECT_EQ(prepared.tensors[i].layer, direct.tensors[i].layer);
      if (direct.tensors[i].parameter) {
        EXPECT_EQ(prepared.tensors[i].parameter->values, direct.tensors[i].parameter->values);
      }
    }
    EXPECT_EQ(prepared.transforms[1].details, direct.transforms[1].details);
  }
}

TEST(PreparedModel, IsTheSameEachTime) {
  const Configuration configuration = equalizing(TargetDevice::cpu);
  EXPECT_EQ(prepared_model(read_network(mobile_net, configuration)),
            prepared_model(read_network(mobile_net, configuration)));
}

TEST(PreparedModel, WithNothingToDoIsTheNormalisedNetwork) {
  const Network network = read_network(mobile_net, testing::configuration(""));
  const Graph again = parse_onnx(prepared_model(network), "prepared.onnx", "");
  EXPECT_THAT(again.transforms, IsEmpty());
  EXPECT_THAT(again.nodes, SizeIs(network.transformed.graph.nodes.size()));
}

std::string refusal(const Network& network, std::unique_ptr<DumpSource> dumps) {
  std::vector<std::string> warnings;
  try {
    (void)dumps_of_network(network, std::move(dumps), warnings);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(DumpsOfNetwork, OfTheModelAreRescaled) {
  const Network network = read_network(mobile_net, equalizing(TargetDevice::gpu));
  std::vector<std::string> warnings;
  const auto dumps = dumps_of_network(network, open_dumps(models / "mbv2_digits" / "dump"), warnings);
  EXPECT_THAT(warnings, IsEmpty());
  const auto recorded = open_dumps(models / "mbv2_digits" / "dump");
  ASSERT_FALSE(network.transformed.divisors.empty());
  bool differs = false;
  for (const auto& [tensor, divisors] : network.transformed.divisors) {
    if (!dumps->contains(tensor)) continue;
    const auto before = recorded->open(tensor, 0);
    const auto after = dumps->open(tensor, 0);
    const std::int64_t inner = before->view().size() / before->view().shape[0] / before->view().shape[1];
    for (std::size_t c = 0; c < divisors.size(); ++c) {
      const auto at = static_cast<std::int64_t>(c) * inner;
      const float original = static_cast<const float*>(before->view().data)[at];
      EXPECT_EQ(static_cast<const float*>(after->view().data)[at], original / divisors[c]);
      differs = differs || (original != 0 && divisors[c] != 1);
    }
  }
  EXPECT_TRUE(differs);
}

TEST(DumpsOfNetwork, OfThePreparedModelAreTakenAsTheyAre) {
  Network network = read_network(mobile_net, equalizing(TargetDevice::dpu));
  const std::string bytes = prepared_model(network);
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  const std::string sha256 = hash.hex();
  // Of 0 .. 11 in three channels (0, 1, 6, 7 / 2, 3, 8, 9 / 4, 5, 10, 11), with the bounds 12, 6 and 3.
  network.transformed.unclipped = {"t"};
  network.transformed.divisors = {{"t", {0.5F, 1, 2}}};
  std::vector<std::string> warnings;
  const auto dumps = dumps_of_network(network, std::make_unique<SmallDump>(sha256), warnings);
  EXPECT_EQ(dumps->open("t", 0)->view().size(), 12);
  EXPECT_THAT(warnings,
              ElementsAre("convert_relu6_to_relu: 50% of the recorded values of 1 ReLU6 that became "
                          "ReLU exceed 6"));
  network.transformed.divisors = {{"t", {1, 1}}};
  EXPECT_THROW((void)dumps_of_network(network, std::make_unique<SmallDump>(sha256), warnings), InputError);
}

TEST(DumpsOfNetwork, ABoundThatValuesReachNeedsARecordingOfThePreparedModel) {
  const Network network = read_network(mobile_net, equalizing(TargetDevice::dpu));
  EXPECT_THAT(refusal(network, open_dumps(models / "mbv2_digits" / "dump")),
              AllOf(HasSubstr("% of their values reach 6"), HasSubstr("calib_run prepare --model "),
                    HasSubstr("tools/record.py prepared.onnx"), HasSubstr("calib_run calibrate")));
}

TEST(DumpsOfNetwork, WhereNoValueReachesTheBoundOneRecordingServes) {
  Network network = read_network(mobile_net, testing::configuration(""));
  network.transformed.unclipped = {"t"};
  EXPECT_EQ(refusal(network, std::make_unique<SmallDump>(network.sha256, -6)), "accepted") << "up to 5";
  EXPECT_THAT(refusal(network, std::make_unique<SmallDump>(network.sha256, -5)),
              HasSubstr("8.33% of their values"));
  network.transformed.unclipped = {"t", "u"};
  EXPECT_THAT(refusal(network, std::make_unique<SmallDump>(network.sha256, -6)),
              HasSubstr("not all of them"));
}

TEST(DumpsOfNetwork, OfAnotherModelAreRefused) {
  const std::string other(64, 'a');
  const Network plain = read_network(mobile_net, testing::configuration(""));
  EXPECT_THAT(
      refusal(plain, std::make_unique<SmallDump>(other)),
      AllOf(HasSubstr(other), HasSubstr(plain.sha256), HasSubstr("tools/record.py " + mobile_net.string())));
  const Network converted = read_network(mobile_net, equalizing(TargetDevice::dpu));
  EXPECT_THAT(refusal(converted, std::make_unique<SmallDump>(other)), HasSubstr("calib_run prepare"));
}

}  // namespace
}  // namespace qcal
