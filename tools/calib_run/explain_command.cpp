// calib_run explain: which settings are in force, where each value came from, and which tensors they meet.
#include <fmt/format.h>

#include "config/describe.h"
#include "config/nearest_spelling.h"
#include "engine/error.h"
#include "engine/export/json_writer.h"
#include "engine/export/plan_json.h"
#include "engine/network.h"
#include "engine/plan/plan_text.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/options.h"
#include "tools/calib_run/terminal.h"

namespace qcal::tools {
namespace {

struct Job {
  std::string model;
  std::string layer;
  bool tensors = false;
  ConfigOptions config;
  OutputOptions output;
};

// The part of `plan` that belongs to the layer of that name; the whole where no name is given.
QuantizationPlan selected(QuantizationPlan plan, const std::string& layer) {
  if (layer.empty()) return plan;
  QuantizationPlan part = plan_of_layer(plan, layer);
  if (!part.tensors.empty()) return part;
  std::vector<std::string_view> known;
  for (const PlannedTensor& tensor : plan.tensors) known.emplace_back(tensor.layer);
  const std::string_view meant = nearest_spelling(layer, known);
  throw InvalidArgument(fmt::format(
      "--layer {}: no quantized tensor belongs to a layer of that name; {}", layer,
      meant.empty() ? "`calib_run explain --model M` lists them" : fmt::format("did you mean {}?", meant)));
}

void print_names(const std::vector<std::string>& names, bool as_json) {
  if (!as_json) {
    for (const std::string& name : names) fmt::print("{}\n", name);
    return;
  }
  JsonWriter json;
  json.strings(names);
  fmt::print("{}", json.text());
}

void run_job(const Job& job) {
  const auto [configuration, warnings] = load(job.config);
  if (!job.output.quiet) print_warnings(warnings);
  if (job.model.empty()) {
    if (job.tensors || !job.layer.empty()) {
      throw InvalidArgument("--tensors and --layer need a network: add --model NET.onnx");
    }
    fmt::print("{}\n", job.output.json ? describe_json(configuration) : describe_text(configuration));
    return;
  }
  const QuantizationPlan plan =
      selected(make_plan(read_network(job.model, configuration).transformed.graph, configuration), job.layer);
  if (job.tensors) {
    print_names(tensors_to_record(plan), job.output.json);
  } else if (job.output.json) {
    fmt::print("{}\n", describe_json(configuration, plan_members(plan)));
  } else {
    fmt::print("{}", plan_text(plan));
  }
}

}  // namespace

void add_explain(CLI::App& app, Run& run) {
  CLI::App* command =
      app.add_subcommand("explain", "which settings are in force, and where each value came from");
  command->footer(
      "Without --model: the configuration's own settings. With it: every tensor of the network.\n\n"
      "Examples:\n"
      "  calib_run explain --config models/configs/gpu.json\n"
      "  calib_run explain --config models/configs/gpu.json --model net.onnx --layer /conv1/Conv\n"
      "  calib_run explain --model net.onnx --tensors      names that a dump must hold, one a line");
  const auto job = std::make_shared<Job>();
  command->add_option("--model", job->model, "the float network, .onnx")->type_name("FILE");
  command->add_option("--layer", job->layer, "only the tensors of this layer (ONNX node name)")
      ->type_name("NAME");
  command->add_flag("--tensors", job->tensors, "print only the names of the tensors that a dump must hold");
  add_config_options(*command, job->config);
  add_output_options(*command, job->output, "no warnings");
  command->callback([job, &run] { run = [job] { run_job(*job); }; });
}

}  // namespace qcal::tools
