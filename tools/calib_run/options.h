// Options that several subcommands share, each declared once.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "engine/config_file.h"
#include "engine/pipeline.h"

namespace qcal::tools {

// Which configuration is in force.
struct ConfigOptions {
  std::string file;  // empty: the built-in default
  Compatibility compatibility = Compatibility::standard;
  DeviceRules device_rules = DeviceRules::error;
  std::optional<Placement> placement;  // instead of the configuration's
};

// How to work and how to tell.
struct WorkOptions {
  std::string backend = "auto";
  int threads = 0;
  std::optional<NonFinite> non_finite;
  bool per_batch = false;
  std::string out;
  std::string names;  // JSON file: tensor name to the name in quant_info.json
};

struct OutputOptions {
  bool json = false;
  bool quiet = false;
};

void add_config_options(CLI::App& command, ConfigOptions& options);
void add_work_options(CLI::App& command, WorkOptions& options);
// `quiet` says what --quiet leaves out.
void add_output_options(CLI::App& command, OutputOptions& options, const std::string& quiet);

// The configuration that the options name, with its warnings.
LoadedConfiguration load(const ConfigOptions& options);

std::shared_ptr<const Backend> backend_named(const std::string& name);

}  // namespace qcal::tools
