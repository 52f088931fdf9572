// What the machine can read: the floor under every kernel's time.
#pragma once

namespace qcal::bench {

// Bytes a second that `threads` threads read from memory, best of several passes over 256 MiB that no cache
// holds.
double read_bandwidth(int threads);

}  // namespace qcal::bench
