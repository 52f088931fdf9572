// qcal's exceptions as Python classes.
#pragma once

#include <nanobind/nanobind.h>

namespace qcal::python {

// Adds Error and its subclasses to the module, each also a subclass of the built-in one that fits, and has
// what the engine throws arrive as them, with its messages.
void add_errors(nanobind::module_& module);

}  // namespace qcal::python
