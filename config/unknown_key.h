// Which keys belong where, and what to say about one that does not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qcal {

// The four kinds of object in a configuration file.
enum class Place { top_level, tensor_block, tensor_roles, layer_entry };

// The keys that `place` takes. The tensor settings of a flat file are left out of the top level's.
std::vector<std::string_view> known_keys(Place place);

// "unknown key; allowed: ...; did you mean X?", or where the key belongs if it is known elsewhere.
std::string unknown_key(std::string_view key, Place place);

}  // namespace qcal
