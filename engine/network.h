// A model file made ready to be planned, and the recordings that belong to it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/dumps/dump_source.h"
#include "engine/graph/graph.h"
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

// `dumps` as the transformed network would have given them. Recordings of the prepared model are taken as
// they are; those of the model file are rescaled, where that is exact: nothing but equalization happened, or
// no recorded value reaches the bound of a ReLU6 that is gone (its tensors are read once for that). A
// recording that does not say its model counts as one of the model file, with a warning. Throws InputError,
// naming the commands to run, for any other.
std::unique_ptr<DumpSource> dumps_of_network(const Network& network, std::unique_ptr<DumpSource> dumps,
                                             std::vector<std::string>& warnings);

}  // namespace qcal
