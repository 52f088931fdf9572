// calib_run diff: what changed between two calibrations.
#include <fmt/format.h>

#include "engine/export/diff.h"
#include "engine/export/json_writer.h"
#include "engine/export/quant_params.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/options.h"

namespace qcal::tools {
namespace {

struct Job {
  std::string first;
  std::string second;
  OutputOptions output;
};

std::string kind_name(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::only_in_first:
      return "only_in_first";
    case Difference::Kind::only_in_second:
      return "only_in_second";
    case Difference::Kind::setting:
      return "setting";
    case Difference::Kind::result:
      return "result";
  }
  return "";
}

std::string differences_json(const std::vector<Difference>& differences) {
  JsonWriter json;
  json.begin_array();
  for (const Difference& difference : differences) {
    json.begin_object();
    json.member("layer", difference.layer);
    json.member("tensor", difference.tensor);
    json.member("kind", kind_name(difference.kind));
    json.member("field", difference.field);
    json.member("before", difference.before);
    json.member("after", difference.after);
    json.key("relative_change");
    if (difference.relative_change) {
      json.number(*difference.relative_change);
    } else {
      json.null();
    }
    json.end_object();
  }
  json.end_array();
  return json.text();
}

void run_job(const Job& job) {
  const QuantizationParameters first = read_quant_params(job.first);
  const QuantizationParameters second = read_quant_params(job.second);
  const std::vector<Difference> differences = compare_parameters(first, second);
  if (job.output.json) {
    fmt::print("{}", differences_json(differences));
  } else if (!job.output.quiet) {
    fmt::print("{}", differences_text(differences));
  }
}

}  // namespace

void add_diff(CLI::App& app, Run& run) {
  CLI::App* command =
      app.add_subcommand("diff", "what changed between two quant_params.json, layer by layer");
  command->footer(
      "Examples:\n"
      "  calib_run diff results/a/quant_params.json results/b/quant_params.json\n"
      "  calib_run diff --json a.json b.json | jq '.[] | select(.field == \"bit_width\")'");
  const auto job = std::make_shared<Job>();
  command->add_option("first", job->first, "quant_params.json before")->required()->type_name("FILE");
  command->add_option("second", job->second, "quant_params.json after")->required()->type_name("FILE");
  add_output_options(*command, job->output, "print errors only");
  command->callback([job, &run] { run = [job] { run_job(*job); }; });
}

}  // namespace qcal::tools
