#include "engine/export/atomic_output.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <future>
#include <optional>
#include <set>

#include "engine/error.h"
#include "engine/export/durable_file.h"
#include "tests/dumps/dump_files.h"

namespace qcal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace qcal::testing;

// Everything below a directory, relative to it: what a failed write must not change.
std::set<std::string> tree(const std::filesystem::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    names.insert(entry.path().lexically_relative(directory).string());
  }
  return names;
}

// No file may grow beyond `bytes` while this lives: what a full disk does, on any machine.
class LimitedFileSize {
 public:
  explicit LimitedFileSize(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &saved_);
    const rlimit limit{bytes, saved_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~LimitedFileSize() {
    ::setrlimit(RLIMIT_FSIZE, &saved_);
    std::signal(SIGXFSZ, handler_);
  }
  LimitedFileSize(const LimitedFileSize&) = delete;
  LimitedFileSize& operator=(const LimitedFileSize&) = delete;

 private:
  rlimit saved_{};
  void (*handler_)(int) = SIG_DFL;
};

class AtomicOutputFiles : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
};

TEST_F(AtomicOutputFiles, CreatesTheDirectoryAndItsParents) {
  for (const char* out : {"a/b/results", "c/results/", "results"}) {
    AtomicOutput output(directory_ / out);
    output.add("x.json", "1");
    output.add("y.json", "");
    EXPECT_FALSE(std::filesystem::exists(directory_ / out)) << "nothing before the commit";
    output.commit();
    EXPECT_THAT(tree(directory_ / out), ElementsAre("x.json", "y.json"));
    EXPECT_EQ(read_bytes(output.directory() / "x.json"), "1");
  }
  EXPECT_THAT(
      tree(directory_.path()),
      ElementsAre("a", "a/b", "a/b/results", "a/b/results/x.json", "a/b/results/y.json", "c", "c/results",
                  "c/results/x.json", "c/results/y.json", "results", "results/x.json", "results/y.json"));
}

TEST_F(AtomicOutputFiles, ReplacesResultsAndKeepsOtherFiles) {
  write_bytes(directory_ / "x.json", "old");
  write_bytes(directory_ / "notes.txt", "mine");
  AtomicOutput output(directory_.path());
  output.add("x.json", "new");
  output.add("z.json", "more");
  EXPECT_EQ(read_bytes(directory_ / "x.json"), "old") << "nothing before the commit";
  output.commit();
  EXPECT_THAT(tree(directory_.path()), ElementsAre("notes.txt", "x.json", "z.json"));
  EXPECT_EQ(read_bytes(directory_ / "x.json"), "new");
  EXPECT_EQ(read_bytes(directory_ / "notes.txt"), "mine");
}

TEST_F(AtomicOutputFiles, NothingWithoutCommit) {
  {
    AtomicOutput output(directory_ / "results");
    output.add("x.json", "1");
  }
  EXPECT_THAT(tree(directory_.path()), IsEmpty());
}

