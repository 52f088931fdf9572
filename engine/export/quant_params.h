// quant_params.json: every parameter of a calibration and the settings it was found with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/correct/bias_correction.h"
#include "engine/correct/costly_output.h"
#include "engine/correct/positions.h"
#include "engine/export/quantization_parameters.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// What a result says about its origin.
struct ExportContext {
  std::string qcal_version;
  std::string model_file;          // name without directories; empty where no model was given
  std::string model_sha256;        // lower-case hex; empty where unknown
  std::string config_json = "{}";  // the resolved configuration, ready JSON
  std::vector<TransformStatus> transforms;
  std::vector<PositionAdjustment> adjustments{};  // that a device's rules made after the search
  std::vector<CostlyOutput> costly_outputs{};     // that are left in float
  std::vector<BiasCorrection> bias_corrections{};
  bool per_channel_batches = false;  // also write what each batch gave per channel, which can be large
};

// One text, in a fixed layout and order. Throws InvalidArgument, naming the tensor, for a number that is not
// finite.
std::string quant_params_json(const QuantizationParameters& parameters, const ExportContext& context);

// Reads such a file back: equal to what was written, but for per-channel batches that were left out. Unknown
// keys are passed over, so that a file from a later version can be compared. Throws InputError naming file
// and JSON path.
QuantizationParameters read_quant_params(const std::filesystem::path& path);

// What such a file says about where it comes from.
struct QuantParamsOrigin {
  std::string model_sha256;  // "" where it names no model
  std::string config_json;   // the configuration in force, as a configuration file
  std::vector<BiasCorrection> bias_corrections;
};
// Throws InputError naming file and JSON path.
QuantParamsOrigin read_quant_params_origin(const std::filesystem::path& path);

}  // namespace qcal
