#include "engine/network.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "engine/dumps/rescaled_dumps.h"
#include "engine/dumps/sha256.h"
#include "engine/error.h"
#include "engine/graph/onnx_reader.h"
#include "engine/graph/onnx_writer.h"
#include "engine/transform/normalise.h"
#include "engine/transform/onnx_spelling.h"

namespace qcal {
namespace {

constexpr float relu6_bound = 6.0F;

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// What each ReLU6 of `outputs` was, or is, bounded by.
void add_bounds(UpperBounds& bounds, const Network& network, const std::vector<std::string>& outputs) {
  for (const std::string& output : outputs) {
    std::vector<float>& channels = bounds[output];
    const auto divisors = network.transformed.divisors.find(output);
    if (divisors == network.transformed.divisors.end()) {
      channels = {relu6_bound};
      continue;
    }
    for (const float divisor : divisors->second) channels.push_back(relu6_bound / divisor);
  }
}

// Recorded on the model file itself, as far as it says.
bool is_of_model(const Network& network, const DumpSource& dumps) {
  return dumps.model_sha256().value_or(network.sha256) == network.sha256;
}

std::string commands(const std::string& model) {
  return fmt::format(
      "\n  calib_run prepare --model {} --config CONFIG --out prepared.onnx\n"
      "  tools/record.py prepared.onnx INPUTS.npz DIR\n"
      "  calib_run calibrate --model {} --config CONFIG --dumps DIR ...",
      model, model);
}

// With all its bounds, or without those that the values of `dumps` do not reach.
bool is_prepared_model(const Network& network, const DumpSource& dumps, const std::string& sha256) {
  try {
    if (sha256_of(prepared_model(network)) == sha256) return true;
    if (network.transformed.bounded.empty()) return false;
    return sha256_of(prepared_model(without_unreached_bounds(network, dumps))) == sha256;
  } catch (const InputError&) {  // no recording of a network that cannot be prepared, or of other channels
    return false;
  }
}

InputError other_model(const Network& network, const DumpSource& dumps) {
  const std::string model = network.file.string();
  const std::string advice =
      network.transformed.unclipped.empty()
          ? fmt::format("\nrecord again with `tools/record.py {} INPUTS.npz DIR`", model)
          : "\nwrite the network as this configuration changes it, record on that, and calibrate:" +
                commands(model);
  return InputError(
      fmt::format("{}: recorded from another model file\n  dump:  sha256 {}\n  model: sha256 {}  {}{}",
                  dumps.description(), *dumps.model_sha256(), network.sha256, model, advice));
}

}  // namespace

Network read_network(const std::filesystem::path& model, const Configuration& configuration) {
  Network network{model, sha256_of_file(model), read_onnx(model), {}};
  network.transformed = transform_network(normalise(network.as_read), configuration);
  return network;
}

std::string prepared_model(const Network& network) {
  return write_onnx(network.file, network.as_read, onnx_spelling(network.transformed.graph)).model;
}

std::unique_ptr<DumpSource> dumps_of_network(const Network& network, std::unique_ptr<DumpSource> dumps,
                                             std::vector<std::string>& warnings) {
  const std::optional<std::string> recorded = dumps->model_sha256();
  if (recorded && *recorded != network.sha256) {
    if (!is_prepared_model(network, *dumps, *recorded)) throw other_model(network, *dumps);
    return dumps;
  }
  if (!recorded) {
    warnings.push_back(dumps->description() + ": does not say which model it was recorded from; assuming " +
                       network.file.string());
  }
  return rescaled_dumps(std::move(dumps), network.transformed.divisors);
}

ReachedBounds watched_bounds(const Network& network) {
  UpperBounds bounds;
  add_bounds(bounds, network, network.transformed.unclipped);
  add_bounds(bounds, network, network.transformed.bounded);
  return ReachedBounds(std::move(bounds));
}

Network without_unreached_bounds(Network network, const ReachedBounds& seen) {
  std::vector<std::string> unreached;
  for (const std::string& output : network.transformed.bounded) {
    const BoundCounts& counts = seen.counts(output);
    if (counts.values > 0 && counts.reached == 0) unreached.push_back(output);
  }
  network.transformed = without_bounds(std::move(network.transformed), unreached);
  return network;
}

Network without_unreached_bounds(Network network, const DumpSource& dumps) {
  UpperBounds bounds;
  add_bounds(bounds, network, network.transformed.bounded);
  ReachedBounds seen(std::move(bounds));
  seen.observe_rest(dumps);
  return without_unreached_bounds(std::move(network), seen);
}

std::optional<std::string> lost_bounds_warning(const Network& network, const DumpSource& dumps,
                                               const ReachedBounds& seen) {
  const bool cut = is_of_model(network, dumps);
  const auto share_of = [&](const BoundCounts& counts) {
    return percent(cut ? counts.reached : counts.exceeded, counts.values);
  };
  BoundCounts all;
  std::string worst;
  std::size_t unseen = 0;
  for (const std::string& output : network.transformed.unclipped) {
    const BoundCounts& counts = seen.counts(output);
    all.values += counts.values;
    all.reached += counts.reached;
    all.exceeded += counts.exceeded;
    if (counts.values == 0) ++unseen;
    if (worst.empty() || share_of(counts) > share_of(seen.counts(worst))) worst = output;
  }
  if (share_of(all) == 0 && (!cut || unseen == 0)) return std::nullopt;
  const std::size_t count = network.transformed.unclipped.size();
  const std::string shares =
      fmt::format("{:.3g}% of the recorded values of {} ReLU6 that became ReLU {} 6 ({:.3g}% in {})",
                  share_of(all), count, cut ? "reach" : "exceed", share_of(seen.counts(worst)), worst);
  if (!cut) return fmt::format("convert_relu6_to_relu: {}", shares);
  const std::string missing =
      unseen == 0 ? ""
                  : fmt::format("; {} of the {} were not recorded, which may reach it too", unseen, count);
  return fmt::format(
      "convert_relu6_to_relu: {}{}; {} was recorded before the change, so it ends at 6 there, and what "
      "exceeds 6 will saturate; to record without the cut:{}",
      shares, missing, dumps.description(), commands(network.file.string()));
}

}  // namespace qcal
