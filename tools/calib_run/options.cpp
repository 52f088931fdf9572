#include "tools/calib_run/options.h"

#include <map>

#include "engine/error.h"
#include "tools/calib_run/terminal.h"

namespace qcal::tools {

void add_config_options(CLI::App& command, ConfigOptions& options) {
  command.add_option(
      "--config", options.file,
      "JSON configuration (UG1414 format). Without it: the specification's default for the DPU");
  command
      .add_option("--compat", options.compatibility,
                  "standard: qcal's own meanings. vitis: vai_q_pytorch's arithmetic, bit for bit")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Compatibility>{
          {"standard", Compatibility::standard}, {"vitis", Compatibility::vitis}}))
      ->option_text("standard|vitis [standard]");
  command
      .add_option(
          "--device-rules", options.device_rules,
          "what to do with settings that the target device cannot run: refuse them, or warn and go on")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, DeviceRules>{{"error", DeviceRules::error}, {"warn", DeviceRules::warn}}))
      ->option_text("error|warn [error]");
}

void add_work_options(CLI::App& command, WorkOptions& options) {
  command.add_option("--out", options.out, "directory for the results; created where it does not exist")
      ->required();
  command
      .add_option("--backend", options.backend, "where the arithmetic runs; the answers are the same bits")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->option_text("auto|cpu|cuda [auto]");
  command.add_option("--threads", options.threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 4096))
      ->option_text("N [0]");
  command
      .add_option("--non-finite", options.non_finite,
                  "batches with NaN or infinities: error stops (--compat vitis: skip-batch is the default); "
                  "skip-batch leaves the batch out; ignore uses its finite values")
      ->transform(CLI::CheckedTransformer(std::map<std::string, NonFinite>{
          {"error", NonFinite::reject}, {"skip-batch", NonFinite::skip}, {"ignore", NonFinite::ignore}}))
      ->option_text("error|skip-batch|ignore [error]");
  command.add_flag("--per-batch", options.per_batch,
                   "also write what each batch gave for per-channel tensors");
  command.add_option("--names", options.names,
                     "JSON object that maps tensor names to the names to write in quant_info.json");
}

void add_output_options(CLI::App& command, OutputOptions& options) {
  command.add_flag("--json", options.json, "print one JSON object for machines instead of text");
  command.add_flag("--quiet", options.quiet, "print errors only");
}

Configuration load(const ConfigOptions& options, const OutputOptions& output) {
  if (options.file.empty()) return default_configuration(options.compatibility);
  LoadedConfiguration loaded =
      load_config_with_warnings(options.file, {options.compatibility, options.device_rules});
  if (!output.quiet) print_warnings(loaded.warnings);
  return std::move(loaded.configuration);
}

std::shared_ptr<const Backend> backend_named(const std::string& name) {
  if (name == "cuda") {
    throw InvalidArgument(
        "--backend cuda: this build has no CUDA back end; --backend cpu gives the same answers");
  }
  return name == "cpu" ? Backend::cpu() : Backend::automatic();
}

}  // namespace qcal::tools
