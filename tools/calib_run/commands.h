// The subcommands of calib_run. Each adds itself to the command line and leaves its work in `run`, which
// prints to stdout and throws what the engine throws.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace qcal::tools {

using Run = std::function<void()>;

void add_calibrate(CLI::App& app, Run& run);
void add_tensors(CLI::App& app, Run& run);
void add_prepare(CLI::App& app, Run& run);
void add_explain(CLI::App& app, Run& run);
void add_merge(CLI::App& app, Run& run);
void add_report(CLI::App& app, Run& run);
void add_analyze(CLI::App& app, Run& run);
void add_diff(CLI::App& app, Run& run);
void add_completion(CLI::App& app, Run& run);

}  // namespace qcal::tools
