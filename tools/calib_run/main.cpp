// calib_run: the command line of qcal. Parses, calls the engine, prints.
#include <fmt/format.h>

#include <exception>

#include "engine/error.h"
#include "engine/version.h"
#include "tools/calib_run/commands.h"

namespace {

constexpr int bad_input = 2;
constexpr int failure = 1;

int report(const char* what, int code) {
  fmt::print(stderr, "error: {}\n", what);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "qcal finds the scale and zero point of every tensor of a network from recorded activations,\n"
      "by the method and round mode that a JSON configuration asks for."};
  app.set_version_flag("--version", qcal::version());
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done; 2 bad input or usage (nothing was written); 1 anything else.\n"
      "`calib_run COMMAND --help` explains a command.");
  qcal::tools::Run run;
  qcal::tools::add_calibrate(app, run);
  qcal::tools::add_tensors(app, run);
  qcal::tools::add_explain(app, run);
  qcal::tools::add_diff(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : bad_input;
  }
  try {
    run();
    return std::fflush(stdout) == 0 ? 0 : report("standard output could not be written", failure);
  } catch (const qcal::ConfigError& error) {
    return report(error.what(), bad_input);
  } catch (const qcal::InputError& error) {
    return report(error.what(), bad_input);
  } catch (const qcal::InvalidArgument& error) {
    return report(error.what(), bad_input);
  } catch (const std::exception& error) {
    return report(error.what(), failure);
  }
}
