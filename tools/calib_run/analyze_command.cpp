// calib_run analyze: where the error of a calibrated network sits, and what would lower it.
#include <fmt/format.h>

#include "engine/analysis/analysis.h"
#include "engine/analysis/analysis_json.h"
#include "engine/error.h"
#include "engine/replay/layer_product.h"
#include "tools/calib_run/analysis_text.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/options.h"
#include "tools/calib_run/terminal.h"

namespace qcal::tools {
namespace {

struct Job {
  AnalysisRequest request;
  bool tensors = false;
  std::string backend = "auto";
  ConfigOptions config;
  OutputOptions output;
};

// Where the layers run. "auto" is the GPU only where cuDNN is there, too.
void choose_library(AnalysisRequest& request, const std::string& backend) {
  request.backend = backend_named(backend);
  try {
    request.library = open_product_library(*request.backend);
  } catch (const MissingLibrary&) {
    if (backend != "auto" || request.backend->name() == "cpu") throw;
    request.backend = Backend::cpu();
    request.library = open_product_library(*request.backend);
  }
}

void run_job(const Job& job) {
  const LoadedConfiguration loaded = load_for_params(job.config, job.request.params);
  const bool talk = !job.output.quiet && !job.output.json;
  if (talk) print_warnings(loaded.warnings);
  AnalysisRequest request = job.request;
  choose_library(request, job.backend);
  Analysis analysis;
  {
    ProgressBar bar(talk);
    request.on_progress = [&](const Progress& progress) { bar.update(progress); };
    analysis = analyze(request, loaded.configuration);
  }
  if (job.output.json) {
    std::vector<std::string> warnings = loaded.warnings;
    warnings.insert(warnings.end(), analysis.warnings.begin(), analysis.warnings.end());
    fmt::print("{}", analysis_json(analysis, warnings));
    return;
  }
  if (talk) print_warnings(analysis.warnings);
  fmt::print("{}", analysis_text(analysis, job.tensors ? TensorsShown::all : TensorsShown::conspicuous));
}

}  // namespace

void add_analyze(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand(
      "analyze", "each layer's output error, worst first, and the settings that would help");
  command->footer(
      "Every Conv, ConvTranspose, Gemm and MatMul with constant weights runs on its recorded input, in\n"
      "float and quantized. Signal over what quantization adds to the output is its figure in dB: 6 dB are\n"
      "one bit, and below 20 dB accuracy usually suffers. Where the weights are the problem, look at\n"
      "per_channel; where the activations are, at their method and width. Each layer is fed with float\n"
      "inputs, so errors do not add up from layer to layer, and no bias is corrected. For the worst layers\n"
      "other settings are tried and their gain is measured; they go into layer_quantize_config under the\n"
      "layer and role that stand beside them:\n"
      "  {\"layer_name\": \"/conv1/Conv\", \"quantizable_data_type\": [\"weights\"],\n"
      "   \"overall_quantize_config\": {\"per_channel\": true}}\n"
      "The last table has the nodes of quantized.onnx that onnxruntime computes in float, and why.\n\n"
      "Examples:\n"
      "  calib_run calibrate --model net.onnx --dumps dump --config c.json --out results\n"
      "  calib_run analyze --model net.onnx --dumps dump --params results/quant_params.json\n"
      "  calib_run analyze --batches 0 --worst 10 --tensors --model net.onnx --dumps dump \\\n"
      "      --params results/quant_params.json      every batch, ten layers, every tensor\n"
      "  calib_run analyze --json --model net.onnx --dumps dump --params results/quant_params.json \\\n"
      "      | jq '.layers[] | [.layer, .sqnr_db.both]'");
  const auto job = std::make_shared<Job>();
  AnalysisRequest& request = job->request;
  command->add_option("--model", request.model, "the float network that was calibrated, .onnx")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--dumps", request.dumps, "the directory of recorded tensors that it was calibrated with")
      ->required()
      ->type_name("DIR");
  command
      ->add_option(
          "--params", request.params,
          "quant_params.json that calibrate wrote; its configuration counts\nunless --config is given")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--batches", request.most_batches,
                   "look at so many batches of each tensor, evenly spread; 0: all")
      ->option_text("N [8]");
  command->add_option("--worst", request.explained, "for how many layers settings are tried")
      ->option_text("N [3]");
  command
      ->add_option("--backend", job->backend,
                   "cpu: oneDNN; cuda: cuDNN; auto: cuda where both device and\nlibrary answer")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->option_text("auto|cpu|cuda [auto]");
  add_config_options(*command, job->config);
  command->add_flag("--tensors", job->tensors, "show every tensor, not only those that stand out")
      ->group("Output");
  add_output_options(*command, job->output, "no warnings, no progress");
  command->callback([job, &run] { run = [job] { run_job(*job); }; });
}

}  // namespace qcal::tools
