// How a model file says which transforms it went through: metadata_props with these keys, the details a line
// each in the value.
#pragma once

#include <string_view>

namespace qcal {

inline constexpr std::string_view transform_metadata = "qcal.transform.";

}  // namespace qcal
