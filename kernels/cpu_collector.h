// The CPU back end's collector.
#pragma once

#include <memory>

#include "kernels/collector.h"

namespace qcal {

// Parallel over channels, and over segments of large ones, in the calling thread's oneTBB arena.
// Throws InvalidArgument for a spec that accumulates squared errors.
std::unique_ptr<Collector> make_cpu_collector(const CollectSpec& spec);

}  // namespace qcal
