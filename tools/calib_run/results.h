// What becomes of a finished calibration: files and what is printed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/export/atomic_output.h"
#include "engine/export/runtime_check.h"
#include "engine/pipeline.h"

namespace qcal::tools {

// Where results go and what is in them.
struct ResultOptions {
  std::string out;
  std::string names;  // JSON file: tensor name to the name in quant_info.json
  bool per_batch = false;
  bool explain_bias = false;
  std::optional<Runtime> runtime;
};

struct OutputOptions {
  bool json = false;
  bool quiet = false;

  bool talks() const { return !json && !quiet; }
};

struct ResultOrigin {
  const Configuration& configuration;
  std::string backend;        // what ran and why, for JSON
  bool tell_backend = false;  // to people too
};

class Results {
 public:
  // Finds out early whether the files can be written and the names be read. Throws InputError and IoError.
  Results(const ResultOptions& options, const OutputOptions& output);

  // Writes all files or none, prints warnings and a table (or JSON). `earlier` are warnings that were printed
  // already.
  void write(CalibrationResult result, const ResultOrigin& origin, const std::vector<std::string>& earlier);

 private:
  void print(const CalibrationResult& result, bool has_model, const std::string& params_json,
             const ResultOrigin& origin) const;

  const ResultOptions& options_;
  const OutputOptions& output_;
  std::map<std::string, std::string> names_;
  AtomicOutput out_;
};

}  // namespace qcal::tools
