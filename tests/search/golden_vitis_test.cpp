// `--compat vitis` against 491 cases recorded from vai_q_pytorch: parameters and fake-quantized values, bit
// for bit.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "engine/collect/tensor_calibration.h"
#include "engine/dumps/sha256.h"
#include "engine/search/search.h"
#include "kernels/error.h"
#include "kernels/fake_quantize.h"
#include "tests/support/golden_cases.h"

namespace qcal::testing {
namespace {

// Below this relative gap between the two best candidates the order of float32 additions decides, which is
// torch's business (semantics of its mean and sum).
constexpr double decidable_margin = 1e-5;

TensorSpec spec_of(const GoldenCase& golden) {
  TensorContext context;
  context.role = golden.role;
  context.channel_axis = golden.axis.value_or(0);
  context.target = golden.dpu ? TargetDevice::dpu : TargetDevice::cpu;
  context.compatibility = Compatibility::vitis;
  context.non_finite = NonFinite::skip;
  return tensor_spec(golden.settings, context);
}

TensorView view_of(const Array& array) {
  return {array.values.data(), DType::f32, array.shape, Memory::host, {}};
}

TensorOutcome calibrated(const GoldenCase& golden) {
  TensorCalibration calibration(spec_of(golden), *Backend::cpu());
  for (std::size_t batch = 0; batch < golden.batch_files.size(); ++batch) {
    const Array array = golden_array(golden.batch_files[batch]);
    calibration.observe(view_of(array), static_cast<std::int64_t>(batch), {});
  }
  return calibration.finish();
}

// NaN equals NaN here; every other value must have the same bits (zeros of either sign are equal).
bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

std::string differences(const std::vector<ScaleChoice>& ours, const GoldenResult& theirs) {
  if (theirs.scale.empty() && theirs.fix_pos.empty()) return "";
  const std::size_t channels = theirs.scale.empty() ? theirs.fix_pos.size() : theirs.scale.size();
  if (ours.size() != channels) return "channel count " + std::to_string(ours.size());
  std::string text;
  for (std::size_t c = 0; c < channels && text.size() < 300; ++c) {
    const auto compare = [&](const char* what, double mine, const std::vector<double>& expected) {
      if (!expected.empty() && !same(mine, expected[c])) {
        text += std::string(what) + "[" + std::to_string(c) + "] " + std::to_string(mine) + " expected " +
                std::to_string(expected[c]) + "; ";
      }
    };
    compare("scale", ours[c].scale, theirs.scale);
    compare("zero_point", static_cast<double>(ours[c].zero_point), theirs.zero_point);
    compare("float_max", ours[c].amax, theirs.float_max);
    if (!theirs.fix_pos.empty()) compare("fix_pos", fix_pos_of(ours[c].scale), theirs.fix_pos);
  }
  return text;
}

std::string output_sha256(const GoldenCase& golden, const TensorOutcome& outcome) {
  Array array = golden_array(golden.batch_files.front());
  const bool per_channel = golden.settings.per_channel.value;
  const std::size_t axis = static_cast<std::size_t>(golden.axis.value_or(0));
  std::size_t inner = array.values.size();
  std::size_t channels = 1;
  if (per_channel) {
    inner = 1;
    for (std::size_t d = axis + 1; d < array.shape.size(); ++d)
      inner *= static_cast<std::size_t>(array.shape[d]);
    channels = static_cast<std::size_t>(array.shape[axis]);
  }
  for (std::size_t run = 0; run * inner < array.values.size(); ++run) {
    const ScaleChoice& choice = outcome.channels[run % channels];
    const std::span<float> values(array.values.data() + run * inner, inner);
    fake_quantize(values,
                  vitis_element_quantizer(choice.scale, choice.zero_point, outcome.settings.range,
                                          outcome.settings.rounding, per_channel),
                  values);
  }
  Sha256 hash;
  hash.update(std::as_bytes(std::span<const float>(array.values)));
  return hash.hex();
}

TEST(GoldenVitis, EveryCase) {
  std::map<std::string, int> tally;
  std::set<std::string> near_ties;
  for (const GoldenCase& golden : golden_cases()) {
    SCOPED_TRACE(golden.id);
    if (!golden.error.empty()) {
      ++tally["error there"];
      continue;
    }
    const TensorOutcome outcome = calibrated(golden);
    std::string wrong = differences(outcome.channels, golden.final_result);
    for (std::size_t batch = 0; batch < golden.per_batch.size(); ++batch) {
      if (batch < outcome.per_batch.size())
        wrong += differences(outcome.per_batch[batch], golden.per_batch[batch]);
    }
    if (!wrong.empty() && golden.smallest_margin < decidable_margin) {
      near_ties.insert(golden.id);
      continue;
    }
    EXPECT_EQ(wrong, "");
    if (golden.output_sha256.empty() || !golden.output_defects.empty()) {
      ++tally["parameters only"];
      continue;
    }
    EXPECT_EQ(output_sha256(golden, outcome), golden.output_sha256);
    ++tally["parameters and output"];
  }
  for (const auto& [what, count] : tally) std::cout << what << ": " << count << "\n";
  std::cout << "near ties: " << near_ties.size();
  for (const std::string& id : near_ties) std::cout << " " << id;
  std::cout << "\n";
}

}  // namespace
}  // namespace qcal::testing
