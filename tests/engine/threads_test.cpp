// One calibrator under many threads: what they observe, save and merge at once is what one thread would have
// got, and a calibrator may go while calls are on their way. QCAL_SANITIZE=thread tools/test.sh -R Threads
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tbb/global_control.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/calibrator.h"
#include "tests/reference/test_data.h"
#include "tests/support/refusal.h"

namespace qcal::testing {
namespace {

using ::testing::HasSubstr;

constexpr int threads = 6;
constexpr int batches = 12;

Configuration configuration() {
  Configuration configuration = default_configuration();
  configuration.target_device.value = TargetDevice::cpu;
  return configuration;
}

// Odd tensors accumulate.
Configuration configuration_of(int tensor) {
  Configuration own = configuration();
  TensorSettings& settings = own.tensor_settings[Role::activation];
  settings.method.value = Method::percentile;
  settings.calib_scope.value = tensor % 2 == 0 ? CalibrationScope::per_batch : CalibrationScope::accumulated;
  return own;
}

PlannedTensor planned(int tensor) {
  PlannedTensor result;
  result.name = "t" + std::to_string(tensor);
  result.settings = configuration_of(tensor).tensor_settings[Role::activation];
  return result;
}

const std::vector<float>& values() {
  static const std::vector<float> all = samples(Shape::normal, 40'000, 3);
  return all;
}

// Another part of the values for each tensor and batch.
TensorView view_of(int tensor, int batch) {
  return {values().data() + 100 * tensor + 1000 * batch, DType::f32, {8, 1000}, Memory::host, {}};
}

// Without threads of oneTBB, whose hand-over of work ThreadSanitizer cannot see.
template <class Work>
void side_by_side(const Work& work) {
  const tbb::global_control alone(tbb::global_control::max_allowed_parallelism, 1);
  std::vector<std::thread> all;
  std::latch start(threads);
  for (int thread = 0; thread < threads; ++thread) {
    all.emplace_back([&, thread] {
      start.arrive_and_wait();
      work(thread);
    });
  }
  for (std::thread& thread : all) thread.join();
}

QuantizationParameters one_after_the_other() {
  Calibrator calibrator(configuration(), Backend::cpu());
  for (int tensor = 0; tensor < threads; ++tensor) calibrator.declare(planned(tensor));
  for (int tensor = 0; tensor < threads; ++tensor) {
    for (int batch = 0; batch < batches; ++batch)
      calibrator.observe(planned(tensor).name, view_of(tensor, batch));
  }
  return calibrator.finish();
}

// Each thread has a tensor of its own, and looks at those of the others through states.
TEST(Threads, ObserveSaveAndMergeSideBySide) {
  const QuantizationParameters expected = one_after_the_other();
  Calibrator calibrator(configuration(), Backend::cpu());
  for (int tensor = 0; tensor < threads; ++tensor) calibrator.declare(planned(tensor));
  Calibrator other(configuration(), Backend::cpu());
  for (int tensor = 0; tensor < threads; ++tensor) other.declare(planned(tensor));
  side_by_side([&](int thread) {
    const std::string name = planned(thread).name;
    for (int batch = 0; batch < batches; ++batch) {
      Calibrator& turn = batch % 2 == 0 ? calibrator : other;
      turn.observe(name, view_of(thread, batch), {}, batch);
      if (batch % 4 == thread % 4) turn.save();
    }
    calibrator.merge_tensor(name, other.save_tensor(name));
    if (thread % 3 == 0) calibrator.complete(name);
  });
  EXPECT_EQ(calibrator.finish(), expected);
}

TEST(Threads, MayFeedOneTensorToo) {
  Calibrator calibrator(configuration(), Backend::cpu());
  calibrator.declare(planned(1));
  side_by_side([&](int thread) {
    for (int batch = thread; batch < batches; batch += threads)
      calibrator.observe("t1", view_of(1, batch), {}, batch);
  });
  EXPECT_EQ(calibrator.finish().tensors.at(0), one_after_the_other().tensors.at(1));
}

TEST(Threads, DeclareWhileOthersObserve) {
  Calibrator calibrator(configuration(), Backend::cpu());
  side_by_side([&](int thread) {
    calibrator.declare(planned(thread));
    for (int batch = 0; batch < batches; ++batch)
      calibrator.observe(planned(thread).name, view_of(thread, batch));
  });
  EXPECT_EQ(calibrator.finish().tensors.size(), static_cast<std::size_t>(threads));
}

// A batch that is being read until somebody opens the gate.
class GatedBatch final : public TensorParts {
 public:
  DType dtype() const override { return view_.dtype; }
  const std::vector<std::int64_t>& shape() const override { return view_.shape; }
  bool whole() const override { return true; }
  void for_each(const std::function<void(const TensorPart&)>& visit) const override {
    if (!reached_.exchange(true)) reached_.notify_all();
    open_.wait(false);
    visit({view_, {0, 0}});
  }

  void wait_until_reached() const { reached_.wait(false); }
  void open() {
    open_ = true;
    open_.notify_all();
  }

 private:
  TensorView view_ = view_of(0, 0);
  mutable std::atomic<bool> reached_ = false;
  std::atomic<bool> open_ = false;
};

TEST(Threads, ACalibratorMayGoWhileABatchIsRead) {
  for (const int tensor : {0, 1}) {
    auto calibrator = std::make_unique<Calibrator>(configuration(), Backend::cpu());
    calibrator->declare(planned(tensor));
    GatedBatch batch;
    const tbb::global_control alone(tbb::global_control::max_allowed_parallelism, 1);
    std::thread reader([&, observed = calibrator.get()] { observed->observe(planned(tensor).name, batch); });
    batch.wait_until_reached();
    calibrator.reset();
    batch.open();
    reader.join();
  }
}

}  // namespace
}  // namespace qcal::testing
