// Who looks at recorded batches beside the collectors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/state/bytes.h"
#include "kernels/tensor_parts.h"

namespace qcal {

// Batches of one tensor come one at a time; those of different tensors from several threads at once, and so
// do calls of save() for other tensors.
class BatchWatch {
 public:
  virtual ~BatchWatch() = default;

  // Recorded tensors that it wants to see although they are in no plan.
  virtual std::vector<std::string> wanted() const = 0;
  // Whether all batches of the tensor must come to one object, in order.
  virtual bool in_order(const std::string& tensor) const = 0;

  virtual void observe(const std::string& tensor, const TensorParts& batch) = 0;

  // What was seen of the tensor; nothing where that is nothing.
  virtual void save(const std::string& tensor, ByteWriter& to) const = 0;
  // Adds what another object saved. Throws what `from` throws.
  virtual void merge(const std::string& tensor, ByteReader& from) = 0;
};

}  // namespace qcal
