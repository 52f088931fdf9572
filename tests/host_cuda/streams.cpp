#include "tests/host_cuda/streams.h"

#include <algorithm>

namespace host_cuda {

std::shared_ptr<Queue> Streams::create(bool ordered_with_default) {
  others_.push_back(std::make_shared<Queue>());
  others_.back()->ordered_with_default = ordered_with_default;
  return others_.back();
}

void Streams::destroy(const std::shared_ptr<Queue>& queue) {
  queue->destroyed = true;
  forget_destroyed();
}

void Streams::forget_destroyed() {
  std::erase_if(others_, [](const std::shared_ptr<Queue>& queue) {
    return queue->destroyed && queue->pending.empty() && !queue->busy;
  });
}

// The default stream and the streams that know it wait for each other's earlier work.
void Streams::push(const std::shared_ptr<Queue>& queue, Work work) {
  if (queue == default_) {
    for (const std::shared_ptr<Queue>& other : others_) {
      if (other->ordered_with_default) work.after.push_back(now(other));
    }
  } else if (queue->ordered_with_default) {
    work.after.push_back(now(default_));
  }
  std::erase_if(work.after, done);
  queue->pending.push_back(std::move(work));
  ++queue->enqueued;
}

bool Streams::can_run(const Queue& queue, bool host_functions) {
  if (queue.busy || queue.pending.empty()) return false;
  const Work& work = queue.pending.front();
  return (host_functions || !work.host_function) && std::all_of(work.after.begin(), work.after.end(), done);
}

Queue* Streams::any_runnable(Random& random, bool host_functions) const {
  std::vector<Queue*> found;
  if (can_run(*default_, host_functions)) found.push_back(default_.get());
  for (const std::shared_ptr<Queue>& queue : others_) {
    if (can_run(*queue, host_functions)) found.push_back(queue.get());
  }
  return found.empty() ? nullptr : found[random.below(found.size())];
}

// What keeps the queue's first work from running. Tickets only name earlier work, so this ends.
Queue* Streams::needed_first(Queue& queue) {
  if (queue.busy) return nullptr;
  for (const Ticket& ticket : queue.pending.front().after) {
    if (!done(ticket)) return needed_first(*ticket.queue);
  }
  return &queue;
}

void Streams::run_head(Queue& queue, std::unique_lock<std::mutex>& lock) {
  const Work work = std::move(queue.pending.front());
  queue.pending.pop_front();
  queue.busy = true;
  if (work.host_function) lock.unlock();
  work.run();
  if (work.host_function) lock.lock();
  queue.busy = false;
  ++queue.completed;
  if (work.host_function) host_function_returned_.notify_all();
  if (queue.destroyed) forget_destroyed();
}

void Streams::run_until(const Ticket& ticket, std::unique_lock<std::mutex>& lock, Random& random,
                        bool random_order) {
  while (!done(ticket)) {
    Queue* queue = random_order ? any_runnable(random, true) : needed_first(*ticket.queue);
    if (queue != nullptr) {
      run_head(*queue, lock);
    } else {
      host_function_returned_.wait(lock);
    }
  }
}

void Streams::run_everything(std::unique_lock<std::mutex>& lock, Random& random, bool random_order) {
  std::vector<Ticket> all{now(default_)};
  for (const std::shared_ptr<Queue>& queue : others_) all.push_back(now(queue));
  for (const Ticket& ticket : all) run_until(ticket, lock, random, random_order);
}

void Streams::run_some(std::unique_lock<std::mutex>& lock, Random& random, bool host_functions) {
  if (Queue* queue = any_runnable(random, host_functions); queue != nullptr) run_head(*queue, lock);
}

void Streams::forget_everything() {
  default_ = std::make_shared<Queue>();
  others_.clear();
}

bool Streams::may_read(const void* memory, std::size_t bytes) const {
  const char* begin = static_cast<const char*>(memory);
  const auto reads = [&](const Work& work) {
    const char* source = static_cast<const char*>(work.host_source);
    return work.host_function || (source < begin + bytes && begin < source + work.host_source_bytes);
  };
  const auto any_reads = [&](const std::shared_ptr<Queue>& queue) {
    return queue->busy || std::any_of(queue->pending.begin(), queue->pending.end(), reads);
  };
  return any_reads(default_) || std::any_of(others_.begin(), others_.end(), any_reads);
}

}  // namespace host_cuda
