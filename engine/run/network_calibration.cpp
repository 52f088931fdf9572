#include "engine/run/network_calibration.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "engine/collect/tensor_parameters.h"
#include "engine/dumps/in_quotes.h"
#include "engine/dumps/sha256.h"
#include "engine/error.h"
#include "engine/run/network_job.h"

namespace qcal {
namespace {

// What is left of batches that were handed over: which network they are of.
class PassedBatches final : public DumpSource {
 public:
  explicit PassedBatches(std::string sha256) : sha256_(std::move(sha256)) {}

  const std::vector<std::string>& names() const override { return none_; }
  bool contains(const std::string&) const override { return false; }
  std::size_t batches(const std::string&) const override { return 0; }
  std::uint64_t bytes(const std::string&) const override { return 0; }
  std::unique_ptr<DumpBatch> open(const std::string& name, std::size_t) const override { throw gone(name); }
  std::unique_ptr<TensorParts> parts(const std::string& name, std::size_t) const override {
    throw gone(name);
  }
  std::optional<std::string> model_sha256() const override { return sha256_; }
  std::string description() const override { return "batches of the prepared model"; }

 private:
  InputError gone(const std::string& name) const {
    return InputError(fmt::format("{}: tensor {} is not kept", description(), in_quotes(name)));
  }

  std::vector<std::string> none_;
  std::string sha256_;
};

bool is_calibrated(const PlannedTensor& tensor) {
  return tensor.same_as.empty() && tensor.settings.datatype.value == Datatype::integer;
}

}  // namespace

struct NetworkCalibration::State {
  // What is to be done with a tensor's batches, and how many there were.
  struct Wanted {
    bool calibrate = false;
    std::atomic<std::int64_t> observed = 0;
  };

  State(const std::filesystem::path& model, const Configuration& configuration, const RunOptions& options)
      : job(std::make_unique<NetworkJob>(model, configuration, options)),
        calibrator(configuration, options.backend, {options.non_finite}) {
    for (const PlannedTensor& tensor : job->plan().tensors) {
      if (tensor.same_as.empty()) calibrator.declare(tensor);
      if (tensor.parameter || tensor.settings.datatype.value != Datatype::integer) continue;
      wanted[tensor.name].calibrate = is_calibrated(tensor);
    }
    for (const std::string& tensor : job->watch().wanted()) wanted[tensor];
  }

  void observe_parameters() {
    const std::vector<PlannedTensor>& tensors = job->plan().tensors;
    tbb::parallel_for(std::size_t{0}, tensors.size(), [&](std::size_t at) {
      const PlannedTensor& tensor = tensors[at];
      if (tensor.parameter && is_calibrated(tensor)) calibrator.observe(tensor.name, values_of(tensor));
    });
  }

  QuantizationParameters found() {
    require_observed();
    observe_parameters();
    return with_shared_parameters(job->plan(), calibrator.finish());
  }

  void require_observed() const {
    std::string missing;
    for (const auto& [name, tensor] : wanted)
      if (tensor.calibrate && tensor.observed == 0) missing += "\n  " + name;
    if (!missing.empty()) throw InputError("no batch was observed of these tensors to quantize:" + missing);
  }

  std::unique_ptr<NetworkJob> job;
  Calibrator calibrator;
  std::map<std::string, Wanted> wanted;
};

NetworkCalibration::NetworkCalibration(const std::filesystem::path& model, const Configuration& configuration,
                                       const RunOptions& options)
    : state_(std::make_unique<State>(model, configuration, options)) {}

NetworkCalibration::~NetworkCalibration() = default;
NetworkCalibration::NetworkCalibration(NetworkCalibration&&) noexcept = default;
NetworkCalibration& NetworkCalibration::operator=(NetworkCalibration&&) noexcept = default;

std::string NetworkCalibration::prepared_model() const {
  return qcal::prepared_model(state_->job->network());
}

std::vector<std::string> NetworkCalibration::tensors() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state_->wanted) names.push_back(name);
  return names;
}

void NetworkCalibration::observe(const std::string& name, const TensorView& batch) {
  const auto found = state_->wanted.find(name);
  if (found == state_->wanted.end())
    throw InvalidArgument(fmt::format("tensor {}: no batch of it is wanted", in_quotes(name)));
  if (batch.memory == Memory::device)
    throw InvalidArgument(fmt::format("tensor {}: a batch lies in device memory", in_quotes(name)));
  if (found->second.calibrate) state_->calibrator.observe(name, batch);
  state_->job->watch().observe(name, WholeTensor(batch));
  ++found->second.observed;
}

CalibrationResult NetworkCalibration::finish() {
  QuantizationParameters found = state_->found();
  NetworkJob& job = *state_->job;
  return job.finish(std::move(found), PassedBatches(sha256_of(prepared_model())), job.warnings());
}

SequentialCalibration NetworkCalibration::sequentially() && {
  QuantizationParameters found = state_->found();
  auto batches = std::make_unique<PassedBatches>(sha256_of(prepared_model()));
  return {std::move(state_->job), std::move(found), std::move(batches)};
}

}  // namespace qcal
