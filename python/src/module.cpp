// qcal._core: the engine for Python. Thin: what it does is the engine's, how it reads is python/qcal's.
#include "engine/version.h"
#include "python/src/bindings.h"
#include "python/src/errors.h"

NB_MODULE(_core, module) {
  using namespace qcal::python;
  module.doc() = "The engine of qcal. Import qcal instead.";
  module.attr("__version__") = qcal::version().c_str();
  add_errors(module);
  add_configuration(module);
  add_parameters(module);
  add_calibrator(module);
  add_histogram(module);
  add_network(module);
  add_report(module);
}
