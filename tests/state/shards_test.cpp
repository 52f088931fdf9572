// A calibration that is shared among processes, in any way and merged in any order, gives the bits of one
// process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/export/quant_params.h"
#include "engine/run/calibration_run.h"
#include "tests/dumps/file_test.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::filesystem::path models = QCAL_MODELS;

RunOptions options() {
  return {Backend::cpu(), 2, {}, {}};
}

struct Network {
  std::string name;
  std::string config;
  Compatibility compatibility = Compatibility::standard;
  CalibrationScope scope = CalibrationScope::per_batch;
  double min_output_sqnr = 20.0;

  CalibrationJob job() const {
    Configuration configuration = load_config(models / "configs" / config, {.compatibility = compatibility});
    configuration.min_output_sqnr.value = min_output_sqnr;
    for (const Role role : {Role::input, Role::activation}) {
      configuration.tensor_settings[role].calib_scope.value = scope;
      if (scope == CalibrationScope::accumulated)
        configuration.tensor_settings[role].method.value = Method::percentile;
    }
    return {.model = models / name / (name + ".ts.op13.bn.onnx"), .configuration = configuration};
  }
  std::unique_ptr<DumpSource> dumps() const { return open_dumps(models / name / "dump"); }
};

// Bounds that values reach, biases that are corrected, tensors that cannot be split, results left in float.
std::vector<Network> networks() {
  return {{"rn_digits", "cpu.json"},
          {"mbv2_digits", "cpu.json"},
          {"mbv2_digits", "dpu.json"},
          {"rn_digits", "gpu.json", Compatibility::standard, CalibrationScope::accumulated},
          {"rn_digits", "gpu.json", Compatibility::vitis, CalibrationScope::accumulated},
          {.name = "mbv2_digits", .config = "cpu.json", .min_output_sqnr = 40.0}};
}

void expect_same(CalibrationResult found, CalibrationResult expected) {
  EXPECT_EQ(quant_params_json(found.parameters, found.context),
            quant_params_json(expected.parameters, expected.context));
  EXPECT_EQ(found.quantized.model, expected.quantized.model);
  EXPECT_FALSE(found.quantized.model.empty());
  EXPECT_EQ(found.warnings, expected.warnings);
}

CalibrationResult undisturbed(const Network& network) {
  CalibrationRun run(network.job(), network.dumps(), options());
  run.read();
  return run.finish();
}

std::string state_of(const Network& network, const Shard& shard) {
  CalibrationRun run(network.job(), network.dumps(), options());
  run.read(shard);
  return run.save();
}

TEST(Shards, OfAnyNumberMergedInAnyOrderGiveTheBitsOfOneProcess) {
  SplitMix64 random(5);
  for (const Network& network : networks()) {
    SCOPED_TRACE(network.name + " " + network.config);
    const CalibrationResult expected = undisturbed(network);
    for (const ShardBy by : {ShardBy::batch, ShardBy::tensor}) {
      const int count = static_cast<int>(2 + random.below(5));
      std::vector<std::string> states;
      for (int index = 0; index < count; ++index) states.push_back(state_of(network, {index, count, by}));
      for (std::size_t i = states.size(); i-- > 1;) std::swap(states[i], states[random.below(i + 1)]);
      // The first two become one state before the others come.
      CalibrationRun pair(saved_run(states[0], "state"), options());
      pair.merge(states[1], "state");
      pair.merge(states[0], "state");
      CalibrationRun merged(saved_run(states.back(), "state"), options());
      for (std::size_t i = 2; i < states.size(); ++i) merged.merge(states[i], "state");
      merged.merge(pair.save(), "state");
      expect_same(merged.finish(), expected);
    }
  }
}

TEST(Shards, AreGoneOnWithAfterAnyBatch) {
  for (const Network& network : {networks()[1], networks()[4]}) {
    SCOPED_TRACE(network.name + " " + network.config);
    const CalibrationResult expected = undisturbed(network);
    // Every state after a batch; every seventh is gone on with.
    std::mutex mutex;
    std::vector<std::string> states;
    CalibrationRun run(network.job(), network.dumps(), options());
    run.read({}, [&] {
      std::string state = run.save("all");
      const std::lock_guard lock(mutex);
      states.push_back(std::move(state));
    });
    expect_same(run.finish(), expected);
    ASSERT_GT(states.size(), 50u);
    for (std::size_t i = 0; i < states.size(); i += 23) {
      CalibrationRun again(network.job(), network.dumps(), options());
      again.resume(states[i], "state", "all");
      again.read();
      expect_same(again.finish(), expected);
    }
  }
}

