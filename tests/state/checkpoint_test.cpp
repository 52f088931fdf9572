// When a run's state is saved, and what is left of it.
#include "engine/run/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "engine/error.h"
#include "tests/dumps/dump_files.h"

namespace qcal::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(Checkpoint, KeepsTheLastState) {
  const TemporaryDirectory directory;
  Checkpoint checkpoint(directory / "file", 0s);
  EXPECT_EQ(checkpoint.load(), std::nullopt);
  for (const std::string state : {"first", "second"}) {
    checkpoint.offer([&] { return state; });
    EXPECT_EQ(checkpoint.load(), state);
  }
  write_bytes(directory / "file.part", "of a run that was killed");
  checkpoint.offer([] { return "third"; });
  EXPECT_EQ(checkpoint.load(), "third");
  EXPECT_FALSE(std::filesystem::exists(directory / "file.part"));
  checkpoint.remove();
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Checkpoint, WaitsForItsTime) {
  const TemporaryDirectory directory;
  Checkpoint checkpoint(directory / "file", 1h);
  checkpoint.offer([]() -> std::string { throw std::logic_error("too early"); });
}

// Saving takes 30 ms, so that the next time is 3 s away, although 1 ms was asked for.
TEST(Checkpoint, TakesLessThanAHundredthOfTheTime) {
  const TemporaryDirectory directory;
  Checkpoint checkpoint(directory / "file", 1ms);
  std::this_thread::sleep_for(2ms);
  int saved = 0;
  for (const Clock::time_point start = Clock::now(); Clock::now() - start < 300ms;) {
    checkpoint.offer([&] {
      ++saved;
      std::this_thread::sleep_for(30ms);
      return "state";
    });
  }
  EXPECT_EQ(saved, 1);
}

TEST(Checkpoint, IsSavedByOneThreadWhileOthersGoOn) {
  const TemporaryDirectory directory;
  Checkpoint checkpoint(directory / "file", 0s);
  checkpoint.offer([&] {
    std::thread([&] {
      checkpoint.offer([]() -> std::string { throw std::logic_error("another one saves"); });
    }).join();
    return "state";
  });
  EXPECT_EQ(checkpoint.load(), "state");
}

TEST(Checkpoint, NeedsAPlaceToBe) {
  const TemporaryDirectory directory;
  EXPECT_THAT(message_of<InputError>([&] { Checkpoint(directory.path(), 1s); }), HasSubstr("a directory"));
  EXPECT_THAT(message_of<InputError>([&] { Checkpoint(directory / "missing/file", 1s); }),
              HasSubstr("in no directory that exists"));
}

}  // namespace
}  // namespace qcal::testing
