#include "engine/c_api/qcal.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "config/describe.h"
#include "engine/calibrator.h"
#include "engine/config_file.h"
#include "engine/error.h"
#include "engine/export/quant_params.h"
#include "engine/version.h"

struct qcal_calibrator {
  qcal::Calibrator calibrator;
  std::string configuration_json;
};

struct qcal_bytes {
  std::string bytes;
};

struct qcal_result {
  qcal::QuantizationParameters parameters;
  std::string json;
};

namespace {

using namespace qcal;

qcal_status report(qcal_error* error, qcal_status status, const char* message) {
  if (error == nullptr) return status;
  error->status = status;
  std::strncpy(error->message, message, sizeof error->message - 1);
  error->message[sizeof error->message - 1] = '\0';
  return status;
}

// No exception leaves the library.
template <class Work>
qcal_status guarded(qcal_error* error, const Work& work) {
  try {
    work();
    return report(error, QCAL_OK, "");
  } catch (const InvalidArgument& failure) {
    return report(error, QCAL_INVALID_ARGUMENT, failure.what());
  } catch (const ConfigError& failure) {
    return report(error, QCAL_BAD_INPUT, failure.what());
  } catch (const InputError& failure) {
    return report(error, QCAL_BAD_INPUT, failure.what());
  } catch (const CudaError& failure) {
    return report(error, QCAL_DEVICE_FAILED, failure.what());
  } catch (const std::exception& failure) {
    return report(error, QCAL_FAILED, failure.what());
  } catch (...) {
    return report(error, QCAL_FAILED, "an unknown exception");
  }
}

template <class Pointer>
void require(const Pointer* pointer, const char* what) {
  if (pointer == nullptr) throw InvalidArgument(std::string(what) + " is NULL");
}

// A structure of this version or, with members that are not known here, of a later one that leaves them zero.
template <class Structure>
Structure known_part(const Structure* given, const char* what) {
  require(given, what);
  if (given->size < sizeof(Structure::size)) throw InvalidArgument(std::string(what) + "->size was not set");
  Structure known = {};
  std::memcpy(&known, given, std::min(given->size, sizeof known));
  const auto* const bytes = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = sizeof known; i < given->size; ++i) {
    if (bytes[i] != 0)
      throw InvalidArgument(std::string(what) + " has members that version " + version() + " does not know");
  }
  return known;
}

// `values` by the number of the C enumerator, which may be none: to C++ such a value must not even be read as
// one.
template <class Value, std::size_t count, class Enumeration>
Value one_of(const Value (&values)[count], const Enumeration& enumerator, const char* what) {
  unsigned number = 0;
  static_assert(sizeof number == sizeof enumerator);
  std::memcpy(&number, &enumerator, sizeof number);
  if (number >= count) throw InvalidArgument(std::string(what) + " " + std::to_string(number) + " is none");
  return values[number];
}

std::string text_or(const char* text, const char* otherwise) {
  return text == nullptr ? otherwise : text;
}

Configuration configuration_of(const qcal_options& options) {
  const auto compatibility =
      one_of({Compatibility::standard, Compatibility::vitis}, options.compatibility, "compatibility");
  if (options.configuration == nullptr) return default_configuration(compatibility);
  return read_config_with_warnings(options.configuration, text_or(options.name, "configuration"),
                                   {.compatibility = compatibility})
      .configuration;
}

std::shared_ptr<const Backend> backend_of(const qcal_backend& backend) {
  constexpr std::shared_ptr<const Backend> (*makers[])() = {Backend::automatic, Backend::cpu, Backend::cuda};
  return one_of(makers, backend, "backend")();
}

std::optional<NonFinite> policy_of(const qcal_non_finite& policy) {
  return one_of<std::optional<NonFinite>>(
      {std::nullopt, NonFinite::reject, NonFinite::skip, NonFinite::ignore}, policy, "non_finite");
}

Declaration declaration_of(const qcal_declaration& given) {
  Declaration declaration;
  declaration.role = one_of({Role::activation, Role::input, Role::weights, Role::bias}, given.role, "role");
  declaration.layer_name = text_or(given.layer_name, "");
  declaration.layer_type = text_or(given.layer_type, "");
  if (given.has_channel_axis != 0) declaration.channel_axis = given.channel_axis;
  if ((given.bias_input == nullptr) != (given.bias_weights == nullptr))
    throw InvalidArgument("a bias has the factors bias_input and bias_weights, or none");
  if (given.bias_input != nullptr)
    declaration.bias_factors = BiasFactors{given.bias_input, given.bias_weights};
  return declaration;
}

TensorView view_of(const qcal_tensor& tensor) {
  constexpr std::size_t most_dimensions = 64;
  TensorView view;
  view.data = tensor.data;
  view.dtype = one_of({DType::f32, DType::f16, DType::bf16, DType::f64}, tensor.dtype, "dtype");
  view.memory = one_of({Memory::host, Memory::device}, tensor.memory, "memory");
  if (tensor.dimensions > most_dimensions)
    throw InvalidArgument(std::to_string(tensor.dimensions) + " dimensions, where 64 are the most");
  if (tensor.dimensions > 0) require(tensor.shape, "batch->shape");
  view.shape.assign(tensor.shape, tensor.shape + tensor.dimensions);
  if (tensor.strides != nullptr) view.strides.assign(tensor.strides, tensor.strides + tensor.dimensions);
  std::int64_t elements = 1;
  for (const std::int64_t extent : view.shape) {
    if (extent < 0 || __builtin_mul_overflow(elements, extent, &elements))
      throw InvalidArgument("a shape of fewer than no, or of more than 2^63 elements");
  }
  if (elements > 0) require(static_cast<const char*>(view.data), "batch->data");
  return view;
}

}  // namespace

