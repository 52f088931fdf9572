// observe_kernels FILE ELEMENTS METHOD CALLS: microseconds that the kernels alone take over float32 values,
// for observe_overhead.py, which holds them against the same tensor observed from Python.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "config/setting_names.h"
#include "engine/collect/tensor_spec.h"
#include "kernels/backend.h"
#include "kernels/collector.h"

int main(int count, char** arguments) {
  if (count != 5) return 2;
  const auto elements = static_cast<std::size_t>(std::strtoull(arguments[2], nullptr, 10));
  const int calls = std::atoi(arguments[4]);
  std::vector<float> values(elements);
  std::ifstream file(arguments[1], std::ios::binary);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(elements * sizeof(float)));
  if (!file) return 2;

  qcal::TensorSettings settings;
  settings.method.value = qcal::from_spelling<qcal::Method>(arguments[3]).value_or(qcal::Method::maxmin);
  settings.calib_scope.value = qcal::CalibrationScope::accumulated;
  settings.scale_type.value = qcal::ScaleType::float_scale;
  const auto collector = qcal::Backend::cpu()->make_collector(qcal::tensor_spec(settings, {}).collect);
  const qcal::TensorView view{
      values.data(), qcal::DType::f32, {static_cast<std::int64_t>(elements)}, qcal::Memory::host, {}};
  collector->collect(view, {});
  const auto start = std::chrono::steady_clock::now();
  for (int call = 0; call < calls; ++call) collector->collect(view, {});
  const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
  std::printf("%.4f\n", taken.count() / calls);
}
