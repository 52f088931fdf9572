// The values of a stored tensor, read from the first to the last, whatever they are stored in.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "engine/dumps/archive_pool.h"
#include "engine/dumps/stored_tensor.h"

namespace qcal {

class ValueStream {
 public:
  virtual ~ValueStream() = default;
  // Fills `into` with the next bytes. Throws IoError where the file ends earlier or the device fails,
  // InputError where compressed data are damaged.
  virtual void read(std::span<std::byte> into) = 0;
  // To be called behind the last value: checks what can be checked only then (an archive's checksum).
  virtual void finish() = 0;
};

// Throws InputError where the file is not the one whose header was read. `archives` must outlive the stream.
// `where` begins messages.
std::unique_ptr<ValueStream> open_values(const StoredTensor& stored, ArchivePool& archives,
                                         const std::string& where);

}  // namespace qcal
