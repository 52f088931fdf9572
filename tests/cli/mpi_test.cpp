// mpirun calib_run: any number of processes write the files of one, speak with one voice, and fail together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/cli/run_tool.h"

namespace qcal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string models = QCAL_MODELS;

// More processes than cores, and perhaps as root, as in a container.
ToolRun mpirun(const Workspace& work, int ranks, const std::string& arguments) {
  return work.shell(
      "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 "
      "ASAN_OPTIONS=detect_leaks=0; " QCAL_MPIRUN " -n " +
      std::to_string(ranks) + " " QCAL_CALIB_RUN " " + arguments);
}

std::string job(const std::string& network, const std::string& config) {
  const std::string folder = models + "/" + network;
  return "calibrate --model " + folder + "/" + network + ".ts.op13.bn.onnx --dumps " + folder +
         "/dump --config " + models + "/configs/" + config + " --threads 1 ";
}

std::map<std::string, std::string> files_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    files.emplace(file.path().filename().string(), file_text(file.path()));
  return files;
}

TEST(Mpi, AnyNumberOfRanksWritesTheFilesOfOneProcess) {
  const Workspace work;
  const std::string command = job("mbv2_digits", "cpu.json");
  ASSERT_EQ(work.run(command + "--quiet --out " + (work / "alone").string()).exit_code, 0);
  for (const int ranks : {1, 2, 3, 5}) {
    const std::string out = "out" + std::to_string(ranks);
    const ToolRun run = mpirun(work, ranks, command + "--out " + (work / out).string());
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(files_in(work / out), files_in(work / "alone")) << ranks;
    const std::string told = " tensors written to ";
    EXPECT_EQ(run.out.find(told), run.out.rfind(told)) << "once";
    EXPECT_THAT(run.out, HasSubstr(told));
  }
}

TEST(Mpi, RanksThatWereKilledGoOn) {
  const Workspace work;
  const std::string command = job("rn_digits", "cpu.json") + "--quiet ";
  ASSERT_EQ(work.run(command + "--out " + (work / "alone").string()).exit_code, 0);
  const std::string resumed = command + "--out " + (work / "out").string() + " --checkpoint " +
                              (work / "checkpoint").string() + " --every 0 --resume";
  // What the second of three ranks had come to when it was killed.
  const ToolRun share = work.shell(
      QCAL_CALIB_RUN " " + command + "--shard 2/3 --state " + (work / "state").string() + " --checkpoint " +
      (work / "checkpoint.1").string() + " --every 0 & sleep 0.05; kill -9 $!; wait");
  const ToolRun run = mpirun(work, 3, resumed);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(files_in(work / "out"), files_in(work / "alone"));
  for (const std::string rank : {"0", "1", "2"})
    EXPECT_FALSE(std::filesystem::exists(work / ("checkpoint." + rank)));
}

TEST(Mpi, ARankThatFailsEndsTheJobWithItsMessage) {
  const Workspace work;
  work.write("checkpoint.1", "broken");
  const ToolRun run = mpirun(work, 3,
                             job("rn_digits", "cpu.json") + "--out " + (work / "out").string() +
                                 " --resume --checkpoint " + (work / "checkpoint").string());
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("error: rank 1 of 3: " + (work / "checkpoint.1").string() +
                                 ": no state of a calibration\n"));
  EXPECT_FALSE(std::filesystem::exists(work / "out"));
}

TEST(Mpi, WhatGoesWrongEverywhereIsToldOnce) {
  const Workspace work;
  const ToolRun run = mpirun(work, 3, "tensors --dumps nowhere --out " + (work / "out").string());
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("error: rank 0 of 3: nowhere: "), Not(HasSubstr("rank 1 of 3"))));
  const ToolRun twice =
      mpirun(work, 2, job("rn_digits", "cpu.json") + "--shard 1/2 --state " + (work / "state").string());
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.err, HasSubstr("--shard: mpirun has started several processes"));
}

}  // namespace
}  // namespace qcal::testing
