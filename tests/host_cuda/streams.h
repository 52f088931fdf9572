// Streams as queues of work that has not run yet. Within a stream work runs in order; between streams only
// tickets (what events record) order it, and otherwise the seed does.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/host_cuda/random.h"

namespace host_cuda {

struct Queue;

// The work of a stream up to some moment.
struct Ticket {
  std::shared_ptr<Queue> queue;
  std::uint64_t count = 0;  // done once the queue has completed this many
};

struct Work {
  std::function<void()> run;
  std::vector<Ticket> after;
  bool host_function = false;         // runs code of the program: without the device's lock
  const void* host_source = nullptr;  // host memory that it will read
  std::size_t host_source_bytes = 0;
};

struct Queue {
  bool ordered_with_default = true;
  bool destroyed = false;
  bool busy = false;
  std::deque<Work> pending;
  std::uint64_t enqueued = 0;
  std::uint64_t completed = 0;
};

class Streams {
 public:
  std::shared_ptr<Queue> create(bool ordered_with_default);
  // The queue stays until its work is done.
  void destroy(const std::shared_ptr<Queue>& queue);
  void push(const std::shared_ptr<Queue>& queue, Work work);
  Ticket now(const std::shared_ptr<Queue>& queue) const { return {queue, queue->enqueued}; }
  static bool done(const Ticket& ticket) {
    return ticket.queue == nullptr || ticket.queue->completed >= ticket.count;
  }

  // Runs pending work until the ticket is done. Work of one thread at a time runs under `lock`.
  void run_until(const Ticket& ticket, std::unique_lock<std::mutex>& lock, Random& random, bool random_order);
  void run_everything(std::unique_lock<std::mutex>& lock, Random& random, bool random_order);
  // Runs one piece of work of some stream, if any can run. Host functions only where the caller allows them.
  void run_some(std::unique_lock<std::mutex>& lock, Random& random, bool host_functions);

  void forget_everything();
  // Whether pending work may yet read this host memory.
  bool may_read(const void* memory, std::size_t bytes) const;

  const std::shared_ptr<Queue>& default_queue() const { return default_; }
  const std::vector<std::shared_ptr<Queue>>& others() const { return others_; }

 private:
  static bool can_run(const Queue& queue, bool host_functions);
  Queue* any_runnable(Random& random, bool host_functions) const;
  static Queue* needed_first(Queue& queue);
  void forget_destroyed();
  void run_head(Queue& queue, std::unique_lock<std::mutex>& lock);

  std::shared_ptr<Queue> default_ = std::make_shared<Queue>();
  std::vector<std::shared_ptr<Queue>> others_;
  std::condition_variable host_function_returned_;
};

}  // namespace host_cuda
