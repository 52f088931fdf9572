// What calib_run says about itself: help, and completion in bash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "tests/cli/run_tool.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> commands{"calibrate", "tensors", "merge", "explain",
                                        "analyze",   "report",  "diff",  "completion"};

TEST(Help, TeachesEveryCommand) {
  const Workspace work;
  for (const std::string& command : commands) {
    const ToolRun run = work.run(command + " --help");
    EXPECT_EQ(run.exit_code, 0);
    const std::size_t examples = run.out.find("Example");
    ASSERT_NE(examples, std::string::npos) << command;
    EXPECT_THAT(run.out.substr(0, examples), HasSubstr("Usage: calib_run " + command));
    EXPECT_THAT(run.out.substr(examples), HasSubstr("calib_run " + command));
    EXPECT_THAT(work.run("--help").out, HasSubstr(command));
  }
  EXPECT_THAT(work.run("--help").out, HasSubstr("Exit codes"));
}

// An example that names files of this repository works in it as it stands.
TEST(Help, ExamplesRun) {
  const Workspace work;
  int ran = 0;
  for (const std::string& command : commands) {
    std::string help = work.run(command + " --help").out;
    help = std::regex_replace(help, std::regex(R"(\\\n *)"), "");  // lines that go on
    const std::regex example("\n  calib_run (" + command + " [^|\n]*)");
    for (std::sregex_iterator match(help.begin(), help.end(), example), end; match != end; ++match) {
      std::string arguments = (*match)[1];
      if (arguments.find(" models/") == std::string::npos ||
          arguments.find("net.onnx") != std::string::npos || arguments.find(" dump ") != std::string::npos)
        continue;
      arguments = std::regex_replace(arguments, std::regex(" models/"), " " QCAL_MODELS "/");
      arguments =
          std::regex_replace(arguments, std::regex("--out results"), "--out " + (work / "out").string());
      const ToolRun run = work.run(arguments);
      EXPECT_EQ(run.exit_code, 0) << arguments << "\n" << run.err;
      ++ran;
    }
  }
  EXPECT_EQ(ran, 3);
}

TEST(Help, WithoutACommandIsUsage) {
  const Workspace work;
  const ToolRun run = work.run("");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, work.run("--help").out);
}

// What bash offers for `calib_run WORDS...`, of which the last is being typed; one word a line.
std::string completions(const Workspace& work, const std::string& words) {
  work.write("completion", work.run("completion").out);
  const auto script = work.write("complete.sh", "source " + (work / "completion").string() +
                                                    "\nCOMP_WORDS=(calib_run " + words +
                                                    ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_calib_run\n"
                                                    "printf '%s\\n' \"${COMPREPLY[@]}\"\n");
  const auto out = work / "offered";
  const int status = std::system(("bash -u " + script.string() + " > " + out.string()).c_str());
  EXPECT_EQ(status, 0);
  return file_text(out);
}

TEST(Completion, OffersCommandsOptionsAndValues) {
  const Workspace work;
  EXPECT_THAT(completions(work, "''"),
              AllOf(HasSubstr("calibrate\n"), HasSubstr("diff\n"), HasSubstr("--version\n")));
  EXPECT_EQ(completions(work, "exp"), "explain\n");
  EXPECT_EQ(completions(work, "explain --la"), "--layer\n");
  EXPECT_THAT(completions(work, "diff --"), AllOf(HasSubstr("--json\n"), Not(HasSubstr("--model"))));
  EXPECT_EQ(completions(work, "calibrate --non-finite ''"), "error\nskip-batch\nignore\n");
  EXPECT_EQ(completions(work, "calibrate --model ''"), "\n") << "bash then offers files";
}

}  // namespace
}  // namespace qcal::testing
