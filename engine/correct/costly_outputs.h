// Which layers' results cost too much to quantize for the sake of integer kernels alone.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/correct/costly_output.h"
#include "engine/correct/value_counts.h"
#include "engine/export/quantization_parameters.h"
#include "engine/plan/quantization_plan.h"

namespace qcal {

// Sees the values of the tensors that a plan quantizes only for the kernels that make them.
class OutputCosts {
 public:
  explicit OutputCosts(const QuantizationPlan& plan);

  // A batch in host memory, of any tensor; those that every placement quantizes are passed over. Different
  // tensors may come at once.
  void observe(const std::string& tensor, const TensorParts& batch);

  bool watches(const std::string& tensor) const { return values_.contains(tensor); }
  // Of a tensor that is watched; else std::out_of_range.
  const ValueCounts& values(const std::string& tensor) const { return values_.at(tensor); }
  ValueCounts& values(const std::string& tensor) { return values_.at(tensor); }

  // Those that would keep less than the plan's min_output_sqnr with the parameters found, in plan order.
  std::vector<CostlyOutput> costly(const QuantizationPlan& plan, const QuantizationParameters& found,
                                   Compatibility compatibility) const;

 private:
  std::map<std::string, ValueCounts, std::less<>> values_;
};

// Leaves `outputs` in float in plan and parameters.
void leave_out(const std::vector<CostlyOutput>& outputs, QuantizationPlan& plan,
               QuantizationParameters& found);

// Leaves in float, in a plan made anew, what a calibration with these parameters left out.
void leave_out_as_in(const QuantizationParameters& parameters, QuantizationPlan& plan);

}  // namespace qcal
