// The fix positions of a calibration, and a record of what was done to them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/export/quantization_parameters.h"

namespace qcal {

// A fix position that a rule of the device changed.
struct PositionAdjustment {
  std::string tensor;
  Role role = Role::activation;
  std::string layer;  // whose arithmetic asked for it
  std::string rule;   // "shift_cut", "hard_swish", ...
  int before = 0;
  int after = 0;
  bool operator==(const PositionAdjustment&) const = default;
};

class Positions {
 public:
  explicit Positions(QuantizationParameters parameters);

  // Of a tensor with one symmetric power-of-two scale; absent for every other name.
  std::optional<int> of(const std::string& tensor) const;

  // Moves a tensor that has a position: scale = 2^-position, amax = scale * qmax. Positions outside
  // [-126, 126], whose scales float32 arithmetic cannot use, become the nearer of these. Nothing is recorded
  // where nothing changes.
  void set(const std::string& tensor, int position, const std::string& rule, const std::string& layer);

  const std::vector<PositionAdjustment>& adjustments() const { return adjustments_; }
  const QuantizationParameters& parameters() const { return parameters_; }

 private:
  QuantizationParameters parameters_;
  std::map<std::string, std::size_t> indices_;  // of the tensors that have a position
  std::vector<PositionAdjustment> adjustments_;
};

}  // namespace qcal
