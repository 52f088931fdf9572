// Where the arithmetic runs. Every back end gives the same bits.
#pragma once

#include <memory>
#include <string>

namespace qcal {

class Collector;
struct CollectSpec;
class PatchSums;

class Backend {
 public:
  // Always there. Uses the calling thread's oneTBB arena.
  static std::shared_ptr<const Backend> cpu();
  // The calling thread's current CUDA device. Throws CudaError, saying why, where none answers or this build
  // has no CUDA.
  static std::shared_ptr<const Backend> cuda();
  // CUDA where a device answers, else the CPU; reason() says which and why.
  static std::shared_ptr<const Backend> automatic();

  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  // One line for the user: what was chosen and why.
  virtual std::string reason() const = 0;
  // See collector.h and patch_sums.h, which belong to the engine and are not installed.
  virtual std::unique_ptr<Collector> make_collector(const CollectSpec& spec) const = 0;
  virtual std::unique_ptr<PatchSums> make_patch_sums() const = 0;
};

}  // namespace qcal