const char* qcal_version(void) {
  static const std::string text = version();
  return text.c_str();
}

qcal_status qcal_calibrator_create(const qcal_options* options, qcal_calibrator** calibrator,
                                   qcal_error* error) {
  return guarded(error, [&] {
    require(calibrator, "calibrator");
    const qcal_options known = known_part(options, "options");
    Configuration configuration = configuration_of(known);
    std::string json = configuration_json(configuration);
    Calibrator made(std::move(configuration), backend_of(known.backend), {policy_of(known.non_finite)});
    *calibrator = new qcal_calibrator{std::move(made), std::move(json)};
  });
}

void qcal_calibrator_destroy(qcal_calibrator* calibrator) {
  delete calibrator;
}

qcal_status qcal_calibrator_declare(qcal_calibrator* calibrator, const char* name,
                                    const qcal_declaration* declaration, qcal_error* error) {
  return guarded(error, [&] {
    require(calibrator, "calibrator");
    require(name, "name");
    calibrator->calibrator.declare(name, declaration == nullptr
                                             ? Declaration{}
                                             : declaration_of(known_part(declaration, "declaration")));
  });
}

qcal_status qcal_calibrator_observe(qcal_calibrator* calibrator, const char* name, const qcal_tensor* batch,
                                    int64_t index, void* stream, qcal_error* error) {
  return guarded(error, [&] {
    require(calibrator, "calibrator");
    require(name, "name");
    const TensorView view = view_of(known_part(batch, "batch"));
    const auto number = index == QCAL_NEXT ? std::nullopt : std::optional<std::int64_t>(index);
    calibrator->calibrator.observe(name, view, {stream}, number);
  });
}

qcal_status qcal_calibrator_complete(qcal_calibrator* calibrator, const char* name, qcal_error* error) {
  return guarded(error, [&] {
    require(calibrator, "calibrator");
    require(name, "name");
    calibrator->calibrator.complete(name);
  });
}

qcal_status qcal_calibrator_save(qcal_calibrator* calibrator, qcal_bytes** state, qcal_error* error) {
  return guarded(error, [&] {
    require(calibrator, "calibrator");
    require(state, "state");
    *state = new qcal_bytes{calibrator->calibrator.save()};
  });
}

qcal_status qcal_calibrator_merge(qcal_calibrator* calibrator, const void* state, size_t bytes,
                                  const char* name, qcal_error* error) {
  return guarded(error, [&] {
    require(calibrator, "calibrator");
    const auto* const text = static_cast<const char*>(state);
    require(text, "state");
    calibrator->calibrator.merge(std::string_view(text, bytes), text_or(name, "state"));
  });
}

const void* qcal_bytes_data(const qcal_bytes* bytes) {
  return bytes->bytes.data();
}

size_t qcal_bytes_size(const qcal_bytes* bytes) {
  return bytes->bytes.size();
}

void qcal_bytes_destroy(qcal_bytes* bytes) {
  delete bytes;
}

qcal_status qcal_calibrator_finish(qcal_calibrator* calibrator, qcal_result** result, qcal_error* error) {
  return guarded(error, [&] {
    require(calibrator, "calibrator");
    require(result, "result");
    auto made = std::make_unique<qcal_result>();
    const std::string configuration = calibrator->configuration_json;  // the calibrator may go meanwhile
    made->parameters = calibrator->calibrator.finish();
    made->json = quant_params_json(made->parameters, {version(), "", "", configuration, {}});
    *result = made.release();
  });
}

size_t qcal_result_count(const qcal_result* result) {
  return result->parameters.tensors.size();
}

qcal_status qcal_result_tensor(const qcal_result* result, size_t number, qcal_parameters* parameters,
                               qcal_error* error) {
  return guarded(error, [&] {
    require(result, "result");
    require(parameters, "parameters");
    if (number >= result->parameters.tensors.size())
      throw InvalidArgument("tensor " + std::to_string(number) + " of " +
                            std::to_string(result->parameters.tensors.size()));
    const TensorParameters& tensor = result->parameters.tensors[number];
    const std::size_t size = parameters->size;
    const qcal_parameters all = {size,
                                 tensor.name.c_str(),
                                 tensor.scale.size(),
                                 tensor.scale.data(),
                                 tensor.zero_point.data(),
                                 tensor.amax.data(),
                                 tensor.qmin,
                                 tensor.qmax,
                                 tensor.batches,
                                 tensor.elements,
                                 tensor.non_finite};
    if (size < sizeof size) throw InvalidArgument("parameters->size was not set");
    std::memset(parameters, 0, size);
    std::memcpy(parameters, &all, std::min(size, sizeof all));
  });
}

const char* qcal_result_json(const qcal_result* result) {
  return result->json.c_str();
}

void qcal_result_destroy(qcal_result* result) {
  delete result;
}
