// calib_run explain: which settings are in force, where each value came from, and which tensors they meet.
#include <fmt/format.h>

#include <algorithm>

#include "config/describe.h"
#include "config/setting_names.h"
#include "engine/error.h"
#include "engine/export/json_writer.h"
#include "engine/graph/onnx_reader.h"
#include "engine/plan/plan_text.h"
#include "engine/transform/normalise.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/options.h"

namespace qcal::tools {
namespace {

struct Job {
  std::string model;
  std::string layer;
  bool tensors = false;
  ConfigOptions config;
  OutputOptions output;
};

// The members that a plan adds to the configuration's JSON: "tensors": [...], "notes": [...].
std::string plan_members(const QuantizationPlan& plan, const std::string& layer) {
  JsonWriter tensors;
  tensors.begin_array();
  for (const PlannedTensor& tensor : plan.tensors) {
    if (!layer.empty() && tensor.layer != layer) continue;
    tensors.begin_object();
    tensors.member("name", tensor.name);
    tensors.member("role", spelling(tensor.role));
    tensors.member("layer", tensor.layer);
    tensors.member("layer_type", tensor.layer_type);
    tensors.key("shape");
    tensors.begin_array();
    for (const std::int64_t extent : tensor.shape) tensors.integer(extent);
    tensors.end_array();
    tensors.key("settings");
    tensors.json(settings_json(tensor.settings));
    tensors.end_object();
  }
  tensors.end_array();
  JsonWriter notes;
  notes.begin_array();
  for (const PlanNote& note : plan.notes) {
    notes.begin_object();
    notes.member("subject", note.subject);
    notes.member("text", note.text);
    notes.end_object();
  }
  notes.end_array();
  return "\"tensors\": " + tensors.text() + ", \"notes\": " + notes.text();
}

void require_layer(const QuantizationPlan& plan, const std::string& layer) {
  const bool known =
      layer.empty() || std::any_of(plan.tensors.begin(), plan.tensors.end(),
                                   [&](const PlannedTensor& tensor) { return tensor.layer == layer; });
  if (!known) {
    throw InvalidArgument("--layer " + layer +
                          ": no quantized tensor belongs to a layer of that name; "
                          "`calib_run explain --model M` lists them");
  }
}

void run_job(const Job& job) {
  const Configuration configuration = load(job.config, job.output);
  if (job.model.empty()) {
    if (job.tensors || !job.layer.empty()) {
      throw InvalidArgument("--tensors and --layer need a network: add --model NET.onnx");
    }
    fmt::print("{}\n", job.output.json ? describe_json(configuration) : describe_text(configuration));
    return;
  }
  const QuantizationPlan plan = make_plan(normalise(read_onnx(job.model)), configuration);
  require_layer(plan, job.layer);
  if (job.tensors && !job.output.json) {
    for (const std::string& name : tensors_to_record(plan)) fmt::print("{}\n", name);
    return;
  }
  if (job.output.json) {
    fmt::print("{}\n", describe_json(configuration, plan_members(plan, job.layer)));
    return;
  }
  fmt::print("{}", plan_text(plan, job.layer));
}

}  // namespace

void add_explain(CLI::App& app, Run& run) {
  CLI::App* command =
      app.add_subcommand("explain", "which settings are in force, and where each value came from");
  command->footer(
      "Without --model: the configuration's own settings. With it: every tensor of the network.\n"
      "Examples:\n"
      "  calib_run explain --config models/configs/gpu.json\n"
      "  calib_run explain --config models/configs/gpu.json --model net.onnx --layer /conv1/Conv\n"
      "  calib_run explain --model net.onnx --tensors      names that a dump must hold, one a line");
  const auto job = std::make_shared<Job>();
  command->add_option("--model", job->model, "the float network, .onnx");
  command->add_flag("--tensors", job->tensors, "print only the names of the tensors that a dump must hold");
  command->add_option("--layer", job->layer, "only the tensors of this layer (ONNX node name)");
  add_config_options(*command, job->config);
  add_output_options(*command, job->output);
  command->callback([job, &run] { run = [job] { run_job(*job); }; });
}

}  // namespace qcal::tools
