// Options that several subcommands share, each declared once.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/config_file.h"
#include "engine/pipeline.h"
#include "tools/calib_run/results.h"
#include "tools/calib_run/sharing.h"

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
};

void add_config_options(CLI::App& command, ConfigOptions& options);
void add_work_options(CLI::App& command, WorkOptions& options);
// Those of results with or without a network.
void add_result_options(CLI::App& command, ResultOptions& options);
// Of results that have a network.
void add_network_result_options(CLI::App& command, ResultOptions& options);
void add_sharing_options(CLI::App& command, SharingOptions& options);
// `quiet` says what --quiet leaves out.
void add_output_options(CLI::App& command, OutputOptions& options, const std::string& quiet);

// The configuration that the options name, with its warnings.
LoadedConfiguration load(const ConfigOptions& options);

// The same, but where no file is named that which `params`, a quant_params.json, was found with.
LoadedConfiguration load_for_params(const ConfigOptions& options, const std::filesystem::path& params);

std::shared_ptr<const Backend> backend_named(const std::string& name);

}  // namespace qcal::tools
