// What the module consists of: one function a file.
#pragma once

#include <nanobind/nanobind.h>

namespace qcal::python {

void add_configuration(nanobind::module_& module);
void add_parameters(nanobind::module_& module);
void add_calibrator(nanobind::module_& module);
void add_histogram(nanobind::module_& module);
void add_network(nanobind::module_& module);
void add_report(nanobind::module_& module);

}  // namespace qcal::python
