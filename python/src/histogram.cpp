// qcal.Histogram: how a tensor's values are distributed, and what a method makes of it.
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "engine/collect/histogram_search.h"
#include "engine/config_file.h"
#include "python/src/bindings.h"
#include "python/src/enum_argument.h"
#include "python/src/tensor_argument.h"
#include "python/src/work_options.h"

namespace qcal::python {
namespace {

namespace nb = nanobind;

template <class Value>
nb::ndarray<nb::numpy, Value> array_of(std::vector<Value> values) {
  auto kept = std::make_unique<std::vector<Value>>(std::move(values));
  std::vector<Value>* data = kept.release();
  const nb::capsule owner(data,
                          [](void* memory) noexcept { delete static_cast<std::vector<Value>*>(memory); });
  return {data->data(), {data->size()}, owner};
}

std::vector<double> edges_of(const Histogram& histogram) {
  std::vector<double> edges;
  if (histogram.bins() == 0) return edges;
  for (int i = 0; i <= histogram.bins(); ++i) edges.push_back(histogram.edge(i));
  return edges;
}

Distribution observed(nb::handle values, bool symmetric, const std::string& backend) {
  const std::shared_ptr<const Backend> work = backend_argument(backend);
  const TensorArgument tensor(values);
  const nb::gil_scoped_release release;
  if (tensor.view().memory == Memory::device && work->name() == "cpu")
    throw InvalidArgument("the tensor lies in device memory, and the back end is cpu");
  return distribution_of(WholeTensor(tensor.view()), symmetric, *work, tensor.stream());
}

}  // namespace

void add_histogram(nb::module_& module) {
  nb::class_<Distribution>(
      module, "Histogram",
      "Counts of values in equal bins: of magnitudes over [0, largest], or of values over a "
      "range that holds 0. At most 2048 bins.")
      .def(
          "__init__",
          [](Distribution* self, std::vector<std::uint64_t> counts, double low, double high) {
            new (self) Distribution(distribution_of(std::move(counts), low, high));
          },
          nb::arg("counts"), nb::arg("low"), nb::arg("high"),
          "counts[i] values in equal part i of [low, high], as numpy.histogram counts them.")
      .def_prop_ro(
          "counts", [](const Distribution& self) { return array_of(self.histogram.counts); },
          nb::rv_policy::automatic, "uint64, one a bin; empty where every value is 0.")
      .def_prop_ro(
          "edges", [](const Distribution& self) { return array_of(edges_of(self.histogram)); },
          nb::rv_policy::automatic, "float64, one more than counts.")
      .def_prop_ro("min", [](const Distribution& self) { return self.range.min; })
      .def_prop_ro("max", [](const Distribution& self) { return self.range.max; });

  module.def("histogram", observed, nb::arg("tensor"), nb::kw_only(), nb::arg("symmetric") = true,
             nb::arg("backend") = "auto",
             "The tensor's values as calibration counts them, in 2048 bins: magnitudes for symmetric "
             "settings, values for "
             "others. NaN and infinities are left out.");

  nb::class_<HistogramChoice>(module, "Choice",
                              "The scale that a method chose: real = scale * (q - zero_point).")
      .def_prop_ro("scale", [](const HistogramChoice& self) { return self.choice.scale; })
      .def_prop_ro("zero_point", [](const HistogramChoice& self) { return self.choice.zero_point; })
      .def_prop_ro("amax", [](const HistogramChoice& self) { return self.choice.amax; })
      .def_prop_ro("qmin", [](const HistogramChoice& self) { return self.settings.range.qmin; })
      .def_prop_ro("qmax", [](const HistogramChoice& self) { return self.settings.range.qmax; })
      .def_prop_ro("signed", [](const HistogramChoice& self) { return self.settings.is_signed; })
      .def_prop_ro(
          "low",
          [](const HistogramChoice& self) {
            return self.choice.scale * static_cast<double>(self.settings.range.qmin - self.choice.zero_point);
          },
          "The smallest value that the integers reach.")
      .def_prop_ro(
          "high",
          [](const HistogramChoice& self) {
            return self.choice.scale * static_cast<double>(self.settings.range.qmax - self.choice.zero_point);
          },
          "The largest one.");

  module.def(
      "search_histogram",
      [](const Distribution& histogram, const LoadedConfiguration& config, const std::string& role) {
        const TensorSettings& settings =
            config.configuration.tensor_settings[enum_argument<Role>("role", role)];
        const nb::gil_scoped_release release;
        return search_histogram(histogram, settings);
      },
      nb::arg("histogram"), nb::arg("config"), nb::arg("role"));
}

}  // namespace qcal::python
