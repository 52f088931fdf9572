// What a recording holds, without its values: enough to plan the work on it, and to finish a calibration
// whose values others have read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/dumps/dump_source.h"
#include "engine/state/bytes.h"

namespace qcal {

struct RecordedTensor {
  std::string name;
  std::size_t batches = 0;
  std::uint64_t bytes = 0;  // of values, over all batches
};

struct RecordingIndex {
  std::vector<RecordedTensor> tensors;
  std::optional<std::string> model_sha256;
  std::string description;
};

RecordingIndex index_of(const DumpSource& dumps);

// Sixteen hexadecimal digits that differ between recordings of other tensors, batches, sizes or models.
// Values are not read.
std::string fingerprint(const RecordingIndex& index);

void write_index(ByteWriter& to, const RecordingIndex& index);
RecordingIndex read_index(ByteReader& from);

// Says what the index says, and throws InputError where values are asked for.
std::unique_ptr<DumpSource> dumps_elsewhere(RecordingIndex index);

}  // namespace qcal
