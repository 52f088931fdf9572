// calib_run prepare: the network as the configuration changes it, to record on.
#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "engine/error.h"
#include "engine/export/atomic_output.h"
#include "engine/export/json_writer.h"
#include "engine/export/plan_json.h"
#include "engine/network.h"
#include "engine/plan/quantization_plan.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/options.h"
#include "tools/calib_run/terminal.h"

namespace qcal::tools {
namespace {

struct Job {
  std::string model;
  std::string dumps;  // empty: all bounds stay
  std::string out;
  ConfigOptions config;
  OutputOptions output;
};

void print_json(const Job& job, const std::vector<TransformStatus>& transforms) {
  JsonWriter json;
  json.begin_object();
  json.member("out", job.out);
  json.key("transforms");
  write_transforms(json, transforms);
  json.end_object();
  fmt::print("{}", json.text());
}

void print_text(const Job& job, const std::vector<TransformStatus>& transforms) {
  for (const TransformStatus& transform : transforms) {
    fmt::print("{}: {}\n", transform.name, transform.status);
    for (const std::string& line : transform.details) fmt::print("  {}\n", line);
  }
  fmt::print("written to {}\n", job.out);
}

void run_job(const Job& job) {
  const auto [configuration, warnings] = load(job.config);
  if (!job.output.quiet) print_warnings(warnings);
  std::error_code unknown;
  if (std::filesystem::equivalent(job.model, job.out, unknown))
    throw InputError(job.out + ": --out is the model itself; recordings of it would no longer belong to it");
  Network network = read_network(job.model, configuration);
  if (!job.dumps.empty()) {
    std::vector<std::string> of_dumps;
    const auto dumps = dumps_of_network(network, open_dumps(job.dumps), of_dumps);
    network = without_unreached_bounds(std::move(network), *dumps);
    if (!job.output.quiet) print_warnings(of_dumps);
  }
  const auto transforms = make_plan(network.transformed.graph, configuration).transforms;
  write_file_atomically(job.out, prepared_model(network));
  if (!network.transformed.unclipped.empty() && !job.output.quiet) {
    print_warnings(
        {fmt::format("convert_relu6_to_relu: {} ReLU6 became ReLU: where values exceed 6 the network "
                     "is another; `calib_run calibrate` says how many do",
                     network.transformed.unclipped.size())});
  }
  if (job.output.json) {
    print_json(job, transforms);
  } else if (!job.output.quiet) {
    print_text(job, transforms);
  }
}

}  // namespace

void add_prepare(CLI::App& app, Run& run) {
  CLI::App* command =
      app.add_subcommand("prepare", "write the network as the configuration changes it, to record on");
  command->footer(
      "Applies convert_relu6_to_relu and include_cle, with BatchNorm folded, and says what they did. "
      "Tensors\n"
      "and layers keep their names. `calibrate` takes a recording of the result with either model; where "
      "only\n"
      "include_cle is on, a recording of the original serves as well, here with --dumps too.\n\n"
      "Example:\n"
      "  calib_run prepare --model net.onnx --config c.json --out prepared.onnx\n"
      "  tools/record.py prepared.onnx inputs.npz dump\n"
      "  calib_run calibrate --model net.onnx --config c.json --dumps dump --out results");
  const auto job = std::make_shared<Job>();
  command->add_option("--model", job->model, "the float network, .onnx")->required()->type_name("FILE");
  command
      ->add_option("--dumps", job->dumps,
                   "a recording: bounds a channel that its values never reach are\ndropped (see README)")
      ->type_name("DIR");
  command->add_option("--out", job->out, "the model to write")->required()->type_name("FILE");
  add_config_options(*command, job->config);
  add_output_options(*command, job->output, "print errors only");
  command->callback([job, &run] { run = [job] { run_job(*job); }; });
}

}  // namespace qcal::tools
