#include "engine/run/calibration_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/describe.h"
#include "engine/dumps/in_quotes.h"
#include "engine/dumps/recording_index.h"
#include "engine/dumps/sha256.h"
#include "engine/error.h"
#include "engine/run/worker_threads.h"
#include "engine/state/calibrator_identity.h"
#include "engine/version.h"

namespace qcal {
namespace {

constexpr const char* kind = "kind of state";
constexpr const char* configuration_key = "configuration";
constexpr const char* model_key = "model file (by its SHA-256)";

// Before a plan is made of it that nothing would fit.
CalibrationJob with_its_model(SavedRun& saved) {
  const std::filesystem::path& model = saved.job.model;
  if (!model.empty() && sha256_of_file(model) != saved.model_sha256) {
    throw InputError(fmt::format("{}: not the model file that {} is of, whose SHA-256 is {}", model.string(),
                                 saved.source, in_quotes(saved.model_sha256)));
  }
  return std::move(saved.job);
}

RunOptions with_its_policy(const SavedRun& saved, RunOptions options) {
  options.non_finite = saved.non_finite;
  options.align = saved.align;
  return options;
}

QuantizationPlan plan_of_dump(const DumpSource& dumps, const CalibrationJob& job) {
  QuantizationPlan plan;
  for (const std::string& name : dumps.names()) {
    PlannedTensor tensor;
    tensor.name = name;
    tensor.role = job.role;
    tensor.channel_axis = job.channel_axis;
    tensor.settings = job.configuration.tensor_settings[job.role];
    plan.tensors.push_back(std::move(tensor));
  }
  return plan;
}

std::string text_of(const Alignment& align) {
  return fmt::format("{}{}{}", align.concat ? "concat " : "", align.add ? "add " : "",
                     align.pool ? "pool " : "");
}

NonFinite policy_of(const Configuration& configuration, const RunOptions& options) {
  const bool vitis = configuration.compatibility == Compatibility::vitis;
  return options.non_finite.value_or(vitis ? NonFinite::skip : NonFinite::reject);
}

// What finishing needs beside the identity, and what says where a state comes from.
void write_origin(ByteWriter& to, const CalibrationJob& job, const RunOptions& options,
                  const DumpSource& dumps, const std::string& note) {
  to.text(note);
  to.text(job.model.string());
  to.whole(static_cast<std::uint64_t>(job.role));
  to.flag(job.channel_axis.has_value());
  to.integer(job.channel_axis.value_or(0));
  to.flag(job.configuration.compatibility == Compatibility::vitis);
  to.whole(static_cast<std::uint64_t>(policy_of(job.configuration, options)));
  to.flag(options.align.concat);
  to.flag(options.align.add);
  to.flag(options.align.pool);
  write_index(to, index_of(dumps));
}

struct Origin {
  std::string note;
  SavedRun run;
};

Origin read_origin(ByteReader& from, const Identity& identity) {
  Origin origin;
  SavedRun& run = origin.run;
  origin.note = from.text();
  run.job.model = std::string(from.text());
  run.job.role = static_cast<Role>(from.whole(static_cast<std::uint64_t>(all_roles.size() - 1), "a role"));
  const bool has_axis = from.flag();
  const std::int64_t axis = from.integer();
  if (has_axis && (axis < -64 || axis > 64)) from.refuse(fmt::format("axis {}", axis));
  if (has_axis) run.job.channel_axis = static_cast<int>(axis);
  const bool vitis = from.flag();
  run.non_finite = static_cast<NonFinite>(from.whole(2, "a policy"));
  run.align = {.concat = from.flag(), .add = from.flag(), .pool = from.flag()};
  RecordingIndex index = read_index(from);
  for (const RecordedTensor& tensor : index.tensors) {
    if (run.job.model.empty() && tensor.batches == 0)
      from.refuse("of a recording without a batch of tensor " + in_quotes(tensor.name));
  }
  run.dumps = dumps_elsewhere(std::move(index));
  const auto text = std::ranges::find(identity, configuration_key, &Identity::value_type::first);
  if (text == identity.end()) from.refuse("does not say its configuration");
  ParsedConfiguration parsed = parse_config(
      text->second,
      {"configuration", vitis ? Compatibility::vitis : Compatibility::standard, DeviceRules::warn});
  if (!parsed.ok())
    from.refuse("its configuration cannot be read: " + in_quotes(parsed.diagnostics.front().text()));
  run.job.configuration = std::move(parsed.configuration);
  return origin;
}

Identity identity_of(const CalibrationJob& job, const RunOptions& options, const Network* network,
                     const DumpSource& dumps) {
  Identity identity{{kind, network != nullptr ? "calib_run calibrate" : "calib_run tensors"}};
  const Identity calibrator = calibrator_identity(job.configuration, policy_of(job.configuration, options));
  identity.insert(identity.end(), calibrator.begin(), calibrator.end());
  if (network != nullptr) {
    identity.emplace_back(model_key, network->sha256);
    identity.emplace_back("alignment (--align)", text_of(options.align));
  } else {
    identity.emplace_back("role", std::string(spelling(job.role)));
    identity.emplace_back("channel axis", job.channel_axis ? std::to_string(*job.channel_axis) : "none");
  }
  identity.emplace_back("recording (by its tensors, batches and sizes)", fingerprint(index_of(dumps)));
  return identity;
}

Identity contents_identity(ByteReader& from) {
  Identity identity = read_identity(from);
  if (identity.empty() || identity.front().first != kind)
    from.refuse("a state, but none that calib_run has written");
  return identity;
}

}  // namespace

SavedRun saved_run(std::string_view state, const std::string& source) {
  ByteReader from(opened(state, source), source);
  const Identity identity = contents_identity(from);
  require_same({identity.begin() + 1, identity.end()}, {{"version of qcal", version()}}, source);
  SavedRun run = read_origin(from, identity).run;
  run.source = source;
  const auto model = std::ranges::find(identity, model_key, &Identity::value_type::first);
  if (model != identity.end()) run.model_sha256 = model->second;
  if (run.job.model.empty() != run.model_sha256.empty()) from.refuse("does not say its model");
  return run;
}

CalibrationRun::CalibrationRun(CalibrationJob job, std::unique_ptr<DumpSource> dumps, RunOptions options)
    : CalibrationRun(std::move(job), std::move(dumps), std::move(options), Values::here) {}

CalibrationRun::CalibrationRun(SavedRun saved, RunOptions options)
    : CalibrationRun(with_its_model(saved), std::move(saved.dumps),
                     with_its_policy(saved, std::move(options)), Values::elsewhere) {}

CalibrationRun::CalibrationRun(CalibrationJob job, std::unique_ptr<DumpSource> dumps, RunOptions options,
                               Values values)
    : job_(std::move(job)), options_(std::move(options)), dumps_(std::move(dumps)) {
  if (job_.model.empty()) {
    plan_of_dump_ = plan_of_dump(*dumps_, job_);
  } else {
    network_.emplace(job_.model, job_.configuration, options_);
    if (values == Values::here) dumps_ = dumps_of_network(network_->network(), std::move(dumps_), warnings_);
    for (std::string& warning : network_->warnings()) warnings_.push_back(std::move(warning));
  }
  collection_.emplace(network_ ? network_->plan() : plan_of_dump_, *dumps_, job_.configuration, options_,
                      network_ ? &network_->watch() : nullptr);
  identity_ = identity_of(job_, options_, network_ ? &network_->network() : nullptr, *dumps_);
}

void CalibrationRun::read(const Shard& shard, const std::function<void()>& after_batch) {
  collection_->read(shard, after_batch);
}

std::string CalibrationRun::save(const std::string& note) const {
  ByteWriter contents;
  write_identity(contents, identity_);
  write_origin(contents, job_, options_, *dumps_, note);
  collection_->save(contents);
  return sealed(contents.bytes());
}

void CalibrationRun::merge(std::string_view state, const std::string& source) {
  ByteReader from(opened(state, source), source);
  const Identity identity = contents_identity(from);
  require_same(identity, identity_, source);
  read_origin(from, identity);
  collection_->merge(from);
  from.end();
}

void CalibrationRun::resume(std::string_view state, const std::string& source, const std::string& note) {
  ByteReader from(opened(state, source), source);
  const Identity identity = contents_identity(from);
  require_same(identity, identity_, source);
  require_same({{"share of the work", read_origin(from, identity).note}}, {{"share of the work", note}},
               source);
  collection_->merge(from);
  from.end();
}

CalibrationResult CalibrationRun::finish() {
  QuantizationParameters found = collection_->finish();
  CalibrationResult result;
  if (network_) {
    on_threads(options_.threads,
               [&](int) { result = network_->finish(std::move(found), *dumps_, warnings_); });
    return result;
  }
  result.parameters = std::move(found);
  result.context = {
      version(), "", dumps_->model_sha256().value_or(""), configuration_json(job_.configuration), {}};
  result.warnings = warnings_;
  return result;
}

}  // namespace qcal
