// qcal.Parameters and qcal.TensorParameters: what a calibration found, and fake quantization by it.
#include "python/src/parameters.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "engine/collect/fake_quantized.h"
#include "engine/config_file.h"
#include "engine/export/atomic_output.h"
#include "engine/export/quant_info.h"
#include "engine/version.h"
#include "python/src/bindings.h"
#include "python/src/enum_argument.h"
#include "python/src/tensor_argument.h"

namespace qcal::python {
namespace {

namespace nb = nanobind;

template <auto member>
std::string spelled(const TensorParameters& tensor) {
  return std::string(spelling(tensor.*member));
}

std::string summary(const TensorParameters& tensor) {
  std::string text = "<" + tensor.name + ": " + std::string(spelling(tensor.role)) + ", ";
  if (tensor.scale.empty()) return text + std::string(spelling(tensor.datatype)) + ">";
  text += std::string(tensor.is_signed ? "int" : "uint") + std::to_string(tensor.bit_width);
  if (tensor.scale.size() > 1) return text + ", " + std::to_string(tensor.scale.size()) + " channels>";
  return text + ", scale " + nb::cast<std::string>(nb::repr(nb::float_(tensor.scale.front()))) +
         ", zero point " + std::to_string(tensor.zero_point.front()) + ">";
}

const TensorParameters& named(const PyParameters& parameters, const std::string& name) {
  const auto found = std::ranges::find(parameters.found.tensors, name, &TensorParameters::name);
  if (found == parameters.found.tensors.end()) throw nb::key_error(name.c_str());
  return *found;
}

PyParameters load_parameters(const std::filesystem::path& file) {
  PyParameters parameters;
  parameters.found = read_quant_params(file);
  QuantParamsOrigin origin = read_quant_params_origin(file);
  parameters.context.qcal_version = version();
  parameters.context.model_sha256 = std::move(origin.model_sha256);
  parameters.context.config_json = std::move(origin.config_json);
  parameters.context.bias_corrections = std::move(origin.bias_corrections);
  return parameters;
}

std::string quant_info(const PyParameters& parameters, const std::map<std::string, std::string>& names) {
  return quant_info_json(parameters.found, {names, parameters.compatibility});
}

nb::ndarray<nb::numpy, float> fake_quantized(nb::handle values, const TensorParameters& parameters,
                                             Compatibility compatibility) {
  const TensorArgument tensor = named_tensor(parameters.name, values);
  const auto count = static_cast<std::size_t>(tensor.view().size());
  auto out = std::make_unique<float[]>(count);
  {
    const nb::gil_scoped_release release;
    fake_quantize_tensor(tensor.view(), parameters, compatibility, {out.get(), count});
  }
  const std::vector<std::size_t> shape(tensor.view().shape.begin(), tensor.view().shape.end());
  float* data = out.release();
  const nb::capsule owner(data, [](void* memory) noexcept { delete[] static_cast<float*>(memory); });
  return {data, shape.size(), shape.data(), owner};
}

void add_tensor_parameters(nb::module_& module) {
  using Tensor = TensorParameters;
  nb::class_<Tensor>(
      module, "TensorParameters",
      "Of one tensor: real = scale * (q - zero_point), q in [qmin, qmax]. Names and meanings are "
      "those of quant_params.json; lists have one entry a tensor or one a channel.")
      .def_ro("name", &Tensor::name)
      .def_prop_ro("role", spelled<&Tensor::role>)
      .def_ro("layer", &Tensor::layer)
      .def_ro("layer_type", &Tensor::layer_type)
      .def_prop_ro("datatype", spelled<&Tensor::datatype>)
      .def_ro("bit_width", &Tensor::bit_width)
      .def_ro("qmin", &Tensor::qmin)
      .def_ro("qmax", &Tensor::qmax)
      .def_ro("signed", &Tensor::is_signed)
      .def_ro("symmetric", &Tensor::symmetric)
      .def_prop_ro("granularity", spelled<&Tensor::granularity>)
      .def_ro("axis", &Tensor::axis)
      .def_prop_ro("method", spelled<&Tensor::method>)
      .def_prop_ro("round_mode", spelled<&Tensor::round_mode>)
      .def_prop_ro("scale_type", spelled<&Tensor::scale_type>)
      .def_ro("scale", &Tensor::scale)
      .def_ro("zero_point", &Tensor::zero_point)
      .def_ro("amax", &Tensor::amax)
      .def_ro("fix_pos", &Tensor::fix_pos)
      .def_ro("batches", &Tensor::batches)
      .def_prop_ro("batch_statistic", spelled<&Tensor::statistic>)
      .def_prop_ro("calib_scope", spelled<&Tensor::scope>)
      .def_prop_ro(
          "per_batch",
          [](const Tensor& tensor) {
            nb::dict history;
            history["scale"] = tensor.per_batch.scale;
            history["zero_point"] = tensor.per_batch.zero_point;
            history["amax"] = tensor.per_batch.amax;
            return history;
          },
          "What each batch alone gave: lists by batch, then channel.")
      .def_ro("elements", &Tensor::elements)
      .def_ro("non_finite", &Tensor::non_finite)
      .def("__repr__", summary);
}

}  // namespace

void add_parameters(nb::module_& module) {
  add_tensor_parameters(module);
  nb::class_<PyParameters>(module, "Parameters",
                           "The parameters of every tensor, in order of declaration or of the graph.")
      .def("__len__", [](const PyParameters& parameters) { return parameters.found.tensors.size(); })
      .def("__iter__",
           [](const PyParameters& parameters) {
             nb::list names;
             for (const TensorParameters& tensor : parameters.found.tensors) names.append(tensor.name);
             return nb::iter(names);
           })
      .def("__getitem__", named, nb::rv_policy::reference_internal, nb::arg("name"))
      .def("__contains__",
           [](const PyParameters& parameters, const std::string& name) {
             return std::ranges::find(parameters.found.tensors, name, &TensorParameters::name) !=
                    parameters.found.tensors.end();
           })
      .def_prop_ro(
          "tensors",
          [](nb::handle self) {
            nb::list tensors;
            for (const TensorParameters& tensor : nb::cast<const PyParameters&>(self).found.tensors)
              tensors.append(nb::cast(tensor, nb::rv_policy::reference_internal, self));
            return tensors;
          },
          "All of them, as a list.")
      .def_prop_ro("names",
                   [](const PyParameters& parameters) {
                     std::vector<std::string> names;
                     for (const TensorParameters& tensor : parameters.found.tensors)
                       names.push_back(tensor.name);
                     return names;
                   })
      .def_prop_ro(
          "compat",
          [](const PyParameters& parameters) {
            return parameters.compatibility == Compatibility::vitis ? "vitis" : "standard";
          },
          "Whose arithmetic they are for: standard or vitis.")
      .def(
          "to_json",
          [](const PyParameters& parameters) {
            return quant_params_json(parameters.found, parameters.context);
          },
          "The text of quant_params.json, whose numbers read back to the same bits.")
      .def(
          "quant_info", quant_info, nb::arg("names") = std::map<std::string, std::string>(),
          "The text of quant_info.json, vai_q_pytorch's layout; `names` maps tensor names to those it should "
          "carry.")
      .def(
          "save",
          [](const PyParameters& parameters, const std::filesystem::path& file) {
            write_file_atomically(file, quant_params_json(parameters.found, parameters.context));
          },
          nb::arg("file"), "Writes quant_params.json, whole or not at all.")
      .def_static("load", load_parameters, nb::arg("file"), "Reads a quant_params.json of any origin.")
      .def(
          "fake_quantize",
          [](const PyParameters& parameters, const std::string& name, nb::handle values) {
            return fake_quantized(values, named(parameters, name), parameters.compatibility);
          },
          nb::arg("name"), nb::arg("values"), "As qcal.fake_quantize, by these parameters' arithmetic.");
  module.def(
      "fake_quantize",
      [](nb::handle values, const TensorParameters& parameters, bool vitis) {
        return fake_quantized(values, parameters, vitis ? Compatibility::vitis : Compatibility::standard);
      },
      nb::arg("values"), nb::arg("parameters"), nb::arg("vitis"));
}

}  // namespace qcal::python
