#include "engine/run/worker_threads.h"

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>

namespace qcal {

void on_threads(int threads, const std::function<void(int)>& work) {
  const int count = threads > 0 ? threads : tbb::info::default_concurrency();
  const tbb::global_control allow(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(count));
  tbb::task_arena arena(count);
  arena.execute([&] { work(count); });
}

}  // namespace qcal
