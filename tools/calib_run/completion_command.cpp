// calib_run completion: completion for bash, made from the commands and options that are declared.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tools/calib_run/commands.h"

namespace qcal::tools {
namespace {

// "--model --dumps ..."
std::string long_names(const CLI::App& command) {
  std::string names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names += (names.empty() ? "--" : " --") + name;
  }
  return names;
}

// "cpu cuda" of an option whose text is "cpu|cuda [cpu]"; empty where it takes other values than a few words.
std::string choices(const CLI::Option& option) {
  std::string text = option.get_option_text();
  text = text.substr(0, text.find(' '));
  if (text.find('|') == std::string::npos) return "";
  std::replace(text.begin(), text.end(), '|', ' ');
  return text;
}

// Branches by the word before the cursor: an option's choices, or nothing, which leaves file names.
std::string value_branches(const std::vector<const CLI::App*>& commands) {
  std::map<std::string, std::string> values;  // an option means the same in every command
  for (const CLI::App* command : commands) {
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_items_expected_max() == 0) continue;
      for (const std::string& name : option->get_lnames()) values.emplace(name, choices(*option));
    }
  }
  std::string text;
  for (const auto& [name, words] : values) text += fmt::format("    --{}) words='{}' ;;\n", name, words);
  return text;
}

std::string script(const CLI::App& app) {
  const std::vector<const CLI::App*> commands = app.get_subcommands([](const CLI::App*) { return true; });
  std::string names;
  std::string option_branches;
  for (const CLI::App* command : commands) {
    names += command->get_name() + " ";
    option_branches +=
        fmt::format("          {}) words='{}' ;;\n", command->get_name(), long_names(*command));
  }
  return fmt::format(R"(# Completion for bash. In ~/.bashrc: source <(calib_run completion)
_calib_run() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" words=''
  case "${{COMP_WORDS[COMP_CWORD - 1]}}" in
{}    *)
      if ((COMP_CWORD == 1)); then
        words='{}{}'
      elif [[ "$word" == -* ]]; then
        case "${{COMP_WORDS[1]}}" in
{}        esac
      fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _calib_run calib_run
)",
                     value_branches(commands), names, long_names(app), option_branches);
}

}  // namespace

void add_completion(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("completion", "a script that completes command lines in bash");
  command->footer("Example, in ~/.bashrc:\n  source <(calib_run completion)");
  command->callback([&app, &run] { run = [&app] { fmt::print("{}", script(app)); }; });
}

}  // namespace qcal::tools
