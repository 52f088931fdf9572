// quant_bench: how fast the kernels and searches are, beside what the machine can read.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "bench/bandwidth.h"
#include "bench/benches.h"
#include "bench/table_reporter.h"

namespace {

struct Arguments {
  int threads = 1;
  bool smoke = false;
  std::vector<std::string> for_benchmark;  // Google Benchmark's own flags
};

void define(CLI::App& app, Arguments& arguments) {
  app.add_option("--threads", arguments.threads, "threads of each kernel")
      ->check(CLI::Range(1, 4096))
      ->option_text("N [1]");
  app.add_flag("--smoke", arguments.smoke,
               "every kernel once, on small data: for its answers, not its speed");
  app.allow_extras();
  app.footer(
      "Flags of Google Benchmark are passed on, for example:\n"
      "  quant_bench --benchmark_filter='histogram.*/f(32|16)/normal/16777216'\n"
      "  quant_bench --benchmark_list_tests\n"
      "  quant_bench --benchmark_format=json > figures.json\n\n"
      "Names are kernel/dtype/distribution/elements. The answer of every kernel is checked before it is "
      "timed. `share`\n"
      "is of the bandwidth that the same number of threads read from memory in this run; data that fit a "
      "cache can\n"
      "exceed 1.");
}

bool asks_for(const Arguments& arguments, const std::string& flag) {
  return std::ranges::any_of(arguments.for_benchmark,
                             [&](const std::string& argument) { return argument.starts_with(flag); });
}

int run(const Arguments& arguments) {
  using namespace qcal::bench;
  std::vector<char*> flags;
  std::string program = "quant_bench";
  flags.push_back(program.data());
  std::vector<std::string> texts = arguments.for_benchmark;
  for (std::string& text : texts) flags.push_back(text.data());
  int count = static_cast<int>(flags.size());
  benchmark::Initialize(&count, flags.data());
  if (benchmark::ReportUnrecognizedArguments(count, flags.data())) return 2;

  BenchOptions options{qcal::Backend::automatic(), arguments.threads, 0.0, arguments.smoke};
  const bool table =
      !asks_for(arguments, "--benchmark_format") && !asks_for(arguments, "--benchmark_list_tests");
  if (!arguments.smoke && !asks_for(arguments, "--benchmark_list_tests")) {
    options.bandwidth = read_bandwidth(arguments.threads);
    benchmark::AddCustomContext("read_bandwidth_bytes_per_second", fmt::format("{:.0f}", options.bandwidth));
    if (table) {
      fmt::print("back end {}; {} thread(s) read {:.1f} GB/s\n\n", options.backend->reason(),
                 arguments.threads, options.bandwidth / 1e9);
    }
  }
  const auto cache = std::make_shared<DataCache>();
  register_collectors(options, cache);
  register_fake_quantize(options, cache);
  register_searches(options, cache);
  if (!table) {
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  }
  TableReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  if (reporter.failures() > 0) fmt::print(stderr, "error: {} wrong answers\n", reporter.failures());
  return reporter.failures() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Times qcal's kernels and searches and compares them with the bandwidth of memory."};
  define(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  arguments.for_benchmark = app.remaining();
  try {
    return run(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
