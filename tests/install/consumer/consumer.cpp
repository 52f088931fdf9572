// A training harness in miniature: tensors come from memory, the library never sees a file of theirs.
#include <engine/calibrator.h>
#include <engine/dumps/dump_source.h>
#include <engine/export/quant_params.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <vector>

int main(int, char** argv) {
  qcal::Calibrator calibrator{qcal::load_config(argv[1]), qcal::Backend::automatic()};
  const auto dumps = qcal::open_dumps(argv[2]);
  for (const std::string& name : dumps->names()) {
    calibrator.declare(name, {.role = qcal::Role::activation});
    for (std::size_t batch = 0; batch < dumps->batches(name); ++batch) {
      const auto recorded = dumps->open(name, batch);
      const qcal::TensorView& view = recorded->view();
      std::vector<float> tensor(static_cast<std::size_t>(view.size()));
      std::memcpy(tensor.data(), view.data, tensor.size() * sizeof(float));
      calibrator.observe(
          name, qcal::TensorView{tensor.data(), qcal::DType::f32, view.shape, qcal::Memory::host, {}});
    }
  }
  std::ofstream(argv[3]) << qcal::quant_params_json(calibrator.finish(), {});
  return 0;
}
