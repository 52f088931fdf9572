// The calibration cases recorded from vai_q_pytorch (tests/data/golden/cases.json), typed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"

namespace qcal::testing {

struct Array {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

// Values of an npy file of float32 in C order below tests/data/golden.
Array golden_array(const std::string& file);

// One entry a channel; a per-tensor result has one.
struct GoldenResult {
  std::vector<double> scale;
  std::vector<double> zero_point;
  std::vector<double> float_max;
  std::vector<double> fix_pos;  // empty where the case has none
};

struct GoldenCase {
  std::string id;
  bool dpu = false;  // TORCHQuantizer, the driver of DPU targets
  Role role = Role::activation;
  bool local = true;  // per-batch scope
  std::vector<std::string> batch_files;
  TensorSettings settings;
  std::optional<int> axis;
  std::string error;  // the peer's own failure, if it failed
  GoldenResult final_result;
  std::vector<GoldenResult> per_batch;
  std::string output_sha256;  // of the first batch fake-quantized with the final parameters
  std::vector<std::int64_t> output_shape;
  std::string output_file;
  std::vector<std::string> output_defects;
};

std::vector<GoldenCase> golden_cases();

}  // namespace qcal::testing
