// Where tensors lie and work on them is timed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kernels/backend.h"
#include "kernels/stream.h"
#include "kernels/tensor_view.h"

namespace qcal::bench {

// A tensor in a place's memory.
struct PlacedTensor {
  TensorView view;
  std::shared_ptr<const void> memory;  // what the view lies in; null where that is the caller's
};

// What is timed: enqueue() starts it on the place's stream, finish() waits for the answer.
struct Work {
  std::function<void(Stream)> enqueue;
  std::function<void()> finish = [] {};
};

class Place {
 public:
  virtual ~Place() = default;
  // The first part of its benchmarks' names.
  virtual std::string name() const = 0;
  // Makes the place ready; nothing below may be called before. Throws CudaError where there is no device.
  virtual void open() = 0;
  virtual const Backend& backend() const = 0;
  // Bytes a second that the place can move, measured: the floor under every kernel's time. About a second.
  virtual double measured_bandwidth() const = 0;
  // What that is, for people: "4 threads read from memory".
  virtual std::string bandwidth_is() const = 0;
  // The same values where the place's work reads them.
  virtual PlacedTensor put(const TensorView& host) const = 0;
  // Does the work once. Seconds that it took.
  virtual double seconds_of(const Work& work) const = 0;
};

// Host memory and this many threads.
std::unique_ptr<Place> cpu_place(int threads);

}  // namespace qcal::bench
