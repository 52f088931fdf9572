// calib_run: the command line of qcal. Parses, calls the engine, prints.
#include <fmt/format.h>

#include <exception>
#include <string>
#include <vector>

#include "config/nearest_spelling.h"
#include "engine/error.h"
#include "engine/version.h"
#include "tools/calib_run/commands.h"
#include "tools/calib_run/ranks.h"

namespace {

constexpr int bad_input = 2;
constexpr int failure = 1;

int report(const std::string& what, int code) {
  fmt::print(stderr, "error: {}{}\n", qcal::tools::rank_prefix(), what);
  qcal::tools::fail_ranks(code);
  return code;
}

// CLI11 only says that a command is missing where the first word is none.
std::string unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  std::string text = fmt::format("unknown command '{}'; commands:", word);
  for (const std::string& name : names) text += " " + name;
  const std::string_view meant = qcal::nearest_spelling(word, known);
  return meant.empty() ? text : fmt::format("{}; did you mean {}?", text, meant);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "qcal finds the scale and zero point of every tensor of a network from recorded activations,\n"
      "by the method and round mode that a JSON configuration asks for.",
      "calib_run"};
  app.set_version_flag("--version", qcal::version());
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done; 2 bad input or usage (nothing was written); 1 anything else.\n"
      "`calib_run COMMAND --help` explains a command, with examples.");
  qcal::tools::Run run;
  qcal::tools::add_calibrate(app, run);
  qcal::tools::add_tensors(app, run);
  qcal::tools::add_merge(app, run);
  qcal::tools::add_prepare(app, run);
  qcal::tools::add_explain(app, run);
  qcal::tools::add_analyze(app, run);
  qcal::tools::add_report(app, run);
  qcal::tools::add_diff(app, run);
  qcal::tools::add_completion(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& error) {
    const bool has_command = app.get_subcommands().size() == 1;
    if (!has_command && argc > 1 && argv[1][0] != '-')
      return report(unknown_command(app, argv[1]), bad_input);
    if (argc == 1) {
      fmt::print(stderr, "{}", app.help());
    } else {
      app.exit(error);
    }
    return bad_input;
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
