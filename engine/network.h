// A model file made ready to be planned, and the recordings that belong to it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/dumps/dump_source.h"
#include "engine/graph/graph.h"
#include "engine/reached_bounds.h"
#include "engine/transform/transform_network.h"

namespace qcal {

struct Network {
  std::filesystem::path file;
  std::string sha256;  // of the file
  Graph as_read;
  TransformedNetwork transformed;  // what is planned and calibrated
};

// Reads, normalises and transforms. Throws what read_onnx throws.
Network read_network(const std::filesystem::path& model, const Configuration& configuration);

// The transformed network as an ONNX file: what to record on where rescaling a recording is not enough. The
// same arguments give the same bytes. Throws what write_onnx throws.
std::string prepared_model(const Network& network);

// `dumps` as the transformed network would have given them. Recordings of the prepared model (with its bounds
// a channel, or without those that the recorded values do not reach) are taken as they are; those of the
// model file are rescaled. Where ReLU6 became ReLU the latter end at 6, see lost_bounds_warning. A recording
// that does not say its model counts as one of the model file, with a warning. Throws InputError, naming the
// commands to run, for any other.
std::unique_ptr<DumpSource> dumps_of_network(const Network& network, std::unique_ptr<DumpSource> dumps,
                                             std::vector<std::string>& warnings);

// Watches the bounds that recorded values decide about: those of ReLU6 that became ReLU, and those a channel.
ReachedBounds watched_bounds(const Network& network);

// `network` without the bounds a channel that no value reaches, of those of which values were seen.
Network without_unreached_bounds(Network network, const ReachedBounds& seen);
// The same from `dumps` of the network (see dumps_of_network), whose bounded tensors are read.
Network without_unreached_bounds(Network network, const DumpSource& dumps);

// Which share of the values of ReLU6 that became ReLU exceeds 6, or, in a recording of the model file, was
// cut there, and how to record without the cut; absent where none does. `dumps` are the network's, and `seen`
// is what they hold.
std::optional<std::string> lost_bounds_warning(const Network& network, const DumpSource& dumps,
                                               const ReachedBounds& seen);

}  // namespace qcal
