// Model files, what the configuration makes of them, and the recordings that fit.
#include "engine/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iomanip>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <utility>

#include "engine/dumps/rescaled_dumps.h"
#include "engine/dumps/sha256.h"
#include "engine/error.h"
#include "engine/graph/onnx_reader.h"
#include "engine/transform/clamp.h"
#include "kernels/tensor_parts.h"
#include "tests/plan/plan_helpers.h"

namespace qcal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
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
        EXPECT_EQ(*prepared.tensors[i].parameter->reals(), *direct.tensors[i].parameter->reals());
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

std::string sha256_of_prepared(const Network& network) {
  const std::string bytes = prepared_model(network);
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return hash.hex();
}

TEST(DumpsOfNetwork, OfThePreparedModelAreTakenAsTheyAre) {
  Network network = read_network(mobile_net, equalizing(TargetDevice::dpu));
  const std::string sha256 = sha256_of_prepared(network);
  network.transformed.divisors = {{"t", {0.5F, 1, 2}}};
  std::vector<std::string> warnings;
  const auto dumps = dumps_of_network(network, std::make_unique<SmallDump>(sha256), warnings);
  EXPECT_EQ(static_cast<const float*>(dumps->open("t", 0)->view().data)[4], 4);
  EXPECT_THAT(warnings, IsEmpty());
}

std::string warning_of(const Network& network, const DumpSource& dumps) {
  ReachedBounds seen = watched_bounds(network);
  seen.observe_rest(dumps);
  return lost_bounds_warning(network, dumps, seen).value_or("");
}

TEST(LostBounds, TheShareThatExceedsThemInARecordingOfThePreparedModel) {
  Network network = read_network(mobile_net, equalizing(TargetDevice::dpu));
  const SmallDump dumps(std::string(64, 'a'));
  // Of 0 .. 11 in three channels (0, 1, 6, 7 / 2, 3, 8, 9 / 4, 5, 10, 11), with the bounds 12, 6 and 3.
  network.transformed.unclipped = {"t"};
  network.transformed.divisors = {{"t", {0.5F, 1, 2}}};
  EXPECT_EQ(
      warning_of(network, dumps),
      "convert_relu6_to_relu: 50% of the recorded values of 1 ReLU6 that became ReLU exceed 6 (50% in t)");
  network.transformed.divisors = {{"t", {0.5F, 0.5F, 0.5F}}};
  EXPECT_EQ(warning_of(network, dumps), "");
  network.transformed.divisors = {{"t", {1, 1}}};
  EXPECT_THROW((void)warning_of(network, dumps), InputError);
}

TEST(LostBounds, TheShareThatWasCutInARecordingOfTheModel) {
  Network network = read_network(mobile_net, testing::configuration(""));
  network.transformed.unclipped = {"t"};
  EXPECT_EQ(warning_of(network, SmallDump(network.sha256, -6)), "") << "up to 5";
  const std::string warning = warning_of(network, SmallDump(network.sha256, -5));
  EXPECT_THAT(warning,
              AllOf(HasSubstr("8.33% of the recorded values of 1 ReLU6"), HasSubstr("reach 6 (8.33% in t)"),
                    HasSubstr("saturate"), HasSubstr("calib_run prepare --model " + mobile_net.string()),
                    HasSubstr("tools/record.py prepared.onnx"), HasSubstr("calib_run calibrate")));
  EXPECT_THAT(warning, Not(HasSubstr("not recorded")));
  EXPECT_EQ(warning_of(network, SmallDump("", -5)), warning)
      << "one that does not say its model counts as one of it";
}

TEST(LostBounds, OfTensorsThatWereNotRecordedNothingIsKnown) {
  Network network = read_network(mobile_net, testing::configuration(""));
  network.transformed.unclipped = {"t", "u"};
  EXPECT_THAT(warning_of(network, SmallDump(network.sha256, -6)),
              AllOf(HasSubstr("0% of"), HasSubstr("1 of the 2 were not recorded")));
  EXPECT_EQ(warning_of(network, SmallDump(std::string(64, 'a'), -6)), "") << "nothing was cut there";
}

std::string percent(double share) {
  std::ostringstream text;
  text << std::setprecision(3) << 100 * share << '%';
  return text.str();
}

TEST(LostBounds, NameTheWorstTensor) {
  const Network network = read_network(mobile_net, equalizing(TargetDevice::dpu));
  std::vector<std::string> warnings;
  const auto dumps = dumps_of_network(network, open_dumps(models / "mbv2_digits" / "dump"), warnings);
  const std::string warning = warning_of(network, *dumps);
  // Counted here plainly, in the recording as it is.
  const auto recorded = open_dumps(models / "mbv2_digits" / "dump");
  double worst = -1;
  std::string worst_name;
  double reached = 0;
  double values = 0;
  for (const std::string& tensor : network.transformed.unclipped) {
    double here = 0;
    double size = 0;
    for (std::size_t batch = 0; batch < recorded->batches(tensor); ++batch) {
      const auto opened = recorded->open(tensor, batch);
      const auto* data = static_cast<const float*>(opened->view().data);
      size += static_cast<double>(opened->view().size());
      here += static_cast<double>(
          std::count_if(data, data + opened->view().size(), [](float value) { return value >= 6; }));
    }
    reached += here;
    values += size;
    if (here / size > worst) worst_name = tensor;
    worst = std::max(worst, here / size);
  }
  EXPECT_GT(reached, 0);
  EXPECT_THAT(warning, HasSubstr(percent(reached / values) + " of the recorded values of 10 ReLU6"));
  EXPECT_THAT(warning, HasSubstr("(" + percent(worst) + " in " + worst_name + ")"));
}

