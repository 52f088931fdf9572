// quant_bench: how fast the kernels and searches are, beside what memory can move.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "bench/benches.h"
#include "bench/cuda_places.h"
#include "bench/table_reporter.h"
#include "kernels/error.h"

namespace qcal::bench {
namespace {

struct Arguments {
  std::string backend = "auto";
  int threads = 1;
  bool smoke = false;
  std::vector<std::string> for_benchmark;  // Google Benchmark's own flags
};

void define(CLI::App& app, Arguments& arguments) {
  app.add_option("--backend", arguments.backend, "auto: the CPU, and CUDA where a device answers")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->option_text("auto|cpu|cuda [auto]");
  app.add_option("--threads", arguments.threads, "threads of each kernel on the CPU")
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
      "Names are place/kernel/dtype/distribution/elements. Places: cpu; cuda, tensors in device memory, "
      "timed "
      "by the\n"
      "device's clock with cold caches; cuda_from_host, host tensors until the results are back. Every "
      "answer "
      "is checked\n"
      "before it is timed. `share` is of the bandwidth of the place's memory, measured in this run; data "
      "that "
      "fit a\n"
      "CPU's cache can exceed 1.");
}

bool asks_for(const Arguments& arguments, const std::string& flag) {
  return std::ranges::any_of(arguments.for_benchmark,
                             [&](const std::string& argument) { return argument.starts_with(flag); });
}

// Those that were asked for; where that was left to us, without those that cannot be opened.
std::vector<std::shared_ptr<Place>> chosen_places(const Arguments& arguments, bool only_listed) {
  std::vector<std::shared_ptr<Place>> places;
  if (arguments.backend != "cuda") places.push_back(cpu_place(arguments.threads));
  if (arguments.backend == "cpu") return places;
  try {
    if (arguments.backend == "cuda") Backend::cuda();  // says why not, in builds without CUDA too
    for (const std::shared_ptr<Place>& place : cuda_places()) {
      if (!only_listed) place->open();
      places.push_back(place);
    }
  } catch (const CudaError& error) {
    if (arguments.backend == "cuda") throw;
    fmt::print(stderr, "only the CPU: {}\n", error.what());
  }
  return places;
}

void register_all(const BenchOptions& options, const std::vector<std::shared_ptr<Place>>& places) {
  for (const std::shared_ptr<Place>& place : places) {
    register_collectors(options, place);
    if (place->name() == "cuda") register_cuda_kernels(options, place);
    if (place->name() != "cpu") continue;
    register_fake_quantize(options, place);
    register_searches(options, place);
  }
}

int run(const Arguments& arguments) {
  std::vector<std::string> texts = arguments.for_benchmark;
  texts.insert(texts.begin(), "quant_bench");
  std::vector<char*> flags;
  for (std::string& text : texts) flags.push_back(text.data());
  int count = static_cast<int>(flags.size());
  benchmark::Initialize(&count, flags.data());
  if (benchmark::ReportUnrecognizedArguments(count, flags.data())) return 2;

  const bool only_listed = asks_for(arguments, "--benchmark_list_tests");
  const bool table = !only_listed && !asks_for(arguments, "--benchmark_format");
  const std::vector<std::shared_ptr<Place>> places = chosen_places(arguments, only_listed);
  BenchOptions options;
  options.smoke = arguments.smoke;
  for (const std::shared_ptr<Place>& place : places) {
    if (options.smoke || only_listed) break;
    const double bandwidth = place->measured_bandwidth();
    options.bandwidth[place->name()] = bandwidth;
    benchmark::AddCustomContext(place->name() + "_bandwidth_bytes_per_second",
                                fmt::format("{:.0f}", bandwidth));
    if (table) {
      fmt::print("{}: {}; {:.1f} GB/s: {}\n", place->name(), place->backend().reason(), bandwidth / 1e9,
                 place->bandwidth_is());
    }
  }
  register_all(options, places);
  TableReporter reporter;
  const std::size_t ran =
      table ? benchmark::RunSpecifiedBenchmarks(&reporter) : benchmark::RunSpecifiedBenchmarks();
  if (ran == 0) throw InvalidArgument("no benchmark has such a name");  // a filter that matches nothing
  if (reporter.failures() > 0) fmt::print(stderr, "error: {} wrong answers\n", reporter.failures());
  return reporter.failures() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace qcal::bench

int main(int argc, char** argv) {
  qcal::bench::Arguments arguments;
  CLI::App app{"Times qcal's kernels and searches and compares them with what memory can move."};
  qcal::bench::define(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  arguments.for_benchmark = app.remaining();
  try {
    return qcal::bench::run(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
