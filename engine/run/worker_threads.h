// How many threads work.
#pragma once

#include <functional>

namespace qcal {

// Runs `work` where oneTBB has `threads` threads, this one included; 0: as many as the machine has. The work
// is told how many.
void on_threads(int threads, const std::function<void(int threads)>& work);

}  // namespace qcal
