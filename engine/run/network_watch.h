// What a network's calibration looks at beside the ranges of its tensors: bounds that values reach, results
// that may cost too much to quantize, and the mean inputs of layers whose bias is corrected.
#pragma once

#include <optional>

#include "engine/correct/bias_corrector.h"
#include "engine/correct/costly_outputs.h"
#include "engine/reached_bounds.h"
#include "engine/run/batch_watch.h"

namespace qcal {

class NetworkWatch final : public BatchWatch {
 public:
  // `corrector` is absent where no bias is to be corrected.
  NetworkWatch(ReachedBounds bounds, OutputCosts outputs, std::optional<BiasCorrector> corrector)
      : bounds_(std::move(bounds)), outputs_(std::move(outputs)), corrector_(std::move(corrector)) {}

  const ReachedBounds& bounds() const { return bounds_; }
  const OutputCosts& outputs() const { return outputs_; }
  const BiasCorrector* corrector() const { return corrector_ ? &*corrector_ : nullptr; }

  std::vector<std::string> wanted() const override { return bounds_.tensors(); }
  // Samples are added up one after the other, so that their sum is that of a single process.
  bool in_order(const std::string& tensor) const override { return corrector_ && corrector_->reads(tensor); }
  void observe(const std::string& tensor, const TensorParts& batch) override;
  void save(const std::string& tensor, ByteWriter& to) const override;
  void merge(const std::string& tensor, ByteReader& from) override;

 private:
  ReachedBounds bounds_;
  OutputCosts outputs_;
  std::optional<BiasCorrector> corrector_;
};

}  // namespace qcal
