// What calibrating a network takes besides the collectors, wherever its batches come from: reading,
// transforming and planning before, and from collected parameters to a result after.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/correct/correct.h"
#include "engine/network.h"
#include "engine/pipeline.h"
#include "engine/run/network_watch.h"

namespace qcal {

// Stays where it was made: its parts refer to each other.
class NetworkJob {
 public:
  // Throws what read_network and make_plan throw.
  NetworkJob(const std::filesystem::path& model, const Configuration& configuration, RunOptions options);
  NetworkJob(const NetworkJob&) = delete;
  NetworkJob& operator=(const NetworkJob&) = delete;

  const Network& network() const { return network_; }
  const QuantizationPlan& plan() const { return plan_; }
  // About the plan.
  std::vector<std::string> warnings() const;

  // Who must see every batch, in host memory, beside the collectors.
  NetworkWatch& watch() { return watch_; }

  // `found` has the parameters of the plan, `dumps` is where the batches came from. `warnings` stand ahead of
  // what comes up here. To be called once.
  CalibrationResult finish(QuantizationParameters found, const DumpSource& dumps,
                           std::vector<std::string> warnings);

  // For SequentialCalibration, which corrects biases step by step.
  const Graph& graph() const { return network_.transformed.graph; }
  Compatibility compatibility() const { return configuration_.compatibility; }
  // `found` without the results that cost too much to quantize, which the plan leaves in float from now on.
  QuantizationParameters without_costly_outputs(QuantizationParameters found);
  BiasCorrector bias_corrector() const;
  Corrected corrected(const QuantizationParameters& found, std::vector<BiasCorrection> corrections,
                      const DumpSource& dumps) const;
  OnnxFiles quantized(const Corrected& corrected) const;
  // `inputs`: which ones biases were corrected on, for people.
  CalibrationResult result(Corrected corrected, const DumpSource& dumps, std::vector<std::string> warnings,
                           const std::string& inputs) const;

 private:
  ParameterSearch search(const DumpSource& dumps) const;

  Configuration configuration_;
  RunOptions options_;
  Network network_;
  QuantizationPlan plan_;
  NetworkWatch watch_;
  std::vector<CostlyOutput> costly_outputs_;
};

}  // namespace qcal
