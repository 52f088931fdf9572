// A network calibrated while a program runs it, with no dump in between.
//
//   qcal::NetworkCalibration calibration{"net.onnx", configuration, {.backend = qcal::Backend::cpu()}};
//   run(calibration.prepared_model(), calibration.tensors(), [&](name, batch) {
//     calibration.observe(name, batch);
//   });
//   qcal::CalibrationResult result = calibration.finish();
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/pipeline.h"
#include "engine/run/sequential_calibration.h"

namespace qcal {

// The bits of calibrate_model on a recording of the prepared model. Memory: the network, one collector a
// tensor and what bias correction adds up; no batch is kept.
class NetworkCalibration {
 public:
  // `options.threads` is not looked at: work runs in the calling thread's oneTBB arena. Throws what
  // calibrate_model throws about the model.
  NetworkCalibration(const std::filesystem::path& model, const Configuration& configuration,
                     const RunOptions& options);
  ~NetworkCalibration();
  NetworkCalibration(NetworkCalibration&&) noexcept;
  NetworkCalibration& operator=(NetworkCalibration&&) noexcept;

  // The network to run, as an ONNX file: what the configuration makes of the model. Throws InputError where
  // it cannot be written.
  std::string prepared_model() const;

  // The tensors of it whose batches are wanted: all that are calibrated, and those whose bounds are watched.
  std::vector<std::string> tensors() const;

  // One batch, in host memory, read before the call returns. Batches of one tensor come one at a time and in
  // order, those of different tensors from several threads where need be. Throws InvalidArgument for a tensor
  // that is not among tensors(), for device memory, and as Calibrator::observe does; InputError where a batch
  // does not have the network's channels.
  void observe(const std::string& name, const TensorView& batch);

  // To be called once. Throws InputError listing the tensors of which no batch was observed.
  CalibrationResult finish();

  // Instead of finish(), where biases are corrected: on the inputs that the quantized network itself has.
  SequentialCalibration sequentially() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qcal
