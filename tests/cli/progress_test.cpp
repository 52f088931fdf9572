// What calib_run tells while it works: a bar where stderr is a terminal, nothing there once it is done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include "tests/cli/run_tool.h"
#include "tests/dumps/dump_files.h"

namespace qcal::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// Two tensors, the first of them of 512 MiB: the work takes some tenths of a second.
void write_dump(const std::filesystem::path& folder) {
  std::filesystem::create_directory(folder);
  const std::string header = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (134217728,)}", "");
  write_bytes(folder / "large.npy", header + bytes_of(std::vector<float>{1.0f}));
  ASSERT_EQ(
      ::truncate((folder / "large.npy").c_str(), static_cast<off_t>(header.size()) + (off_t{512} << 20)), 0);
  write_bytes(folder / "small.npy", npy_f32("(1,)", {1.0f}));
  write_bytes(folder / "manifest.json", R"({"tensors": {"large": ["large.npy"], "small": ["small.npy"]}})");
}

// What a command prints to a terminal of its own, as stdout and as stderr.
std::string on_a_terminal(const std::string& command) {
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  std::string text;
  char bytes[4096];
  for (ssize_t count = 0; (count = ::read(terminal, bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(count));
  ::close(terminal);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << text;
  return text;
}

TEST(Progress, IsABarOnATerminalThatIsGoneAtTheEnd) {
  const Workspace work;
  write_dump(work / "dump");
  const std::string command = QCAL_CALIB_RUN " tensors --threads 1 --config " QCAL_MODELS "/configs/cpu.json --dumps " +
                              (work / "dump").string() + " --out " + (work / "out").string();
  const std::string text = on_a_terminal(command);
  EXPECT_THAT(text, ContainsRegex("\\[#*\\.+\\] +[0-9]+%  [01]/2 tensors  [0-9.]+ MB of 536\\.9 MB  "
                                  "[0-9.]+ [MG]B/s  [0-9]+ s left"));
  EXPECT_THAT(text, ContainsRegex("\r\x1b\\[K *(tensor|layer)")) << "the bar is wiped before the table";
  EXPECT_THAT(on_a_terminal(command + " --quiet"), "");
  EXPECT_THAT(on_a_terminal(command + " --json"), Not(HasSubstr("tensors  ")));
}

TEST(Progress, ShortWorkElsewhereIsDoneInSilence) {
  const Workspace work;
  write_dump(work / "dump");
  EXPECT_EQ(work.run("tensors --config " QCAL_MODELS "/configs/cpu.json --dumps " + (work / "dump").string() +
                     " --out " + (work / "out").string())
                .err,
            "");
}

}  // namespace
}  // namespace qcal::testing
