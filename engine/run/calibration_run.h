// A whole calibration whose state can be saved, gone on with, and merged with those of other processes.
//
//   qcal::CalibrationRun run({"net.onnx", {}, {}, configuration}, qcal::open_dumps("dump"), {.backend =
//   backend}); run.read();                                    // and on another machine: run.read({.index =
//   1, .count = 2}) run.merge(state_of_the_other, "its name");     // what run.save() gave there
//   qcal::CalibrationResult result = run.finish();
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/pipeline.h"
#include "engine/run/collection.h"
#include "engine/run/network_job.h"
#include "engine/state/sealed.h"

namespace qcal {

struct CalibrationJob {
  std::filesystem::path model;  // empty: no network; every tensor of the recording in one role
  Role role = Role::activation;
  std::optional<int> channel_axis = {};
  Configuration configuration;
};

// What a state says about the run that it is of.
struct SavedRun {
  CalibrationJob job;
  std::string source;                 // of the state, for messages
  std::string model_sha256;           // empty where there is no network
  std::unique_ptr<DumpSource> dumps;  // without values
  std::optional<NonFinite> non_finite;
  Alignment align;
};

// Throws InputError, led by `source`, for bytes that are no state of a run.
SavedRun saved_run(std::string_view state, const std::string& source);

class CalibrationRun {
 public:
  // Reads the network and plans. Throws InputError where the dump was recorded from another model file or
  // lacks tensors.
  CalibrationRun(CalibrationJob job, std::unique_ptr<DumpSource> dumps, RunOptions options);
  // To merge states into, without a recording. Throws InputError where the model file is another.
  CalibrationRun(SavedRun saved, RunOptions options);
  CalibrationRun(const CalibrationRun&) = delete;
  CalibrationRun& operator=(const CalibrationRun&) = delete;

  // Reads what is the shard's and not done yet. `after_batch` is called from any thread, which may then
  // save().
  void read(const Shard& shard = {}, const std::function<void()>& after_batch = {});

  // See engine/state/README.md. Thread-safe. `note` is for resume().
  std::string save(const std::string& note = "") const;
  // Takes over what another run of the same job saved. Throws InputError, led by `source`, for bytes that are
  // no state, broken, of another job, or hold batches that were read here too.
  void merge(std::string_view state, const std::string& source);
  // The same for a state of this very process' share: refuses one that was saved with another note.
  void resume(std::string_view state, const std::string& source, const std::string& note = "");

  // So far: about recording and plan.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Search, device rules, bias correction, export. Throws InvalidArgument where a batch is missing. To be
  // called once.
  CalibrationResult finish();

 private:
  enum class Values { here, elsewhere };
  CalibrationRun(CalibrationJob job, std::unique_ptr<DumpSource> dumps, RunOptions options, Values values);

  const CalibrationJob job_;
  const RunOptions options_;
  std::vector<std::string> warnings_;
  std::optional<NetworkJob> network_;
  std::unique_ptr<DumpSource> dumps_;
  QuantizationPlan plan_of_dump_;  // where there is no network
  std::optional<Collection> collection_;
  Identity identity_;
};

}  // namespace qcal
