// The library's front door: tensors in, batch by batch, quantization parameters out.
//
//   qcal::Calibrator calibrator{qcal::load_config("config.json"), qcal::Backend::automatic()};
//   calibrator.declare("conv1.output", {.role = qcal::Role::activation, .layer_name = "conv1",
//                                       .layer_type = "Conv2d", .channel_axis = 1});
//   calibrator.observe("conv1.output", {pointer, qcal::DType::f32, {32, 64, 112, 112}});
//   qcal::QuantizationParameters parameters = calibrator.finish();
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "engine/config_file.h"
#include "engine/export/quantization_parameters.h"
#include "engine/plan/quantization_plan.h"
#include "kernels/backend.h"
#include "kernels/non_finite.h"
#include "kernels/stream.h"
#include "kernels/tensor_parts.h"

namespace qcal {

// What a caller without a graph says about one tensor; the configuration resolves the rest.
struct Declaration {
  Role role = Role::activation;
  std::string layer_name = {};                   // matched against layer_name entries
  std::string layer_type = {};                   // against layer_type entries
  std::string module_path = {};                  // "layer1.0.conv1": against vai_q_pytorch's names
  std::optional<int> channel_axis = {};          // required for per_channel; negative counts from the end
  std::optional<BiasFactors> bias_factors = {};  // of a 32-bit bias
};

struct CalibratorOptions {
  // Absent: reject, and with Compatibility::vitis skip, as vai_q_pytorch does.
  std::optional<NonFinite> non_finite;
};

// Thread-safe: calls for one tensor wait for each other, calls for different tensors run side by side.
// Destruction waits for nobody: calls that are on their way finish undisturbed. Touches no file and keeps no
// global state. Memory: one collector a tensor, at most 64 bytes a batch and channel; no tensor is kept.
// Cost: one or two passes over a batch's values, and a search a batch (accumulated scope: a tensor).
// Determinism: the same bits for any back end, thread count and, accumulated, batch order.
class Calibrator {
 public:
  Calibrator(Configuration configuration, std::shared_ptr<const Backend> backend,
             CalibratorOptions options = {});
  ~Calibrator();
  Calibrator(Calibrator&&) noexcept;
  Calibrator& operator=(Calibrator&&) noexcept;

  // Announces a tensor. Throws InvalidArgument for a name declared before, and for settings that the
  // declaration cannot satisfy (per_channel without a channel axis).
  void declare(const std::string& name, const Declaration& declaration);
  // The same for a tensor of a plan, with the plan's settings. Its parameter values are not looked at.
  void declare(const PlannedTensor& tensor);

  // One batch, read before the call returns where it lies in host memory. Batches without an index are
  // numbered in order of arrival; the index decides the order for mean and modal. Tensors that stay float are
  // passed over. Throws InvalidArgument naming tensor and batch: undeclared, index seen before, NaN or
  // infinities under NonFinite::reject, negative values under unsigned symmetric settings, channel count that
  // changed.
  void observe(const std::string& name, const TensorView& batch, Stream stream = {},
               std::optional<std::int64_t> index = {});
  // The same for a batch that is handed over piece by piece; its parts are visited once or twice.
  void observe(const std::string& name, const TensorParts& batch, Stream stream = {},
               std::optional<std::int64_t> index = {});

  // Finds the tensor's parameters and lets go of its statistics; it takes no more batches.
  void complete(const std::string& name);

  // Takes over what `shard`, a calibrator of the same tensors and configuration, has observed; tensors that
  // it has not observed may be missing there. Accumulated tensors: the result does not depend on the order of
  // merging. Per-batch ones: batch indices of the two must differ. Throws InvalidArgument, naming the tensor,
  // where both hold a batch, where either has completed a tensor that both observed, and for tensors that
  // cannot be merged (see splits()).
  void merge(Calibrator&& shard);

  // What has been observed so far, as bytes for a file or another machine (engine/state/README.md): with the
  // configuration, the results of completed tensors and the statistics of the others, batch indices included.
  // Waits for a device. Throws InvalidArgument for batches that the non-finite policy refuses.
  std::string save() const;
  // Merges what save() gave; a new calibrator with the same declarations goes on where the saved one was.
  // Throws InputError, led by `source`, for bytes that are no state, cut off, changed, or of another version,
  // configuration or declaration, and what the other merge() throws. After an error tensors may be merged or
  // not.
  void merge(std::string_view state, const std::string& source = "state");

  // The same for one tensor, without a checksum: for those who keep the states of tensors themselves. Empty
  // where nothing was observed.
  std::string save_tensor(const std::string& name) const;
  void merge_tensor(const std::string& name, std::string_view state, const std::string& source = "state");

  // Whether the batches of a tensor may be observed by several calibrators that are merged: not where
  // vai_q_pytorch's accumulated histograms depend on their order (Compatibility::vitis). Such a tensor can be
  // saved and gone on with, or be merged where only one calibrator observed it.
  bool splits(const std::string& name) const;

  // The parameters of every declared tensor, in order of declaration. Throws InvalidArgument naming a tensor
  // that was never observed. To be called once.
  QuantizationParameters finish();

 private:
  struct State;
  std::shared_ptr<State> state_;  // each call holds it too
};

}  // namespace qcal
