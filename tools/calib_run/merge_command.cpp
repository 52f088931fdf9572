// calib_run merge: the states of shards become results, or one state.
#include <fmt/format.h>

#include <utility>

#include "engine/run/calibration_run.h"
#include "engine/run/checkpoint.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/options.h"
#include "tools/calib_run/results.h"
#include "tools/calib_run/terminal.h"

namespace qcal::tools {
namespace {

struct Job {
  std::vector<std::string> states;
  std::string model;  // empty: where the first state says
  std::string state;  // to write instead of results
  ResultOptions results;
  OutputOptions output;
};

void run_job(const Job& job) {
  std::optional<Results> results;
  if (job.state.empty()) results.emplace(job.results, job.output);
  std::string state = read_state_file(job.states.front());
  SavedRun saved = saved_run(state, job.states.front());
  if (!job.model.empty() && !saved.job.model.empty()) saved.job.model = job.model;
  const Configuration configuration = saved.job.configuration;
  const auto backend = Backend::cpu();
  CalibrationRun run(std::move(saved), {.backend = backend});
  for (const std::string& file : job.states) {
    if (&file != &job.states.front()) state = read_state_file(file);
    run.merge(state, file);
  }
  if (results) {
    results->write(run.finish(), {configuration, backend->reason(), false}, {});
    return;
  }
  write_file_atomically(job.state, run.save());
  if (job.output.talks()) fmt::print("{} states written to {}\n", job.states.size(), job.state);
}

}  // namespace

void add_merge(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("merge", "make results of the states that shards have written");
  command->footer(
      "The states of all shares, in any order, give the results that a single run would have given, to the "
      "bit.\n"
      "The model file is read again, the recording is not.\n\n"
      "Example, each of the first two on a machine of its own:\n"
      "  calib_run calibrate --model net.onnx --dumps dump --shard 1/2 --state 1.state\n"
      "  calib_run calibrate --model net.onnx --dumps dump --shard 2/2 --state 2.state\n"
      "  calib_run merge 1.state 2.state --out results");
  const auto job = std::make_shared<Job>();
  command->add_option("states", job->states, "what `calibrate --shard` or `tensors --shard` wrote")
      ->required()
      ->type_name("STATE");
  command->add_option("--model", job->model, "the float network, where it is not where the states say")
      ->type_name("FILE");
  add_result_options(*command, job->results);
  add_network_result_options(*command, job->results);
  command->add_option("--state", job->state, "write one state of all instead of results")
      ->option_text("FILE")
      ->excludes("--out")
      ->group("Output");
  add_output_options(*command, job->output, "print errors only");
  command->callback([job, &run] {
    if (job->state.empty() && job->results.out.empty()) throw CLI::RequiredError("--out or --state");
    run = [job] { run_job(*job); };
  });
}

}  // namespace qcal::tools