TEST(UnreachedBounds, AreDroppedWhereNoChannelReachesThem) {
  Network network = read_network(mobile_net, equalizing(TargetDevice::gpu));
  // 0, 1, 6, 7 / 2, 3, 8, 9 / 4, 5, 10, 11.
  network.transformed.bounded = {"t", "u"};
  const auto left = [&](const std::vector<float>& divisors) {
    network.transformed.divisors = {{"t", divisors}};
    const Network after = without_unreached_bounds(network, SmallDump());
    return std::pair(after.transformed.bounded,
                     after.transformed.graph.transform("include_cle")->details.front());
  };
  EXPECT_EQ(left({0.5F, 0.5F, 0.5F}),
            std::pair(std::vector<std::string>{"u"},
                      std::string("10 pairs; 1 of 2 ReLU6 bounds dropped, which no recorded value reaches")))
      << "of u nothing was recorded";
  EXPECT_THAT(left({0.5F, 6.0F / 9, 0.5F}).first, ElementsAre("t", "u")) << "9 reaches it";
  EXPECT_THAT(left({0.5F, 0.5F, 1}).second, HasSubstr("; 0 of 2 ReLU6 bounds"));
}

std::size_t bounds_a_channel(const Graph& graph) {
  return static_cast<std::size_t>(std::ranges::count_if(graph.nodes, [&](const Node& node) {
    const auto clamp = clamp_of(graph, node);
    return clamp && clamp->upper.size() > 1;
  }));
}

TEST(UnreachedBounds, OfMobileNet) {
  const Network network = read_network(mobile_net, equalizing(TargetDevice::cpu));
  EXPECT_EQ(bounds_a_channel(network.transformed.graph), network.transformed.bounded.size());
  std::vector<std::string> warnings;
  const auto dumps = dumps_of_network(network, open_dumps(models / "mbv2_digits" / "dump"), warnings);
  const Network after = without_unreached_bounds(network, *dumps);
  std::set<std::string> reached;
  const auto recorded = open_dumps(models / "mbv2_digits" / "dump");
  for (const std::string& tensor : network.transformed.bounded) {
    for (std::size_t batch = 0; batch < recorded->batches(tensor); ++batch) {
      const auto opened = recorded->open(tensor, batch);
      const auto* data = static_cast<const float*>(opened->view().data);
      if (*std::max_element(data, data + opened->view().size()) >= 6) reached.insert(tensor);
    }
  }
  EXPECT_THAT(after.transformed.bounded, ::testing::UnorderedElementsAreArray(reached));
  EXPECT_EQ(bounds_a_channel(after.transformed.graph), reached.size());
  EXPECT_LT(reached.size(), network.transformed.bounded.size());
  // A dropped bound leaves a Relu in its place.
  for (const std::string& tensor : network.transformed.bounded) {
    const auto node = std::ranges::find_if(after.transformed.graph.nodes,
                                           [&](const Node& one) { return one.output(0) == tensor; });
    ASSERT_NE(node, after.transformed.graph.nodes.end());
    EXPECT_EQ(node->op_type, reached.contains(tensor) ? "Clip" : "Relu");
  }
}

TEST(UnreachedBounds, ARecordingOfTheModelWithoutThemIsTakenAsItIs) {
  Network network = read_network(mobile_net, equalizing(TargetDevice::cpu));
  network.transformed.bounded = {"t"};
  network.transformed.divisors = {{"t", {0.25F, 0.25F, 0.25F}}};
  const std::string sha256 = sha256_of_prepared(without_unreached_bounds(network, SmallDump()));
  ASSERT_NE(sha256, sha256_of_prepared(network));
  EXPECT_EQ(refusal(network, std::make_unique<SmallDump>(sha256)), "accepted");
  EXPECT_THAT(refusal(network, std::make_unique<SmallDump>(sha256, 20)), HasSubstr("another model"))
      << "its values reach the bound, so they are of other inputs";
}

TEST(UnreachedBounds, AreNoneWithoutTheSwitchOrWhereReLU6BecameReLU) {
  EXPECT_THAT(read_network(mobile_net, testing::configuration("")).transformed.bounded, IsEmpty());
  EXPECT_THAT(read_network(mobile_net, equalizing(TargetDevice::dpu)).transformed.bounded, IsEmpty());
  const Network plain = read_network(mobile_net, testing::configuration(""));
  EXPECT_THAT(without_unreached_bounds(plain, SmallDump()).transformed.graph.transforms, IsEmpty());
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
