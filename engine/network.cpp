#include "engine/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/rescaled_dumps.h"
#include "engine/dumps/sha256.h"
#include "engine/error.h"
#include "engine/graph/onnx_reader.h"
#include "engine/graph/onnx_writer.h"
#include "engine/transform/normalise.h"
#include "engine/transform/onnx_spelling.h"
#include "kernels/channel_blocks.h"

namespace qcal {
namespace {

constexpr float relu6_bound = 6.0F;

std::string sha256_of(const std::string& bytes) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return hash.hex();
}

struct Counts {
  std::uint64_t reached = 0;
  std::uint64_t all = 0;

  double percent() const {
    return all == 0 ? 0 : 100.0 * static_cast<double>(reached) / static_cast<double>(all);
  }
};

// Counts the values of `tensor` that reach the bound of their channel (one for all, or one along axis 1).
template <class Reaches>
void count(const DumpSource& dumps, const std::string& tensor, const std::vector<float>& bounds,
           const Reaches& reaches, Counts& counts) {
  const bool alike = bounds.size() == 1;
  const auto visit = [&](const TensorPart& part) {
    const ChannelReader reader(part.view, alike ? std::nullopt : std::optional(1));
    const std::size_t first = alike ? 0 : static_cast<std::size_t>(part.origin[1]);
    for (std::int64_t channel = 0; channel < reader.channels(); ++channel) {
      const float bound = bounds.at(first + static_cast<std::size_t>(channel));
      for_each_block(reader, channel, 0, reader.elements(), [&](std::span<const float> values) {
        counts.reached += static_cast<std::uint64_t>(
            std::ranges::count_if(values, [&](float value) { return reaches(value, bound); }));
        counts.all += values.size();
      });
    }
  };
  for (std::size_t index = 0; index < dumps.batches(tensor); ++index) {
    const auto parts = dumps.parts(tensor, index);
    const auto channels = static_cast<std::int64_t>(bounds.size());
    if (!alike && (parts->shape().size() < 2 || parts->shape()[1] != channels)) {
      throw InputError(
          fmt::format("{}: tensor {}: axis 1 of a batch does not have the {} channels of the network",
                      dumps.description(), in_quotes(tensor), channels));
    }
    parts->for_each(visit);
  }
}

std::string commands(const std::string& model) {
  return fmt::format(
      "\nwrite the network as this configuration changes it, record on that, and calibrate:\n"
      "  calib_run prepare --model {} --config CONFIG --out prepared.onnx\n"
      "  tools/record.py prepared.onnx INPUTS.npz DIR\n"
      "  calib_run calibrate --model {} --config CONFIG --dumps DIR ...",
      model, model);
}

// Recordings of the model file itself: where a ReLU6 cut a value, they hold 6.
void require_same_values(const Network& network, const DumpSource& dumps) {
  const std::vector<std::string>& tensors = network.transformed.unclipped;
  if (tensors.empty()) return;
  const bool all_recorded =
      std::ranges::all_of(tensors, [&](const std::string& tensor) { return dumps.contains(tensor); });
  std::string share = "not all of them were recorded";
  if (all_recorded) {
    Counts counts;
    for (const std::string& tensor : tensors)
      count(dumps, tensor, {relu6_bound}, std::greater_equal<>(), counts);
    if (counts.reached == 0) return;
    share = fmt::format("{:.3g}% of their values reach 6, where the two differ", counts.percent());
  }
  throw InputError(fmt::format("{}: recorded before the {} ReLU6 of {} became ReLU; {}{}",
                               dumps.description(), tensors.size(), network.file.string(), share,
                               commands(network.file.string())));
}

// Recordings of the prepared model: the share of values above the bound that it lost.
void warn_of_lost_bounds(const Network& network, const DumpSource& dumps,
                         std::vector<std::string>& warnings) {
  const std::vector<std::string>& tensors = network.transformed.unclipped;
  if (tensors.empty()) return;
  Counts counts;
  for (const std::string& tensor : tensors) {
    if (!dumps.contains(tensor)) continue;
    std::vector<float> bounds{relu6_bound};
    const auto& divisors = network.transformed.divisors;
    if (const auto found = divisors.find(tensor); found != divisors.end()) {
      bounds.clear();
      for (const float divisor : found->second) bounds.push_back(relu6_bound / divisor);
    }
    count(dumps, tensor, bounds, std::greater<>(), counts);
  }
  warnings.push_back(
      fmt::format("convert_relu6_to_relu: {:.3g}% of the recorded values of {} ReLU6 that became "
                  "ReLU exceed 6",
                  counts.percent(), tensors.size()));
}

bool is_prepared_model(const Network& network, const std::string& sha256) {
  try {
    return sha256_of(prepared_model(network)) == sha256;
  } catch (const InputError&) {  // a network that cannot be prepared has no recordings of the result
    return false;
  }
}

InputError other_model(const Network& network, const DumpSource& dumps) {
  const std::string model = network.file.string();
  const std::string advice =
      network.transformed.unclipped.empty()
          ? fmt::format("\nrecord again with `tools/record.py {} INPUTS.npz DIR`", model)
          : commands(model);
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
  return write_onnx(network.file, network.as_read, onnx_spelling(network.transformed.graph));
}

std::unique_ptr<DumpSource> dumps_of_network(const Network& network, std::unique_ptr<DumpSource> dumps,
                                             std::vector<std::string>& warnings) {
  const std::optional<std::string> recorded = dumps->model_sha256();
  if (recorded && *recorded != network.sha256) {
    if (!is_prepared_model(network, *recorded)) throw other_model(network, *dumps);
    warn_of_lost_bounds(network, *dumps, warnings);
    return dumps;
  }
  if (!recorded) {
    warnings.push_back(dumps->description() + ": does not say which model it was recorded from; assuming " +
                       network.file.string());
  }
  require_same_values(network, *dumps);
  return rescaled_dumps(std::move(dumps), network.transformed.divisors);
}

}  // namespace qcal
