// qcal.Calibrator: the engine's front door.
#include "engine/calibrator.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "config/describe.h"
#include "engine/version.h"
#include "python/src/bindings.h"
#include "python/src/enum_argument.h"
#include "python/src/parameters.h"
#include "python/src/tensor_argument.h"
#include "python/src/work_options.h"

namespace qcal::python {
namespace {

namespace nb = nanobind;
using Name = std::optional<std::string>;

class PyCalibrator {
 public:
  PyCalibrator(const LoadedConfiguration& config, const std::string& backend, const Name& non_finite)
      : configuration_(config.configuration),
        backend_(backend_argument(backend)),
        calibrator_(std::in_place, configuration_, backend_,
                    CalibratorOptions{non_finite_argument(non_finite)}) {}

  std::string backend() const { return backend_->reason(); }

  void declare(const std::string& name, const std::string& role, const std::string& layer_name,
               const std::string& layer_type, const std::string& module_path, std::optional<int> channel_axis,
               const Name& bias_input, const Name& bias_weights) {
    Declaration declaration{
        enum_argument<Role>("role", role), layer_name, layer_type, module_path, channel_axis, {}};
    if (bias_input.has_value() != bias_weights.has_value())
      throw InvalidArgument("tensor \"" + name + "\": bias_input and bias_weights belong together");
    if (bias_input) declaration.bias_factors = BiasFactors{*bias_input, *bias_weights};
    open().declare(name, declaration);
  }

  void observe(const std::string& name, nb::handle values, std::optional<std::int64_t> index) {
    const TensorArgument tensor = named_tensor(name, values);
    const nb::gil_scoped_release release;
    open().observe(name, tensor.view(), tensor.stream(), index);
  }

  void complete(const std::string& name) {
    const nb::gil_scoped_release release;
    open().complete(name);
  }

  void merge(PyCalibrator& shard) {
    if (&shard == this) throw InvalidArgument("a calibrator cannot be merged with itself");
    const nb::gil_scoped_release release;
    open().merge(std::move(shard.open()));
    shard.calibrator_.reset();
  }

  nb::bytes save() {
    std::string state;
    {
      const nb::gil_scoped_release release;
      state = open().save();
    }
    return nb::bytes(state.data(), state.size());
  }

  void merge_state(const nb::bytes& state) {
    const std::string_view bytes(state.c_str(), state.size());
    const nb::gil_scoped_release release;
    open().merge(bytes);
  }

  PyParameters finish() {
    const nb::gil_scoped_release release;
    PyParameters parameters;
    parameters.found = open().finish();
    calibrator_.reset();
    parameters.context = {version(), "", "", configuration_json(configuration_), {}};
    parameters.compatibility = configuration_.compatibility;
    return parameters;
  }

 private:
  Calibrator& open() {
    if (!calibrator_) throw InvalidArgument("the calibrator is finished, or was merged into another");
    return *calibrator_;
  }

  Configuration configuration_;
  std::shared_ptr<const Backend> backend_;
  std::optional<Calibrator> calibrator_;
};

}  // namespace

void add_calibrator(nb::module_& module) {
  nb::class_<PyCalibrator>(
      module, "Calibrator",
      "Tensors in, batch by batch, quantization parameters out. Calls for different tensors "
      "may run in different threads; the GIL is released meanwhile. No tensor is kept.")
      .def(nb::init<const LoadedConfiguration&, const std::string&, const Name&>(), nb::arg("config"),
           nb::kw_only(), nb::arg("backend") = "auto", nb::arg("non_finite") = nb::none(),
           "backend: auto, cpu or cuda (the device that is current now); the bits are the same. non_finite: "
           "what becomes of a batch with NaN "
           "or "
           "infinities: error (the default), skip-batch or ignore.")
      .def_prop_ro("backend", &PyCalibrator::backend, "Which back end works, and why.")
      .def("declare", &PyCalibrator::declare, nb::arg("name"), nb::kw_only(), nb::arg("role") = "activation",
           nb::arg("layer_name") = "", nb::arg("layer_type") = "", nb::arg("module_path") = "",
           nb::arg("channel_axis") = nb::none(), nb::arg("bias_input") = nb::none(),
           nb::arg("bias_weights") = nb::none(),
           "Announces a tensor. role: input, weights, bias or activation. layer_name, layer_type and "
           "module_path "
           "are what layer entries of the configuration are matched against. channel_axis: what per_channel "
           "means; negative counts from the end. bias_input, bias_weights: the tensors whose scales a 32-bit "
           "bias multiplies. Raises InvalidArgument for a name declared before.")
      .def("observe", &PyCalibrator::observe, nb::arg("name"), nb::arg("tensor"),
           nb::arg("index") = nb::none(),
           "One batch: float32, float16, bfloat16 or float64 of any strides, from NumPy, torch, CuPy or "
           "whatever "
           "offers DLPack or the buffer protocol. Host memory is read before the call returns; device memory "
           "on "
           "the framework's current stream, where it lies. Batches without an index are numbered as they "
           "come. "
           "Raises TypeError for what is no such tensor, InvalidArgument, naming tensor and batch, for one "
           "that "
           "the settings cannot take.")
      .def("complete", &PyCalibrator::complete, nb::arg("name"),
           "Finds the tensor's parameters now and lets go of its statistics.")
      .def("merge", &PyCalibrator::merge, nb::arg("shard"),
           "Takes over what another calibrator of the same tensors has observed; that one is then finished.")
      .def("save", &PyCalibrator::save,
           "What has been observed so far, as bytes for a file or another machine (engine/state/README.md).")
      .def("merge", &PyCalibrator::merge_state, nb::arg("state"),
           "The same from what save() gave; a new calibrator with the same declarations goes on where the "
           "saved "
           "one was. Raises InputError for bytes that are no state of such a calibrator.")
      .def("finish", &PyCalibrator::finish,
           "The parameters of every declared tensor. To be called once; raises InvalidArgument naming a "
           "tensor "
           "of which no batch was observed.");
}

}  // namespace qcal::python
