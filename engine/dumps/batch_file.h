// A file that holds one batch of many tensors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/dumps/stored_tensor.h"

namespace qcal {

struct NamedTensor {
  std::string name;
  StoredTensor tensor;
};

struct BatchFile {
  std::vector<NamedTensor> tensors;         // in the file's order
  std::optional<std::string> model_sha256;  // of the model that it was recorded from, lower case
};

}  // namespace qcal
