// calib_run calibrate and calib_run tensors: from dumps to parameters on disk.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/setting_names.h"
#include "engine/export/atomic_output.h"
#include "engine/export/json_writer.h"
#include "engine/export/quant_info.h"
#include "engine/export/runtime_check.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/name_map.h"
#include "tools/calib_run/options.h"
#include "tools/calib_run/result_table.h"
#include "tools/calib_run/terminal.h"

namespace qcal::tools {
namespace {

struct Job {
  std::string model;  // empty: no network, every tensor of the dump
  std::string dumps;
  Role role = Role::activation;
  std::optional<int> axis;
  ConfigOptions config;
  WorkOptions work;
  std::vector<std::string> align;
  bool explain_bias = false;
  std::optional<Runtime> runtime;
  OutputOptions output;
};

void print_result(const CalibrationResult& result, bool has_model, const std::string& params_json,
                  const Job& job, const Backend& backend) {
  if (job.output.json) {
    JsonWriter json;
    json.begin_object();
    json.key("warnings");
    json.begin_array();
    for (const std::string& warning : result.warnings) json.string(warning);
    json.end_array();
    json.member("backend", backend.reason());
    json.member("out", job.work.out);
    json.key("result");
    json.json(params_json);
    json.end_object();
    fmt::print("{}", json.text());
    return;
  }
  if (job.output.quiet) return;
  fmt::print("{}\n", result_table(result.parameters));
  for (const TransformStatus& transform : result.context.transforms) {
    if (transform.status == "off") continue;
    const std::string what = transform.details.empty() ? "" : ": " + transform.details.front();
    fmt::print("{}: {}{}\n", transform.name, transform.status, what);
  }
  for (const PositionAdjustment& adjustment : result.context.adjustments) {
    fmt::print("{}: {} of {} {}: fix position {} -> {}\n", adjustment.layer, adjustment.rule,
               spelling(adjustment.role), adjustment.tensor, adjustment.before, adjustment.after);
  }
  if (job.explain_bias) fmt::print("\n{}\n", bias_table(result.context.bias_corrections));
  fmt::print("{} tensors written to {} (quant_params.json, quant_info.json{})\n",
             result.parameters.tensors.size(), job.work.out, has_model ? ", quantized.onnx" : "");
  if (job.work.backend == "auto") fmt::print("back end: {}\n", backend.reason());
}

Alignment alignment_of(const std::vector<std::string>& operators) {
  const auto asked = [&](const char* name) { return std::ranges::find(operators, name) != operators.end(); };
  return {.concat = asked("concat"), .add = asked("add"), .pool = asked("pool")};
}

// A DPU's network goes through Vitis AI's compiler, so that onnxruntime's demands interest only who asks.
void add_runtime_problems(const Configuration& configuration, const Job& job, CalibrationResult& result) {
  if (job.model.empty() || (!job.runtime && configuration.target_device.value == TargetDevice::dpu)) return;
  for (std::string& line : runtime_problems(result.parameters, job.runtime.value_or(Runtime::onnxruntime)))
    result.warnings.push_back(std::move(line));
}

void run_job(const Job& job) {
  const LoadedConfiguration loaded = load(job.config);
  const Configuration& configuration = loaded.configuration;
  const bool talk = !job.output.quiet && !job.output.json;
  if (talk) print_warnings(loaded.warnings);
  const std::map<std::string, std::string> names = read_name_map(job.work.names);
  AtomicOutput out(job.work.out);
  RunOptions options{
      backend_named(job.work.backend), job.work.threads, job.work.non_finite, {}, alignment_of(job.align)};
  CalibrationResult result;
  {
    ProgressBar bar(talk);
    options.on_progress = [&](const Progress& progress) { bar.update(progress); };
    result = job.model.empty() ? calibrate_tensors(job.dumps, job.role, job.axis, configuration, options)
                               : calibrate_model(job.model, job.dumps, configuration, options);
  }
  result.context.per_channel_batches = job.work.per_batch;
  const std::string params = quant_params_json(result.parameters, result.context);
  out.add("quant_params.json", params);
  out.add("quant_info.json", quant_info_json(result.parameters, {names, configuration.compatibility}));
  add_runtime_problems(configuration, job, result);
  if (job.runtime == Runtime::tensorrt) out.add("tensorrt.cache", tensorrt_cache(result.parameters));
  const bool has_model = !result.quantized.model.empty();
  if (has_model) out.add("quantized.onnx", std::move(result.quantized.model));
  if (!result.quantized.data.empty()) out.add(CalibrationResult::data_file, std::move(result.quantized.data));
  out.commit();
  if (talk) print_warnings(result.warnings);
  result.warnings.insert(result.warnings.begin(), loaded.warnings.begin(), loaded.warnings.end());
  print_result(result, has_model, params, job, *options.backend);
}

void add_common(CLI::App& command, Job& job) {
  command
      .add_option("--dumps", job.dumps,
                  "directory of recorded tensors: manifest.json with *.npy,\n"
                  "or *.safetensors, or *.npz, one a batch")
      ->required()
      ->type_name("DIR");
  add_config_options(command, job.config);
  add_work_options(command, job.work);
  add_output_options(command, job.output, "print errors only");
}

}  // namespace

void add_calibrate(CLI::App& app, Run& run) {
  CLI::App* command =
      app.add_subcommand("calibrate", "find scales and zero points for a network from its dumps");
  command->footer(
      "Writes quant_params.json (every parameter, with the settings it was found with), quant_info.json\n"
      "(vai_q_pytorch's layout) and quantized.onnx (the network in integers, for onnxruntime and TensorRT).\n"
      "Nothing is written unless everything is.\n"
      "Which tensors the dump must hold: calib_run explain --model M --config C --tensors\n\n"
      "Examples:\n"
      "  calib_run calibrate --model models/rn_digits/rn_digits.ts.op13.bn.onnx \\\n"
      "      --dumps models/rn_digits/dump --config models/configs/cpu.json --out results/rn_digits\n"
      "  calib_run calibrate --compat vitis --model net.onnx --dumps dump --out results    as vai_q_pytorch\n"
      "  calib_run calibrate --json --model net.onnx --dumps dump --out results | jq .warnings");
  const auto job = std::make_shared<Job>();
  command->add_option("--model", job->model, "the float network, .onnx")->required()->type_name("FILE");
  add_common(*command, *job);
  command
      ->add_option("--align", job->align,
                   "for the DPU: inputs of these operators take the fix position\nof the result")
      ->delimiter(',')
      ->check(CLI::IsMember({"concat", "add", "pool"}))
      ->option_text("concat,add,pool [none]")
      ->group("Configuration");
  command
      ->add_option(
          "--for", job->runtime,
          "what will run quantized.onnx: warn of what it cannot do with these\nsettings; tensorrt also "
          "writes tensorrt.cache for older versions")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Runtime>{
          {"onnxruntime", Runtime::onnxruntime}, {"tensorrt", Runtime::tensorrt}}))
      ->option_text("onnxruntime|tensorrt [onnxruntime]")
      ->group("Output");
  command
      ->add_flag("--explain-bias", job->explain_bias,
                 "list each layer's bias correction: its error before and after, and\nwhy it was not kept")
      ->group("Output");
  command->callback([job, &run] { run = [job] { run_job(*job); }; });
}

void add_tensors(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("tensors", "the same for every tensor of a dump, without a network");
  command->footer(
      "Every tensor takes the model-level settings of one role.\n\n"
      "Examples:\n"
      "  calib_run tensors --dumps models/rn_digits/dump_safetensors --out results/tensors\n"
      "  calib_run tensors --dumps dump --config models/configs/gpu.json --role weights --axis 0 --out "
      "results");
  const auto job = std::make_shared<Job>();
  add_common(*command, *job);
  command->add_option("--role", job->role, "whose settings the tensors take")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Role>{{"input", Role::input},
                                                                      {"weights", Role::weights},
                                                                      {"bias", Role::bias},
                                                                      {"activation", Role::activation}}))
      ->option_text("input|weights|bias|activation [activation]");
  command->add_option("--axis", job->axis, "channel axis where the settings say per_channel; -1 is the last")
      ->option_text("K");
  command->callback([job, &run] { run = [job] { run_job(*job); }; });
}

}  // namespace qcal::tools
