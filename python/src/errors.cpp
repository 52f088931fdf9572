#include "python/src/errors.h"

#include "engine/error.h"

namespace qcal::python {
namespace {

namespace nb = nanobind;

// The classes live as long as the module, which Python never unloads.
struct Classes {
  PyObject* error = nullptr;
  PyObject* config_error = nullptr;
  PyObject* input_error = nullptr;
  PyObject* io_error = nullptr;
  PyObject* invalid_argument = nullptr;
  PyObject* cuda_error = nullptr;
};

PyObject* add_class(nb::module_& module, const char* name, const char* doc, const nb::tuple& bases) {
  const std::string qualified = std::string("qcal.") + name;
  PyObject* made = PyErr_NewExceptionWithDoc(qualified.c_str(), doc, bases.ptr(), nullptr);
  if (made == nullptr) throw nb::python_error();
  module.attr(name) = nb::handle(made);
  return made;
}

void translate(const std::exception_ptr& thrown, void* payload) {
  const Classes& classes = *static_cast<const Classes*>(payload);
  try {
    std::rethrow_exception(thrown);
  } catch (const ConfigError& error) {
    PyErr_SetString(classes.config_error, error.what());
  } catch (const InputError& error) {
    PyErr_SetString(classes.input_error, error.what());
  } catch (const IoError& error) {
    PyErr_SetString(classes.io_error, error.what());
  } catch (const InvalidArgument& error) {
    PyErr_SetString(classes.invalid_argument, error.what());
  } catch (const CudaError& error) {
    PyErr_SetString(classes.cuda_error, error.what());
  } catch (const Error& error) {
    PyErr_SetString(classes.error, error.what());
  }
}

}  // namespace

void add_errors(nb::module_& module) {
  static Classes classes;
  const nb::handle exception(PyExc_Exception);
  classes.error = add_class(module, "Error", "What qcal raises; the message says what is wrong.",
                            nb::make_tuple(exception));
  const nb::handle error(classes.error);
  const auto bases = [&](PyObject* built_in) { return nb::make_tuple(error, nb::handle(built_in)); };
  classes.config_error =
      add_class(module, "ConfigError", "A configuration with mistakes, one a line.", bases(PyExc_ValueError));
  classes.input_error =
      add_class(module, "InputError", "A file, or batches, that cannot be used.", bases(PyExc_ValueError));
  classes.io_error =
      add_class(module, "IoError", "The operating system refused to read or write.", bases(PyExc_OSError));
  classes.invalid_argument =
      add_class(module, "InvalidArgument", "A value that breaks a documented rule.", bases(PyExc_ValueError));
  classes.cuda_error =
      add_class(module, "CudaError", "A CUDA call failed, or no device answers.", bases(PyExc_RuntimeError));
  nb::register_exception_translator(translate, &classes);
}

}  // namespace qcal::python
