#include "engine/run/sequential_calibration.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/collect/fake_quantized.h"
#include "engine/correct/sequential_bias.h"
#include "engine/dumps/in_quotes.h"
#include "engine/error.h"
#include "engine/export/qdq_graph.h"
#include "engine/run/network_job.h"

namespace qcal {
namespace {

const BiasCorrector& corrector_of(NetworkJob& job) {
  const BiasCorrector* corrector = job.watch().corrector();
  if (corrector == nullptr) throw InvalidArgument("no bias is corrected: include_bias_corr is false");
  return *corrector;
}

}  // namespace

struct SequentialCalibration::State {
  State(std::unique_ptr<NetworkJob> of, QuantizationParameters by_search, std::unique_ptr<DumpSource> batches)
      : job(std::move(of)),
        dumps(std::move(batches)),
        found(job->without_costly_outputs(std::move(by_search))),
        corrected(job->corrected(found, {}, *dumps)),
        sequential(corrector_of(*job), job->bias_corrector(), corrected.parameters, job->compatibility()),
        names(quantized_graph(job->graph(), job->plan(), corrected.parameters, job->compatibility())) {}

  // What holds a tensor's values in the quantized network, and whether they are quantized there already: a
  // layer that reads a rearranged tensor has its quantizer behind the rearrangement.
  std::pair<std::string, bool> output(const std::string& tensor) const {
    const std::string dequantizer = tensor + "_DequantizeLinear";
    for (const Node& node : names.nodes) {
      if (node.name == dequantizer) return {node.output(0), true};
    }
    const bool exists = std::ranges::find(names.inputs, tensor) != names.inputs.end() ||
                        std::ranges::any_of(names.nodes, [&](const Node& node) {
                          return std::ranges::find(node.outputs, tensor) != node.outputs.end();
                        });
    if (!exists) throw InputError("tensor " + in_quotes(tensor) + " is not in the quantized network");
    return {tensor, false};
  }

  const TensorParameters* quantizer(const std::string& tensor) const {
    const auto own = std::ranges::find(corrected.parameters.tensors, tensor, &TensorParameters::name);
    return own == corrected.parameters.tensors.end() || own->scale.empty() ? nullptr : &*own;
  }

  std::unique_ptr<NetworkJob> job;
  std::unique_ptr<DumpSource> dumps;
  const QuantizationParameters found;
  Corrected corrected;  // with the corrections so far
  SequentialBias sequential;
  Graph names;  // the quantized network
};

SequentialCalibration::SequentialCalibration(std::unique_ptr<NetworkJob> job, QuantizationParameters found,
                                             std::unique_ptr<DumpSource> dumps)
    : state_(std::make_unique<State>(std::move(job), std::move(found), std::move(dumps))) {}

SequentialCalibration::~SequentialCalibration() = default;
SequentialCalibration::SequentialCalibration(SequentialCalibration&&) noexcept = default;
SequentialCalibration& SequentialCalibration::operator=(SequentialCalibration&&) noexcept = default;

std::optional<SequentialCalibration::Wanted> SequentialCalibration::next() const {
  const auto tensor = state_->sequential.next();
  if (!tensor) return std::nullopt;
  return Wanted{*tensor, state_->output(*tensor).first};
}

std::string SequentialCalibration::model() const {
  OnnxFiles files = state_->job->quantized(state_->corrected);
  if (!files.data.empty()) throw InputError("the quantized network takes more than the 2 GiB of a file");
  return std::move(files.model);
}

void SequentialCalibration::observe(const TensorView& batch) {
  const auto tensor = state_->sequential.next();
  if (!tensor) throw InvalidArgument("every layer is decided");
  if (batch.memory == Memory::device)
    throw InvalidArgument("tensor " + in_quotes(*tensor) + ": a batch lies in device memory");
  const TensorParameters* quantizer = state_->quantizer(*tensor);
  if (state_->output(*tensor).second || quantizer == nullptr)
    return state_->sequential.observe(*tensor, WholeTensor(batch));
  std::vector<float> values(static_cast<std::size_t>(batch.size()));
  fake_quantize_tensor(batch, *quantizer, state_->job->compatibility(), values);
  const TensorView quantized{values.data(), DType::f32, batch.shape, Memory::host, {}};
  state_->sequential.observe(*tensor, WholeTensor(quantized));
}

void SequentialCalibration::decide() {
  state_->sequential.decide();
  state_->corrected = state_->job->corrected(state_->found, state_->sequential.corrections(), *state_->dumps);
}

CalibrationResult SequentialCalibration::finish() {
  if (const auto tensor = state_->sequential.next())
    throw InvalidArgument("the layers that read " + in_quotes(*tensor) + " are not decided");
  return state_->job->result(state_->corrected, *state_->dumps, state_->job->warnings(),
                             "on inputs of the quantized network");
}

}  // namespace qcal
