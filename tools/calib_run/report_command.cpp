// calib_run report: a calibration as one page for people.
#include <fmt/format.h>

#include "engine/export/atomic_output.h"
#include "engine/export/json_writer.h"
#include "engine/report/report.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/options.h"
#include "tools/calib_run/terminal.h"

namespace qcal::tools {
namespace {

struct Job {
  ReportRequest request;
  std::string out;
  ConfigOptions config;
  OutputOptions output;
};

void run_job(const Job& job) {
  const LoadedConfiguration loaded = load_for_params(job.config, job.request.params);
  const bool talk = !job.output.quiet && !job.output.json;
  ReportRequest request = job.request;
  request.backend = Backend::cpu();
  std::string page;
  {
    ProgressBar bar(talk);
    request.on_progress = [&](const Progress& progress) { bar.update(progress); };
    page = report_html(request, loaded);
  }
  write_file_atomically(job.out, page);
  if (job.output.json) {
    JsonWriter json;
    json.begin_object();
    json.member("out", job.out);
    json.end_object();
    fmt::print("{}", json.text());
  } else if (talk) {
    fmt::print("written to {}\n", job.out);
  }
}

}  // namespace

void add_report(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("report", "a calibration as one HTML page, for people");
  command->footer(
      "A page that needs no network: every tensor with its distribution and the range that its scale "
      "reaches, in a\n"
      "table that sorts and filters; the layers, worst first; the configuration, each value with its source; "
      "warnings.\n"
      "With --config the sources are those of that file, otherwise those of the copy in "
      "quant_params.json.\n\n"
      "Example:\n"
      "  calib_run report --model net.onnx --dumps dump --params results/quant_params.json --config c.json "
      "\\\n"
      "      --out report.html");
  const auto job = std::make_shared<Job>();
  command->add_option("--model", job->request.model, "the float network that was calibrated, .onnx")
      ->required()
      ->type_name("FILE");
  command->add_option("--dumps", job->request.dumps, "the recording that it was calibrated with")
      ->required()
      ->type_name("DIR");
  command->add_option("--params", job->request.params, "quant_params.json that calibrate wrote")
      ->required()
      ->type_name("FILE");
  command->add_option("--out", job->out, "the page to write")->required()->type_name("FILE");
  add_config_options(*command, job->config);
  add_output_options(*command, job->output, "print errors only");
  command->callback([job, &run] { run = [job] { run_job(*job); }; });
}

}  // namespace qcal::tools
