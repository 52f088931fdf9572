// What calib_run does where the system refuses, or changes files under it: one clear error, the right exit
// code, nothing left behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "tests/cli/run_tool.h"

namespace qcal::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string calib_run = QCAL_CALIB_RUN;
const std::string models = QCAL_MODELS;
const std::string network = models + "/rn_digits/rn_digits.ts.op13.bn.onnx";
const std::string dump = models + "/rn_digits/dump";

std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

void expect_one_error(const ToolRun& run, int exit_code, const std::string& begin) {
  EXPECT_EQ(run.exit_code, exit_code) << run.err;
  EXPECT_THAT(run.err, StartsWith("error: " + begin));
  EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
}

// A file system of 32 KiB, seen by this process and its children alone; or the reason why there is none.
class SmallDisk {
 public:
  explicit SmallDisk(const std::filesystem::path& at) : at_(at) {
    std::filesystem::create_directories(at_);
    mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
               ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=32k") == 0;
    if (!mounted_) reason_ = std::string("no small file system can be mounted: ") + std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted_) ::umount(at_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string& reason() const { return reason_; }

 private:
  std::filesystem::path at_;
  bool mounted_ = false;
  std::string reason_;
};

TEST(HostileFiles, AFullDiskIsOneErrorAndLeavesNothing) {
  const Workspace work;
  const SmallDisk disk(work / "disk");
  if (!disk.reason().empty()) GTEST_SKIP() << disk.reason();
  std::filesystem::create_directory(work / "disk" / "old");
  work.write("disk/old/quant_params.json", "old");
  for (const std::string out : {"disk/old", "disk/new"}) {
    const ToolRun run = work.run("calibrate --quiet --model " + network + " --dumps " + dump + " --out " +
                                 (work / out).string());
    expect_one_error(run, 1, (work / "disk").string());
    EXPECT_THAT(run.err, HasSubstr("quant_params.json: cannot write: No space left on device"));
  }
  EXPECT_EQ(names_in(work / "disk"), std::set<std::string>{"old"});
  EXPECT_EQ(names_in(work / "disk/old"), std::set<std::string>{"quant_params.json"});
  EXPECT_EQ(file_text(work / "disk/old/quant_params.json"), "old");
}

// Where nothing can be mounted, a limit on the size of files stands for the disk.
TEST(HostileFiles, AFileThatCannotGrowIsOneErrorAndLeavesNothing) {
  const Workspace work;
  const ToolRun run = work.shell("trap '' XFSZ; ulimit -f 16; " + calib_run + " calibrate --quiet --model " +
                                 network + " --dumps " + dump + " --out " + (work / "out").string());
  expect_one_error(run, 1, work.path().string());
  EXPECT_THAT(run.err, HasSubstr("quant_params.json: cannot write: File too large"));
  EXPECT_EQ(names_in(work.path()), (std::set<std::string>{"stderr", "stdout"}));
}

TEST(HostileFiles, AFullStandardOutputIsAnError) {
  const Workspace work;
  for (const std::string command : {"explain", "explain --json"}) {
    const ToolRun run = work.shell(calib_run + " " + command + " > /dev/full");
    EXPECT_EQ(run.exit_code, 1) << command;
    EXPECT_THAT(run.err, StartsWith("error: ")) << command;
  }
}

struct Input {
  const char* what;
  std::string arguments;  // with @ where the file's name belongs
  std::string file;       // in the workspace
};

void PrintTo(const Input& input, std::ostream* out) {
  *out << input.what;
}

class HostileInput : public ::testing::TestWithParam<Input> {
 protected:
  HostileInput() {
    std::filesystem::create_directory(work_ / "dump");
    work_.write("manifest", R"({"tensors": {"x": ["0.npy"]}})");
    if (file().filename() == "0.npy")
      std::filesystem::rename(work_ / "manifest", work_ / "dump/manifest.json");
  }

  std::filesystem::path file() const { return work_ / GetParam().file; }

  // `before`: commands and words in front of calib_run.
  ToolRun run(const std::string& before = "timeout 20") const {
    std::string arguments = GetParam().arguments;
    if (const std::size_t at = arguments.find('@'); at != std::string::npos)
      arguments.replace(at, 1, file().string());
    if (const std::size_t at = arguments.find("DUMP"); at != std::string::npos)
      arguments.replace(at, 4, (work_ / "dump").string());
    const bool only_prints = arguments.starts_with("diff") || arguments.starts_with("analyze");
    const std::string out = only_prints ? "" : " --out " + (work_ / "out").string();
    return work_.shell(before + " " + calib_run + " " + arguments + out);
  }

  void expect_refused(const std::string& why) const {
    const ToolRun ran = run();
    expect_one_error(ran, 2, file().string() + ":");
    EXPECT_THAT(ran.err, HasSubstr(why));
    EXPECT_FALSE(std::filesystem::exists(work_ / "out"));
  }

