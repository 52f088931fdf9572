// Runs that are killed and gone on with, and runs that share the work: the files of an undisturbed one.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/cli/run_tool.h"
#include "tests/reference/test_data.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;

const std::string models = QCAL_MODELS;
const std::string job = "--model " + models + "/rn_digits/rn_digits.ts.op13.bn.onnx --dumps " + models +
                        "/rn_digits/dump --config " + models + "/configs/cpu.json --quiet";

std::map<std::string, std::string> files_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    // A kill while results are written into a folder that is there leaves a hidden one behind in it.
    if (file.is_regular_file()) files.emplace(file.path().filename().string(), file_text(file.path()));
  }
  return files;
}

std::string path_of(const Workspace& work, const std::string& name) {
  return (work / name).string();
}

// Starts calib_run without a shell in between, so that a signal reaches it.
pid_t started(const std::string& arguments) {
  std::vector<std::string> words{QCAL_CALIB_RUN};
  std::istringstream text(arguments);
  for (std::string word; text >> word;) words.push_back(word);
  std::vector<char*> raw;
  for (std::string& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execv(raw.front(), raw.data());
    ::_exit(127);
  }
  return child;
}

// Kills a run, or finds that it has ended well before; true where it was killed.
bool kill_succeeds(pid_t child) {
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

// Kills a run after `delay`.
bool killed(const std::string& arguments, Clock::duration delay) {
  const pid_t child = started(arguments);
  std::this_thread::sleep_for(delay);
  return kill_succeeds(child);
}

// Which version of a file lies at a path; each is a file of its own, moved there when it is whole.
std::filesystem::file_time_type version_of(const std::filesystem::path& path) {
  std::error_code missing;
  return std::filesystem::last_write_time(path, missing);
}

// Kills a run `delay` after it has written its first checkpoint: no clock says when a run comes to that,
// where sanitizers make its start the longest part.
bool killed_after_checkpoint(const std::string& arguments, const std::filesystem::path& checkpoint,
                             Clock::duration delay) {
  const auto before = version_of(checkpoint);
  const pid_t child = started(arguments);
  const auto runs = [&] {
    siginfo_t ended{};
    return ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0;
  };
  while (runs() && (!std::filesystem::exists(checkpoint) || version_of(checkpoint) == before)) {
    std::this_thread::yield();
  }
  std::this_thread::sleep_for(delay);
  return kill_succeeds(child);
}

TEST(Resume, AfterAHundredKillsTheFilesAreThoseOfAnUndisturbedRun) {
  constexpr int wanted_kills = 100;
  const Workspace work;
  ASSERT_EQ(work.run("calibrate " + job + " --out " + path_of(work, "undisturbed")).exit_code, 0);
  const auto expected = files_in(work / "undisturbed");
  std::filesystem::create_directory(work / "run");
  const std::filesystem::path checkpoint = work / "run/checkpoint";
  const std::string command = "calibrate " + job + " --threads 2 --out " + path_of(work, "run/out") +
                              " --checkpoint " + checkpoint.string() + " --every 0 --resume";
  auto whole = Clock::duration::max();
  for (int i = 0; i < 3; ++i) {
    const Clock::time_point before = Clock::now();
    ASSERT_EQ(work.run(command).exit_code, 0);
    whole = std::min(whole, Clock::now() - before);
    std::filesystem::remove_all(work / "run/out");
  }
  SplitMix64 random(static_cast<std::uint64_t>(::getpid()));  // other points each time
  int kills = 0;
  int kept = 0;
  const auto expect_finished = [&] {
    EXPECT_EQ(files_in(work / "run/out"), expected);
    EXPECT_FALSE(std::filesystem::exists(checkpoint));
    std::filesystem::remove_all(work / "run/out");
  };
  while (kills < wanted_kills) {
    const auto at_any_time = std::chrono::duration_cast<Clock::duration>(whole * (1.1 * random.uniform()));
    if (kills % 2 == 0 ? killed(command, at_any_time)
                       : killed_after_checkpoint(command, checkpoint, at_any_time / 20)) {
      ++kills;
      kept += std::filesystem::exists(checkpoint) ? 1 : 0;
      if (std::filesystem::exists(work / "run/out")) {
        EXPECT_EQ(files_in(work / "run/out"), expected);
      }
    } else {
      expect_finished();
    }
  }
  ASSERT_EQ(work.run(command).exit_code, 0);
  expect_finished();
  EXPECT_GT(kept, wanted_kills / 4) << "most kills came too early to interrupt anything";
}

TEST(Resume, AShareIsKilledAndGoneOnWithToo) {
  const Workspace work;
  ASSERT_EQ(work.run("calibrate " + job + " --out " + path_of(work, "undisturbed")).exit_code, 0);
  std::string states;
  for (const std::string share : {"1/2", "2/2"}) {
    const std::string state = path_of(work, share.substr(0, 1) + ".state");
    states += state + " ";
    const std::string command = "calibrate " + job + " --shard " + share + " --state " + state +
                                " --checkpoint " + path_of(work, "checkpoint") + " --every 0 --resume";
    for (const int milliseconds : {0, 1, 2, 5}) {
      killed_after_checkpoint(command, work / "checkpoint", std::chrono::milliseconds(milliseconds));
    }
    ASSERT_EQ(work.run(command).exit_code, 0);
  }
  ASSERT_EQ(work.run("merge " + states + "--quiet --out " + path_of(work, "merged")).exit_code, 0);
  EXPECT_EQ(files_in(work / "merged"), files_in(work / "undisturbed"));
}

TEST(Resume, AStateThatWasLeftIsNotOverwrittenUnasked) {
  const Workspace work;
  work.write("checkpoint", "precious");
  const std::string command =
      "calibrate " + job + " --out " + path_of(work, "out") + " --checkpoint " + path_of(work, "checkpoint");
  const ToolRun unasked = work.run(command);
  EXPECT_EQ(unasked.exit_code, 2);
  EXPECT_THAT(unasked.err, AllOf(StartsWith("error: " + path_of(work, "checkpoint")), HasSubstr("--resume")));
  const ToolRun broken = work.run(command + " --resume");
  EXPECT_EQ(broken.exit_code, 2);
  EXPECT_THAT(broken.err, EndsWith("checkpoint: no state of a calibration\n"));
  EXPECT_EQ(file_text(work / "checkpoint"), "precious");
  EXPECT_FALSE(std::filesystem::exists(work / "out"));
}

TEST(Resume, ACheckpointThatCannotBeWrittenIsFoundOutEarly) {
  const Workspace work;
  for (const std::string file : {"missing/checkpoint", "."}) {
    const ToolRun run = work.run("calibrate " + job + " --out " + path_of(work, "out") + " --checkpoint " +
                                 path_of(work, file));
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, StartsWith("error: " + path_of(work, file)));
  }
}

