// Bias correction on the inputs that the quantized network itself has (correct/sequential_bias.h), for one
// who can run it.
//
//   qcal::SequentialCalibration sequential = std::move(calibration).sequentially();
//   while (const auto tensor = sequential.next()) {
//     run(sequential.model(), tensor->output, [&](batch) { sequential.observe(batch); });
//     sequential.decide();
//   }
//   qcal::CalibrationResult result = sequential.finish();
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/dumps/dump_source.h"
#include "engine/pipeline.h"

namespace qcal {

class NetworkJob;

class SequentialCalibration {
 public:
  // `job` has observed every batch of the float network, `found` has the parameters of its plan, `dumps` is
  // where the batches came from. Throws InvalidArgument where no bias is to be corrected.
  SequentialCalibration(std::unique_ptr<NetworkJob> job, QuantizationParameters found,
                        std::unique_ptr<DumpSource> dumps);
  ~SequentialCalibration();
  SequentialCalibration(SequentialCalibration&&) noexcept;
  SequentialCalibration& operator=(SequentialCalibration&&) noexcept;

  // Whose batches are wanted next.
  struct Wanted {
    std::string tensor;  // of the network that was calibrated
    std::string output;  // what holds its values in model()
  };
  // Absent when every layer is decided.
  std::optional<Wanted> next() const;

  // The quantized network with the corrections so far, as an ONNX file. Throws InputError where it cannot be
  // written, or takes more than the 2 GiB of a file.
  std::string model() const;

  // One batch of next()'s output, in host memory: of the batches that were observed of the float network, in
  // their order.
  void observe(const TensorView& batch);

  // Decides on the layers that read next(), keeping what lowers the error on the samples held back.
  // Throws InvalidArgument where fewer or more samples were observed than of the float network.
  void decide();

  // To be called once, when next() is absent.
  CalibrationResult finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qcal
