// calib_run calibrate and calib_run tensors: from dumps to parameters on disk.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "engine/export/json_writer.h"
#include "engine/export/staging.h"
#include "engine/run/calibration_run.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/options.h"
#include "tools/calib_run/ranks.h"
#include "tools/calib_run/results.h"
#include "tools/calib_run/sharing.h"
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
  SharingOptions sharing;
  ResultOptions results;
  OutputOptions output;
};

void write_state(const CalibrationRun& run, const Job& job, const std::vector<std::string>& warnings) {
  const std::string state = run.save();
  write_file_atomically(job.sharing.state, state);
  if (job.output.json) {
    JsonWriter json;
    json.begin_object();
    json.member("warnings", warnings);
    json.member("state", job.sharing.state);
    json.key("bytes");
    json.unsigned_integer(state.size());
    json.end_object();
    fmt::print("{}", json.text());
  } else if (!job.output.quiet) {
    print_warnings(run.warnings());
    fmt::print("share {} written to {} ({} bytes); `calib_run merge` makes results of all shares\n",
               share_name(job.sharing), job.sharing.state, state.size());
  }
}

// Of several processes the first speaks for all.
Job part_of(const Job& job, const Ranks& ranks) {
  Job part = job;
  part.sharing = part_of(job.sharing, ranks);
  if (ranks.rank() > 0) part.output = {.json = false, .quiet = true};
  return part;
}

void run_job(const Job& given) {
  const Ranks ranks;
  const Job job = part_of(given, ranks);
  const LoadedConfiguration loaded = load(job.config);
  if (job.output.talks()) print_warnings(loaded.warnings);
  std::optional<Results> results;
  if (given.sharing.shard) {
    AtomicOutput(directory_of(job.sharing.state));
  } else if (ranks.rank() == 0) {
    results.emplace(job.results, job.output);
  }
  std::optional<Checkpoint> checkpoint = checkpoint_of(job.sharing);
  RunOptions options{
      backend_named(job.work.backend), job.work.threads, job.work.non_finite, {}, alignment_of(job.align)};
  const std::shared_ptr<const Backend> backend = options.backend;
  std::optional<ProgressBar> bar(job.output.talks());
  options.on_progress = [&](const Progress& progress) { bar->update(progress); };
  CalibrationRun run({job.model, job.role, job.axis, loaded.configuration}, open_dumps(job.dumps),
                     std::move(options));
  const bool resumed = read_share(run, job.sharing, checkpoint);
  if (resumed && job.output.talks()) fmt::print(stderr, "went on from {}\n", job.sharing.checkpoint);
  if (given.sharing.shard) {
    bar.reset();
    std::vector<std::string> warnings = loaded.warnings;
    warnings.insert(warnings.end(), run.warnings().begin(), run.warnings().end());
    write_state(run, job, warnings);
  } else if (gather(run, ranks)) {
    CalibrationResult result = run.finish();
    bar.reset();
    results->write(std::move(result), {loaded.configuration, backend->reason(), job.work.backend == "auto"},
                   loaded.warnings);
  }
  ranks.meet();  // the results are written: no checkpoint is needed any more
  if (checkpoint) checkpoint->remove();
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
  add_result_options(command, job.results);
  add_sharing_options(command, job.sharing);
  add_output_options(command, job.output, "print errors only");
}

void run_after_parsing(CLI::App& command, const std::shared_ptr<Job>& job, Run& run) {
  command.callback([job, &run] {
    if (!job->sharing.shard && job->results.out.empty()) throw CLI::RequiredError("--out");
    run = [job] { run_job(*job); };
  });
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
      "  calib_run calibrate --model net.onnx --dumps dump --out results --checkpoint c.state --resume\n"
      "  mpirun -n 4 calib_run calibrate --model net.onnx --dumps dump --out results    four processes share "
      "it\n"
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
  add_network_result_options(*command, job->results);
  run_after_parsing(*command, job, run);
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
  run_after_parsing(*command, job, run);
}

}  // namespace qcal::tools