TEST(Merge, SharesOfABareDumpGiveTheFilesOfOneRun) {
  const Workspace work;
  const std::string tensors = "tensors --quiet --role weights --axis 1 --dumps " + models +
                              "/rn_digits/dump_safetensors --config " + models + "/configs/gpu.json ";
  ASSERT_EQ(work.run(tensors + "--out " + path_of(work, "undisturbed")).exit_code, 0);
  std::string states;
  for (const std::string share : {"3", "1", "2"}) {
    const std::string state = path_of(work, share + ".state");
    ASSERT_EQ(work.run(tensors + "--shard-by tensor --shard " + share + "/3 --state " + state).exit_code, 0);
    states += state + " ";
  }
  ASSERT_EQ(work.run("merge " + states + " --quiet --out " + path_of(work, "merged")).exit_code, 0);
  EXPECT_EQ(files_in(work / "merged"), files_in(work / "undisturbed"));
}

TEST(Merge, StatesThatDoNotMakeAWholeAreRefused) {
  const Workspace work;
  for (const std::string share : {"1", "2"}) {
    ASSERT_EQ(
        work.run("calibrate " + job + " --shard " + share + "/3 --state " + path_of(work, share)).exit_code,
        0);
  }
  const std::string one = path_of(work, "1") + " ";
  const std::string two = path_of(work, "2") + " ";
  const auto refused = [&](const std::string& states) {
    const ToolRun run = work.run("merge " + states + " --out " + path_of(work, "out"));
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_FALSE(std::filesystem::exists(work / "out"));
    return run.err;
  };
  EXPECT_THAT(refused(one + two), StartsWith("error: nobody has read batch "));
  EXPECT_THAT(refused(one + one),
              AllOf(StartsWith("error: " + path_of(work, "1")), HasSubstr("read already")));
  EXPECT_THAT(refused(models + "/rn_digits/calib.npz"), HasSubstr("calib.npz: no state of a calibration"));
  EXPECT_THAT(refused(one + "--model " + models + "/mbv2_digits/mbv2_digits.ts.op13.bn.onnx"),
              AllOf(StartsWith("error: " + models), HasSubstr("not the model file that ")));
  work.write("cut", file_text(work / "1").substr(0, 5000));
  EXPECT_THAT(refused(two + path_of(work, "cut")),
              AllOf(StartsWith("error: " + path_of(work, "cut")), HasSubstr("cut off")));
  // Pair by pair, the first two being one state.
  ASSERT_EQ(work.run("merge " + one + two + "--quiet --state " + path_of(work, "both")).exit_code, 0);
  EXPECT_THAT(refused(path_of(work, "both")), StartsWith("error: nobody has read batch "));
}

TEST(Shard, OptionsThatContradictEachOtherAreUsageErrors) {
  const Workspace work;
  for (const std::string options :
       {"", "--shard 1/2", "--shard 0/2 --state s", "--shard 3/2 --state s", "--shard 1 --state s",
        "--shard 1/2x --state s", "--shard 1/2 --state s --out o", "--resume --out o", "--every 5 --out o",
        "--state s --out o"}) {
    const ToolRun run = work.run("calibrate " + job + " " + options);
    EXPECT_EQ(run.exit_code, 2) << options;
    EXPECT_THAT(run.err, HasSubstr("--")) << options;
    EXPECT_THAT(run.out, IsEmpty());
  }
}

}  // namespace
}  // namespace qcal::testing
