// Reads every value of what a dump's header promises, as a calibration would.
#pragma once

#include <cstdint>

#include "engine/dumps/batch_file.h"
#include "engine/dumps/file_dump.h"
#include "tests/fuzz/fuzzed_file.h"

namespace qcal::testing {

inline void read_values(const BatchFile& file) {
  FileDump dump("fuzzed");
  for (const NamedTensor& named : file.tensors) dump.add_batch(named.name, named.tensor);
  for (const NamedTensor& named : file.tensors) {
    if (!named.tensor.dtype) continue;
    std::int64_t elements = 0;
    dump.parts(named.name, 0)->for_each([&](const TensorPart& part) { elements += part.view.size(); });
    require(std::uint64_t(elements) * size_of(*named.tensor.dtype) == named.tensor.bytes,
            "the parts are not the whole");
  }
}

}  // namespace qcal::testing
