// qcal.NetworkCalibration: an ONNX network, calibrated while Python runs it.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>


#include "engine/run/network_calibration.h"
#include "engine/run/result_files.h"
#include "python/src/bindings.h"
#include "python/src/enum_argument.h"
#include "python/src/parameters.h"
#include "python/src/tensor_argument.h"
#include "python/src/work_options.h"

namespace qcal::python {
namespace {

namespace nb = nanobind;
using Name = std::optional<std::string>;
using Names = std::map<std::string, std::string>;

// A result with what it was made by.
class PyResult {
 public:
  PyResult(CalibrationResult result, const Configuration& configuration)
      : result_(std::move(result)), configuration_(configuration) {}

  PyParameters parameters() const {
    return {result_.parameters, result_.context, configuration_.compatibility};
  }
  nb::bytes quantized() const {
    return nb::bytes(result_.quantized.model.data(), result_.quantized.model.size());
  }

  std::vector<std::string> warnings(const Name& runtime) const {
    std::vector<std::string> all = result_.warnings;
    for (std::string& line : runtime_warnings(result_, configuration_, runtime_of(runtime)))
      all.push_back(std::move(line));
    return all;
  }

  nb::dict transforms() const {
    nb::dict by_name;
    for (const TransformStatus& transform : result_.context.transforms)
      by_name[transform.name.c_str()] = nb::make_tuple(transform.status, transform.details);
    return by_name;
  }

  void save(const std::filesystem::path& folder, const Names& names, const Name& runtime) const {
    const nb::gil_scoped_release release;
    AtomicOutput out(folder);
    CalibrationResult copy = result_;
    add_result_files(out, copy, configuration_, {names, runtime_of(runtime)});
    out.commit();
  }

 private:
  static std::optional<Runtime> runtime_of(const Name& name) {
    return name ? std::optional(enum_argument<Runtime>("runtime", *name)) : std::nullopt;
  }

  CalibrationResult result_;
  Configuration configuration_;
};

class PySequentialCalibration {
 public:
  PySequentialCalibration(SequentialCalibration sequential, const Configuration& configuration)
      : configuration_(configuration), sequential_(std::move(sequential)) {}

  // The output of model() whose batches are wanted, or None.
  Name next() {
    const auto wanted = sequential_.next();
    return wanted ? std::optional(wanted->output) : std::nullopt;
  }

  nb::bytes model() {
    const std::string model = sequential_.model();
    return nb::bytes(model.data(), model.size());
  }

  void observe(nb::handle values) {
    const TensorArgument tensor = named_tensor(next().value_or("nothing"), values);
    const nb::gil_scoped_release release;
    sequential_.observe(tensor.view());
  }

  void decide() {
    const nb::gil_scoped_release release;
    sequential_.decide();
  }

  PyResult finish() {
    const nb::gil_scoped_release release;
    return {sequential_.finish(), configuration_};
  }

 private:
  Configuration configuration_;
  SequentialCalibration sequential_;
};

class PyNetworkCalibration {
 public:
  PyNetworkCalibration(const std::filesystem::path& model, const LoadedConfiguration& config,
                       const std::string& backend, const Name& non_finite,
                       const std::vector<std::string>& align)
      : configuration_(config.configuration) {
    RunOptions options{backend_argument(backend), 0, non_finite_argument(non_finite), {}};
    options.align = alignment_of(align);
    const nb::gil_scoped_release release;
    calibration_.emplace(model, configuration_, options);
  }

  nb::bytes prepared_model() {
    const std::string model = open().prepared_model();
    return nb::bytes(model.data(), model.size());
  }
  std::vector<std::string> tensors() { return open().tensors(); }

  void observe(const std::string& name, nb::handle values) {
    const TensorArgument tensor = named_tensor(name, values);
    const nb::gil_scoped_release release;
    open().observe(name, tensor.view());
  }

  PySequentialCalibration sequentially() {
    const nb::gil_scoped_release release;
    SequentialCalibration sequential = std::move(open()).sequentially();
    calibration_.reset();
    return {std::move(sequential), configuration_};
  }

  PyResult finish() {
    const nb::gil_scoped_release release;
    CalibrationResult result = open().finish();
    calibration_.reset();
    return {std::move(result), configuration_};
  }

 private:
  NetworkCalibration& open() {
    if (!calibration_) throw InvalidArgument("the calibration is finished");
    return *calibration_;
  }

  Configuration configuration_;
  std::optional<NetworkCalibration> calibration_;
};

}  // namespace

void add_network(nb::module_& module) {
  nb::class_<PyResult>(module, "Result", "What calibrating a network gave.")
      .def_prop_ro("parameters", &PyResult::parameters, "Of every tensor, as qcal.Parameters.")
      .def_prop_ro("quantized", &PyResult::quantized,
                   "The quantized network, an ONNX file; empty where it could not be written.")
      .def_prop_ro("transforms", &PyResult::transforms,
                   "What became of each change of the network: (status, details).")
      .def("warnings", &PyResult::warnings, nb::arg("runtime") = nb::none(),
           "What to know, with what `runtime` (onnxruntime, or tensorrt) would not take.")
      .def("save", &PyResult::save, nb::arg("folder"), nb::kw_only(), nb::arg("names") = Names(),
           nb::arg("runtime") = nb::none(),
           "Writes quant_params.json, quant_info.json and quantized.onnx, all of them or none.");

  module.def(
      "require_writable", [](const std::filesystem::path& folder) { const AtomicOutput out(folder); },
      nb::arg("folder"), "Raises where results could not be written to a folder.");

  nb::class_<PyNetworkCalibration>(
      module, "NetworkCalibration",
      "An ONNX network, calibrated while it is run: run prepared_model(), hand over "
      "each batch of tensors(), finish(). qcal.onnx does it with onnxruntime.")
      .def(nb::init<const std::filesystem::path&, const LoadedConfiguration&, const std::string&, const Name&,
                    const std::vector<std::string>&>(),
           nb::arg("model"), nb::arg("config"), nb::kw_only(), nb::arg("backend") = "auto",
           nb::arg("non_finite") = nb::none(), nb::arg("align") = std::vector<std::string>())
      .def("prepared_model", &PyNetworkCalibration::prepared_model, "The network to run, an ONNX file.")
      .def("tensors", &PyNetworkCalibration::tensors, "Names of the tensors whose batches are wanted.")
      .def("observe", &PyNetworkCalibration::observe, nb::arg("name"), nb::arg("tensor"),
           "One batch in host memory, read before the call returns.")
      .def("sequentially", &PyNetworkCalibration::sequentially,
           "Instead of finish(): goes on to correct biases on the quantized network's own inputs.")
      .def("finish", &PyNetworkCalibration::finish, "The result. To be called once.");

  nb::class_<PySequentialCalibration>(
      module, "SequentialCalibration",
      "Bias correction on the inputs that the quantized network itself has. While next() names an output: "
      "run "
      "model() on the batches that were observed, hand over that output of each, decide().")
      .def("next", &PySequentialCalibration::next, "The output of model() that is wanted; None in the end.")
      .def("model", &PySequentialCalibration::model, "The quantized network with the corrections so far.")
      .def("observe", &PySequentialCalibration::observe, nb::arg("tensor"), "One batch of that output.")
      .def("decide", &PySequentialCalibration::decide, "After all batches: keeps what lowers the error.")
      .def("finish", &PySequentialCalibration::finish, "The result. To be called once.");
}

}  // namespace qcal::python