TEST(Shards, ThatDoNotBelongTogetherAreRefusedWithTheReason) {
  const Network network = networks()[0];
  const std::string first = state_of(network, {0, 2});
  const auto refused = [&](const CalibrationJob& job, std::unique_ptr<DumpSource> dumps,
                           const std::string& state) {
    CalibrationRun run(job, std::move(dumps), options());
    return message_of<InputError>([&] { run.merge(state, "file"); });
  };
  Network other = networks()[1];
  EXPECT_THAT(refused(other.job(), other.dumps(), first),
              StartsWith("file: of another model file (by its SHA-256): "));
  CalibrationJob job = network.job();
  job.configuration.include_bias_corr.value = false;
  EXPECT_THAT(refused(job, network.dumps(), first), StartsWith("file: of another configuration: "));
  job = network.job();
  job.model = models / "rn_digits" / "rn_digits.ts.op17.fold.onnx";
  EXPECT_THAT(refused(job, open_dumps(models / "rn_digits" / "dump_safetensors"), first),
              StartsWith("file: of another model file"));
  EXPECT_THAT(refused(network.job(), network.dumps(), Calibrator(job.configuration, Backend::cpu()).save()),
              HasSubstr("none that calib_run has written"));
  CalibrationRun twice(network.job(), network.dumps(), options());
  twice.merge(first, "file");
  EXPECT_THAT(message_of<InputError>([&] { twice.merge(first, "file"); }),
              AllOf(StartsWith("file: tensor \""), HasSubstr("was read already")));
  EXPECT_THAT(message_of<InvalidArgument>([&] { twice.finish(); }),
              AllOf(HasSubstr("nobody has read batch "), HasSubstr("merge the states of all shards")));
  CalibrationRun share(network.job(), network.dumps(), options());
  EXPECT_EQ(message_of<InputError>([&] { share.resume(first, "file", "2 of 2"); }),
            R"(file: of another share of the work: "", not "2 of 2")");
}

std::vector<WorkItem> random_items(SplitMix64& random) {
  std::vector<WorkItem> items;
  for (std::size_t i = 0; i <= random.below(30); ++i) {
    WorkItem item{std::to_string(i)};
    item.batches = static_cast<std::int64_t>(1 + random.below(12));
    item.bytes = static_cast<std::uint64_t>(item.batches) * random.below(1000);
    item.whole = random.below(3) == 0;
    items.push_back(item);
  }
  return items;
}

TEST(Shares, HoldEachBatchOnceAndWholeTensorsWhole) {
  SplitMix64 random(1);
  for (int round = 0; round < 200; ++round) {
    const std::vector<WorkItem> items = random_items(random);
    const int count = static_cast<int>(1 + random.below(20));
    const ShardBy by = round % 2 == 0 ? ShardBy::batch : ShardBy::tensor;
    std::vector<std::vector<int>> reads(items.size());
    for (std::size_t i = 0; i < items.size(); ++i)
      reads[i].resize(static_cast<std::size_t>(items[i].batches));
    for (int index = 0; index < count; ++index) {
      const std::vector<BatchRange> share = share_of(items, {index, count, by});
      for (std::size_t i = 0; i < items.size(); ++i) {
        const std::int64_t size = share[i].end - share[i].first;
        if (items[i].whole || by == ShardBy::tensor) {
          EXPECT_TRUE(size == 0 || size == items[i].batches);
        }
        for (std::int64_t batch = share[i].first; batch < share[i].end; ++batch)
          ++reads[i].at(static_cast<std::size_t>(batch));
      }
    }
    for (const std::vector<int>& batches : reads) EXPECT_THAT(batches, ::testing::Each(1));
  }
}

TEST(Shares, AreEqualWhereBatchesAreMany) {
  std::vector<WorkItem> items;
  for (int i = 0; i < 24; ++i) {
    WorkItem item{std::to_string(i)};
    item.batches = 16;
    item.bytes = 16'000;
    items.push_back(item);
  }
  for (const int count : {2, 3, 5, 8}) {
    std::int64_t most = 0;
    for (int index = 0; index < count; ++index) {
      std::int64_t batches = 0;
      for (const BatchRange& range : share_of(items, {index, count})) batches += range.end - range.first;
      most = std::max(most, batches);
    }
    EXPECT_LE(most, 24 * 16 / count + 1) << count;
  }
}

}  // namespace
}  // namespace qcal::testing