TEST_F(AtomicOutputFiles, AFullDiskLeavesNothingBehind) {
  AtomicOutput output(directory_ / "a/results");
  output.add("a.json", std::string(10, 'a'));
  output.add("b.json", std::string(100'000, 'b'));
  const LimitedFileSize limit(1000);
  EXPECT_THAT(message_of<IoError>([&] { output.commit(); }), HasSubstr("cannot write: File too large"));
  EXPECT_THAT(tree(directory_.path()), IsEmpty());
}

TEST_F(AtomicOutputFiles, AFullDiskKeepsTheOldResults) {
  write_bytes(directory_ / "a.json", "old");
  AtomicOutput output(directory_.path());
  output.add("a.json", std::string(10, 'a'));
  output.add("b.json", std::string(100'000, 'b'));
  const LimitedFileSize limit(1000);
  EXPECT_THROW(output.commit(), IoError);
  EXPECT_THAT(tree(directory_.path()), ElementsAre("a.json"));
  EXPECT_EQ(read_bytes(directory_ / "a.json"), "old");
}

TEST_F(AtomicOutputFiles, AFailureHalfwayTakesEverythingBack) {
  write_bytes(directory_ / "a.json", "old");
  std::filesystem::create_directories(directory_ / "c.json/inside");
  AtomicOutput output(directory_.path());
  output.add("a.json", "new");
  output.add("b.json", "new");
  output.add("c.json", "in the way of a directory");
  EXPECT_THAT(message_of<IoError>([&] { output.commit(); }), HasSubstr("c.json: is a directory"));
  EXPECT_THAT(tree(directory_.path()), ElementsAre("a.json", "c.json", "c.json/inside"));
  EXPECT_EQ(read_bytes(directory_ / "a.json"), "old");
}

TEST_F(AtomicOutputFiles, SaysEarlyThatADirectoryCannotBeWritten) {
  write_bytes(directory_ / "file", "");
  EXPECT_THAT(message_of<InputError>([&] { AtomicOutput(directory_ / "file"); }),
              HasSubstr("not a directory"));
  EXPECT_THAT(message_of<InputError>([&] { AtomicOutput(directory_ / "file/results"); }),
              HasSubstr("not a directory"));
  std::filesystem::permissions(directory_.path(), std::filesystem::perms::owner_read);
  if (::geteuid() != 0) {  // root writes everywhere
    EXPECT_THAT(message_of<IoError>([&] { AtomicOutput(directory_ / "results"); }),
                HasSubstr("Permission denied"));
  }
  std::filesystem::permissions(directory_.path(), std::filesystem::perms::owner_all);
  AtomicOutput output("/proc/results");
  EXPECT_THAT(message_of<IoError>([&] { output.commit(); }), HasSubstr("/proc: cannot write here"));
}

TEST_F(AtomicOutputFiles, AParentThatDisappearsMeanwhileIsMadeAgain) {
  std::filesystem::create_directories(directory_ / "a");
  AtomicOutput output(directory_ / "a/results");
  output.add("x.json", "1");
  std::filesystem::remove(directory_ / "a");
  output.commit();
  EXPECT_THAT(tree(directory_.path()), ElementsAre("a", "a/results", "a/results/x.json"));
}

TEST_F(AtomicOutputFiles, WritersOfOneDirectoryTakeTurns) {
  write_bytes(directory_ / "x.json", "old");
  AtomicOutput output(directory_.path());
  output.add("x.json", "new");
  std::optional<DirectoryLock> another(directory_.path());
  std::future<void> commit = std::async(std::launch::async, [&] { output.commit(); });
  EXPECT_EQ(commit.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);
  EXPECT_EQ(read_bytes(directory_ / "x.json"), "old");
  another.reset();
  commit.get();
  EXPECT_EQ(read_bytes(directory_ / "x.json"), "new");
}

TEST_F(AtomicOutputFiles, RefusesNamesWithDirectories) {
  AtomicOutput output(directory_.path());
  for (const std::string name : {"", ".", "..", "a/b", "/etc/passwd"})
    EXPECT_THROW(output.add(name, ""), InvalidArgument);
  EXPECT_THROW(output.add(std::string("a\0b", 3), ""), InvalidArgument);
  output.add("a", "");
  EXPECT_THROW(output.add("a", ""), InvalidArgument);
}

TEST_F(AtomicOutputFiles, ASymbolicLinkIsFollowed) {
  std::filesystem::create_directories(directory_ / "real");
  std::filesystem::create_directory_symlink("real", directory_ / "link");
  AtomicOutput output(directory_ / "link");
  output.add("x.json", "1");
  output.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(directory_ / "link"));
  EXPECT_EQ(read_bytes(directory_ / "real/x.json"), "1");
}

TEST_F(AtomicOutputFiles, SingleFile) {
  write_file_atomically(directory_ / "a/net.onnx", "one");
  EXPECT_EQ(read_bytes(directory_ / "a/net.onnx"), "one");
  write_file_atomically(directory_ / "a/net.onnx", "two");
  EXPECT_EQ(read_bytes(directory_ / "a/net.onnx"), "two");
  std::filesystem::create_symlink("a/net.onnx", directory_ / "link");
  write_file_atomically(directory_ / "link", "three");
  EXPECT_TRUE(std::filesystem::is_symlink(directory_ / "link"));
  EXPECT_EQ(read_bytes(directory_ / "a/net.onnx"), "three");
  EXPECT_THAT(tree(directory_.path()), ElementsAre("a", "a/net.onnx", "link"));
  EXPECT_THROW(write_file_atomically(directory_ / "a", "x"), InputError);
  EXPECT_THROW(write_file_atomically(directory_ / "b/", "x"), InputError);
}

TEST_F(AtomicOutputFiles, NamesAsLongAsTheFileSystemAllows) {
  const std::string name(255, 'n');
  write_file_atomically(directory_ / name, "one");
  EXPECT_EQ(read_bytes(directory_ / name), "one");
  AtomicOutput output(directory_ / std::string(255, 'd'));
  output.add(name, "two");
  output.commit();
  EXPECT_EQ(read_bytes(output.directory() / name), "two");
}

TEST_F(AtomicOutputFiles, SingleFileOnAFullDisk) {
  write_bytes(directory_ / "net.onnx", "old");
  const LimitedFileSize limit(1000);
  EXPECT_THROW(write_file_atomically(directory_ / "net.onnx", std::string(5000, 'x')), IoError);
  EXPECT_THROW(write_file_atomically(directory_ / "b/net.onnx", std::string(5000, 'x')), IoError);
  EXPECT_THAT(tree(directory_.path()), ElementsAre("net.onnx"));
  EXPECT_EQ(read_bytes(directory_ / "net.onnx"), "old");
}

TEST(AtomicOutputDevices, AreWrittenDirectly) {
  write_file_atomically("/dev/null", "text");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_THAT(message_of<IoError>([] { write_file_atomically("/dev/full", "text"); }),
              HasSubstr("/dev/full: cannot write: No space left on device"));
}

}  // namespace
}  // namespace qcal
