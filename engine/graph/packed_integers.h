// Integers in the bytes of their type.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/graph/graph.h"

namespace qcal {

// Little-endian. `type`: an integral one; every value must fit it.
PackedIntegers packed(ElementType type, const std::vector<std::int64_t>& values);

}  // namespace qcal