  Workspace work_;
};

TEST_P(HostileInput, ADirectory) {
  std::filesystem::create_directories(file());
  expect_refused("not a regular file");
}

TEST_P(HostileInput, ALinkToNothing) {
  std::filesystem::create_symlink("nothing", file());
  expect_refused("No such file");
}

TEST_P(HostileInput, ALinkToItself) {
  std::filesystem::create_symlink(file().filename(), file());
  expect_refused("Too many levels of symbolic links");
}

TEST_P(HostileInput, APipeThatNobodyWritesTo) {
  ASSERT_EQ(::mkfifo(file().c_str(), 0666), 0);
  expect_refused("not a regular file");
}

TEST_P(HostileInput, AnEmptyFile) {
  std::ofstream{file()};
  expect_refused("");
}

TEST_P(HostileInput, NoPermission) {
  work_.write(GetParam().file, "text");
  ASSERT_EQ(::chmod(file().c_str(), 0), 0);
  ASSERT_EQ(::chmod(work_.path().c_str(), 0777), 0);
  std::string before = "timeout 20";
  if (::geteuid() == 0) {  // whom permissions do not stop
    before += " setpriv --reuid=65534 --regid=65534 --clear-groups";
    if (work_.shell(before + " " + calib_run + " --version").exit_code != 0)
      GTEST_SKIP() << "calib_run does not start as another user: " << file_text(work_ / "stderr");
  }
  const ToolRun ran = run(before);
  expect_one_error(ran, 1, file().string() + ": Permission denied");
  EXPECT_FALSE(std::filesystem::exists(work_ / "out"));
}

INSTANTIATE_TEST_SUITE_P(
    EveryKind, HostileInput,
    ::testing::Values(Input{"model", "calibrate --model @ --dumps " + dump, "net.onnx"},
                      Input{"configuration", "tensors --config @ --dumps " + dump, "config.json"},
                      Input{"manifest", "tensors --dumps DUMP", "dump/manifest.json"},
                      Input{"npy", "tensors --dumps DUMP", "dump/0.npy"},
                      Input{"npz", "tensors --dumps DUMP", "dump/0.npz"},
                      Input{"safetensors", "tensors --dumps DUMP", "dump/0.safetensors"},
                      Input{"parameters", "diff @ @", "quant_params.json"},
                      Input{"analyzed", "analyze --params @ --model net.onnx --dumps " + dump,
                            "quant_params.json"}),
    [](const auto& instance) { return instance.param.what; });

// A child process that runs calib_run on its own.
pid_t start(const std::vector<std::string>& arguments, const std::filesystem::path& errors) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int file = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  ::dup2(file, STDERR_FILENO);
  std::vector<char*> words{const_cast<char*>(calib_run.c_str())};
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execv(words[0], words.data());
  ::_exit(127);
}

bool has_open(pid_t process, const std::filesystem::path& file) {
  std::error_code ignored;
  std::filesystem::directory_iterator entry("/proc/" + std::to_string(process) + "/fd", ignored);
  for (; !ignored && entry != std::filesystem::directory_iterator(); entry.increment(ignored)) {
    if (std::filesystem::read_symlink(entry->path(), ignored) == file) return true;
  }
  return false;
}

// Files are read, never mapped: were they mapped, SIGBUS would kill the process here.
TEST(HostileFiles, AFileThatShrinksWhileItIsReadIsOneError) {
  const Workspace work;
  std::filesystem::create_directory(work / "dump");
  work.write("dump/manifest.json", R"({"tensors": {"x": ["0.npy"]}})");
  std::string header("\x93NUMPY\x01\x00\x76\x00", 10);
  header += "{'descr': '<f4', 'fortran_order': False, 'shape': (2147483648,)}";
  header.resize(128, ' ');
  const std::filesystem::path file = std::filesystem::canonical(work / "dump") / "0.npy";
  work.write("dump/0.npy", header);
  std::filesystem::resize_file(file, 128 + (std::uintmax_t{8} << 30));  // zeros that take no room
  const pid_t child =
      start({"tensors", "--quiet", "--dumps", (work / "dump").string(), "--out", (work / "out").string()},
            work / "stderr");
  ASSERT_GT(child, 0);
  int status = 0;
  // Opened once for the header, then for as long as the values are read: long enough to be seen.
  int seen = 0;
  while (seen < 2 && ::waitpid(child, &status, WNOHANG) == 0) {
    seen = has_open(child, file) ? seen + 1 : 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_EQ(seen, 2) << "the file was read before it could shrink: " << file_text(work / "stderr");
  std::filesystem::resize_file(file, 4096);
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  const ToolRun run{WEXITSTATUS(status), "", file_text(work / "stderr")};
  // Between two passes over the file it is closed for a moment.
  const bool between = run.err.find("the file changed after its header was read") != std::string::npos;
  expect_one_error(run, between ? 2 : 1, (work / "dump/0.npy").string());
  EXPECT_THAT(run.err, HasSubstr(between ? "changed" : "it shrank while it was read"));
  EXPECT_FALSE(std::filesystem::exists(work / "out"));
}

TEST(HostileFiles, TwoProcessesWriteOneDirectory) {
  const Workspace work;
  const auto arguments = [&](const std::string& device, const std::string& out) {
    return std::vector<std::string>{"calibrate", "--quiet",
                                    "--model",   network,
                                    "--dumps",   dump,
                                    "--out",     (work / out).string(),
                                    "--config",  models + "/configs/" + device + ".json"};
  };
  const auto result = [&](const std::string& out) {
    return std::pair(file_text(work / out / "quant_params.json"), file_text(work / out / "quant_info.json"));
  };
  const auto end = [&](pid_t child) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << file_text(work / "stderr");
  };
  for (const std::string device : {"cpu", "gpu"}) end(start(arguments(device, device), work / "stderr"));
  ASSERT_NE(result("cpu").second, result("gpu").second);
  for (int round = 0; round < 3; ++round) {  // the first one creates the directory
    const pid_t first = start(arguments("cpu", "out"), work / "stderr");
    const pid_t second = start(arguments("gpu", "out"), work / "stderr");
    end(first);
    end(second);
    EXPECT_THAT(result("out"), AnyOf(result("cpu"), result("gpu")));
    EXPECT_EQ(names_in(work / "out"), names_in(work / "cpu"));
  }
}

}  // namespace
}  // namespace qcal::testing
