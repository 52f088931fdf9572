#include "tools/calib_run/options.h"

#include <map>

#include "engine/error.h"

namespace qcal::tools {
namespace {

const std::string output_group = "Output";

}  // namespace

void add_config_options(CLI::App& command, ConfigOptions& options) {
  const std::string group = "Configuration";
  command
      .add_option("--config", options.file,
                  "JSON configuration (UG1414's format);\nwithout it: UG1414's default for the DPU")
      ->type_name("FILE")
      ->group(group);
  command
      .add_option("--compat", options.compatibility,
                  "standard: qcal's own meanings\nvitis: vai_q_pytorch's arithmetic, bit for bit")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Compatibility>{
          {"standard", Compatibility::standard}, {"vitis", Compatibility::vitis}}))
      ->option_text("standard|vitis [standard]")
      ->group(group);
  command
      .add_option("--device-rules", options.device_rules,
                  "settings that the target device cannot run:\nrefuse them, or warn and go on")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, DeviceRules>{{"error", DeviceRules::error}, {"warn", DeviceRules::warn}}))
      ->option_text("error|warn [error]")
      ->group(group);
  command
      .add_option("--placement", options.placement,
                  "which activations are quantized, instead of the configuration's choice\n"
                  "groups: every layer's result; the DPU's default\n"
                  "compute: what convolutions and matrix products read; the GPU's\n"
                  "fused: those and what integer kernels write; the CPU's")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Placement>{
          {"groups", Placement::groups}, {"compute", Placement::compute}, {"fused", Placement::fused}}))
      ->option_text("groups|compute|fused")
      ->group(group);
}

void add_work_options(CLI::App& command, WorkOptions& options) {
  const std::string work = "Work";
  command.add_option("--backend", options.backend, "where the arithmetic runs; the bits are the same")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->option_text("auto|cpu|cuda [auto]")
      ->group(work);
  command.add_option("--threads", options.threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 4096))
      ->option_text("N [0]")
      ->group(work);
  command
      .add_option("--non-finite", options.non_finite,
                  "batches with NaN or infinities\n"
                  "error: stop; skip-batch: leave the batch out (the default of\n"
                  "--compat vitis); ignore: use its finite values")
      ->transform(CLI::CheckedTransformer(std::map<std::string, NonFinite>{
          {"error", NonFinite::reject}, {"skip-batch", NonFinite::skip}, {"ignore", NonFinite::ignore}}))
      ->option_text("error|skip-batch|ignore [error]")
      ->group(work);
  command.add_option("--out", options.out, "directory for the results; made where it does not exist")
      ->required()
      ->type_name("DIR")
      ->group(output_group);
  command
      .add_flag("--per-batch", options.per_batch, "also write each batch's result for per-channel tensors")
      ->group(output_group);
  command
      .add_option("--names", options.names,
                  "JSON object: tensor names, and the names that\nquant_info.json should give them")
      ->type_name("FILE")
      ->group(output_group);
}

void add_output_options(CLI::App& command, OutputOptions& options, const std::string& quiet) {
  command.add_flag("--json", options.json, "print JSON for machines instead of text")->group(output_group);
  command.add_flag("--quiet", options.quiet, quiet)->group(output_group);
}

LoadedConfiguration load(const ConfigOptions& options) {
  LoadedConfiguration loaded =
      options.file.empty()
          ? LoadedConfiguration{default_configuration(options.compatibility), {}}
          : load_config_with_warnings(options.file, {options.compatibility, options.device_rules});
  if (options.placement) loaded.configuration.placement = {*options.placement, {.setting = "--placement"}};
  return loaded;
}

std::shared_ptr<const Backend> backend_named(const std::string& name) {
  if (name == "auto") return Backend::automatic();
  if (name == "cpu") return Backend::cpu();
  try {
    return Backend::cuda();
  } catch (const CudaError& error) {
    throw InvalidArgument(std::string("--backend cuda: ") + error.what() +
                          "; --backend cpu gives the same answers");
  }
}

}  // namespace qcal::tools
