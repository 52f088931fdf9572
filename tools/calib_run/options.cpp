#include "tools/calib_run/options.h"

#include <charconv>
#include <map>
#include <string_view>

#include "engine/analysis/params_configuration.h"
#include "engine/error.h"

namespace qcal::tools {
namespace {

const std::string output_group = "Output";

// "2/5": the second of five.
Shard shard_of(std::string_view text) {
  constexpr int most = 1'000'000;
  Shard shard;
  const auto index = std::from_chars(text.data(), text.data() + text.size(), shard.index);
  const bool has_count =
      index.ec == std::errc() && index.ptr != text.data() + text.size() && *index.ptr == '/';
  if (has_count) {
    const auto count = std::from_chars(index.ptr + 1, text.data() + text.size(), shard.count);
    const bool whole = count.ec == std::errc() && count.ptr == text.data() + text.size();
    if (whole && shard.index >= 1 && shard.index <= shard.count && shard.count <= most) {
      --shard.index;
      return shard;
    }
  }
  throw CLI::ValidationError("--shard",
                             "I/N is wanted, I from 1 to N, such as 2/5, not " + std::string(text));
}

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
}

void add_result_options(CLI::App& command, ResultOptions& options) {
  command.add_option("--out", options.out, "directory for the results; made where it does not exist")
      ->option_text("DIR")
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

void add_network_result_options(CLI::App& command, ResultOptions& options) {
  command
      .add_option(
          "--for", options.runtime,
          "what will run quantized.onnx: warn of what it cannot do with these\nsettings; tensorrt also "
          "writes tensorrt.cache for older versions")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Runtime>{
          {"onnxruntime", Runtime::onnxruntime}, {"tensorrt", Runtime::tensorrt}}))
      ->option_text("onnxruntime|tensorrt [onnxruntime]")
      ->group(output_group);
  command
      .add_flag("--explain-bias", options.explain_bias,
                "list each layer's bias correction: its error before and after, and\nwhy it was not kept")
      ->group(output_group);
}

void add_sharing_options(CLI::App& command, SharingOptions& options) {
  const std::string group = "Long runs, and several machines";
  CLI::Option* checkpoint =
      command
          .add_option("--checkpoint", options.checkpoint,
                      "save the state here from time to time; the file goes when the\nresults are written")
          ->option_text("FILE")
          ->group(group);
  command
      .add_option("--every", options.every,
                  "seconds from one checkpoint to the next; more where saving would\ntake over 1% of the "
                  "time; 0: after every batch")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("SECONDS [60]")
      ->needs(checkpoint)
      ->group(group);
  command
      .add_flag(
          "--resume", options.resume,
          "go on from the checkpoint, where there is one; the results are\nthose of a run that was never "
          "interrupted, to the bit")
      ->needs(checkpoint)
      ->group(group);
  CLI::Option* shard =
      command
          .add_option_function<std::string>(
              "--shard", [&options](const std::string& text) { options.shard = shard_of(text); },
              "read only share I (from 1) of N, and write a state instead of\nresults; `calib_run merge` "
              "makes "
              "results of all N")
          ->option_text("I/N")
          ->group(group);
  command.add_option("--shard-by", options.by, "what the shares are made of, of --shard or under mpirun")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, ShardBy>{{"batch", ShardBy::batch}, {"tensor", ShardBy::tensor}}))
      ->option_text("batch|tensor [batch]")
      ->group(group);
  command.add_option("--state", options.state, "where the state of the share goes")
      ->option_text("FILE")
      ->needs(shard)
      ->group(group);
  shard->needs("--state")->excludes("--out");
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

LoadedConfiguration load_for_params(const ConfigOptions& options, const std::filesystem::path& params) {
  if (!options.file.empty()) return load(options);
  LoadedConfiguration loaded = configuration_of_params(params, options.compatibility);
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
