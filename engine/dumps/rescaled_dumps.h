// A recording as the equalized network would have made it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/dumps/dump_source.h"

namespace qcal {

// The tensors of `dumps`, those with divisors divided by them, one a channel (axis 1), as float32; exact
// where these are powers of two. Parts are copied while they are visited, so that a batch takes one part's
// memory more. Batches whose axis 1 has another extent are an InputError when they are opened.
std::unique_ptr<DumpSource> rescaled_dumps(std::unique_ptr<DumpSource> dumps,
                                           std::map<std::string, std::vector<float>, std::less<>> divisors);

}  // namespace qcal
