// Memory does not depend on the size of a dump: 4 GiB in one batch or in many, and thousands of tensors.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/dumps/dump_files.h"

namespace qcal::testing {
namespace {

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;
constexpr long most_kibibytes = 150 * 1024;

struct Usage {
  int exit_code = -1;
  long peak_kibibytes = 0;
};

Usage run_tool(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  std::string program = QCAL_CALIB_RUN;
  argv.push_back(program.data());
  std::vector<std::string> texts = arguments;
  for (std::string& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, usage.ru_maxrss};
}

// A float32 file of `bytes` bytes of values, zeros but for a few; sparse, so that it takes no room on the
// disk.
void write_sparse_npy(const std::filesystem::path& path, std::uint64_t bytes) {
  const std::string start =
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(bytes / 4) + ",)}", "");
  write_bytes(path, start);
  ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(start.size() + bytes)), 0);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const std::string values = bytes_of(std::vector<float>{1.5f, -0.25f, 3.0f, 0.125f});
  for (std::uint64_t at = 0; at + values.size() < bytes; at += bytes / 8) {
    file.seekp(static_cast<std::streamoff>(start.size() + at));
    file.write(values.data(), static_cast<std::streamsize>(values.size()));
  }
}

class Memory : public ::testing::Test {
 protected:
  void expect_flat(const std::string& method) {
    write_bytes(directory_ / "config.json", R"({"target_device": "CPU",
      "quantizable_data_type": ["input", "weights", "bias", "activation"],
      "convert_relu6_to_relu": false, "include_cle": false, "include_bias_corr": false,
      "overall_quantize_config": {"bit_width": 8, "method": ")" +
                                                method + R"(", "round_mode": "half_even",
        "symmetry": true, "per_channel": false, "signed": true, "narrow_range": false, "scale_type": "float",
        "calib_statistic_method": "max"}})");
    for (const char* threads : {"1", "2"}) {
      const Usage usage = run_tool({"tensors", "--quiet", "--dumps", (directory_ / "dump").string(),
                                    "--config", (directory_ / "config.json").string(), "--threads", threads,
                                    "--out", (directory_ / "out").string()});
      EXPECT_EQ(usage.exit_code, 0);
      EXPECT_LT(usage.peak_kibibytes, most_kibibytes) << method << ", " << threads << " threads";
      RecordProperty(method + "_" + threads + "_threads_peak_kib", static_cast<int>(usage.peak_kibibytes));
      printf("%s, %s threads: %ld KiB\n", method.c_str(), threads, usage.peak_kibibytes);
    }
  }

  TemporaryDirectory directory_;
};

TEST_F(Memory, FourGibibytesInOneBatch) {
  std::filesystem::create_directory(directory_ / "dump");
  write_sparse_npy(directory_ / "dump/0.npy", 4 * gibibyte);
  write_bytes(directory_ / "dump/manifest.json", R"({"tensors": {"x": ["0.npy"]}})");
  for (const char* method : {"maxmin", "mse", "diffs"}) expect_flat(method);
}

TEST_F(Memory, FourGibibytesInManyBatches) {
  std::filesystem::create_directory(directory_ / "dump");
  std::string list;
  for (int i = 0; i < 64; ++i) {
    write_sparse_npy(directory_ / ("dump/" + std::to_string(i) + ".npy"), gibibyte / 16);
    list += (i == 0 ? "\"" : ", \"") + std::to_string(i) + ".npy\"";
  }
  write_bytes(directory_ / "dump/manifest.json", R"({"tensors": {"x": [)" + list + "]}}");
  for (const char* method : {"maxmin", "entropy", "diffs"}) expect_flat(method);
}

TEST_F(Memory, TenThousandTensors) {
  std::filesystem::create_directory(directory_ / "dump");
  constexpr int tensors = 10'000;
  for (int batch = 0; batch < 4; ++batch) {
    std::string header = "{";
    std::string values;
    for (int t = 0; t < tensors; ++t) {
      header += (t == 0 ? "\"t" : ",\"t") + std::to_string(t) +
                R"(":{"dtype":"F32","shape":[4,64],"data_offsets":[)" + std::to_string(values.size()) + "," +
                std::to_string(values.size() + 1024) + "]}";
      for (int i = 0; i < 256; ++i)
        values += bytes_of(std::vector<float>{static_cast<float>((i * 7 + t) % 31) - 15.0f});
    }
    write_bytes(directory_ / ("dump/" + std::to_string(batch) + ".safetensors"),
                safetensors(header + "}", values));
  }
  // Percentile keeps the histograms that mse and entropy keep, and finds its answers in no time.
  for (const char* method : {"maxmin", "percentile", "diffs"}) expect_flat(method);
}

}  // namespace
}  // namespace qcal::testing
