#include "engine/calibrator.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <vector>

#include "config/resolve.h"
#include "engine/collect/bias_scale.h"
#include "engine/collect/tensor_calibration.h"
#include "engine/collect/tensor_parameters.h"
#include "engine/dumps/in_quotes.h"
#include "engine/state/calibrator_identity.h"
#include "engine/state/sealed.h"
#include "engine/state/tensor_bytes.h"
#include "kernels/error.h"

namespace qcal {
namespace {

// One declared tensor. `calibration` is absent for a tensor that stays float, and once it is complete.
struct DeclaredTensor {
  std::mutex mutex;
  TensorParameters parameters;
  std::optional<BiasFactors> bias_factors;
  std::string settings;  // what a state of it must have been made with
  TensorSpec spec;
  std::unique_ptr<TensorCalibration> calibration;
  std::int64_t next_index = 0;
  bool observed = false;
  bool complete = false;

  bool takes_product_scale() const { return bias_factors && parameters.bit_width == 32; }
};

std::string quoted(const std::string& name) {
  return "tensor \"" + name + "\"";
}

// Runs `work`, putting its subject in front of what it throws.
template <class Work>
auto naming(const std::string& subject, const Work& work) {
  try {
    return work();
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(subject + ": " + error.what());
  } catch (const CudaError& error) {
    throw CudaError(subject + ": " + error.what());
  }
}

void complete_tensor(const std::string& name, DeclaredTensor& tensor) {
  if (tensor.calibration == nullptr || tensor.complete) return;
  naming(quoted(name), [&] {
    if (!tensor.observed) throw InvalidArgument("declared, but no batch of it was observed");
    tensor.parameters = with_outcome(std::move(tensor.parameters), tensor.calibration->finish());
  });
  tensor.calibration.reset();
  tensor.complete = true;
}

// The largest index has none after it.
std::int64_t index_after(std::int64_t index) {
  return index == std::numeric_limits<std::int64_t>::max() ? index : index + 1;
}

void refuse_complete(const std::string& name) {
  throw InvalidArgument(quoted(name) + " is complete and cannot be merged");
}

std::string saved(const std::string& name, DeclaredTensor& tensor) {
  const std::lock_guard lock(tensor.mutex);
  if (!tensor.observed) return "";
  ByteWriter bytes;
  bytes.text(tensor.settings);
  bytes.flag(tensor.complete);
  if (tensor.complete) {
    write_found(bytes, tensor.parameters);
  } else {
    naming(quoted(name), [&] { write_state(bytes, tensor.calibration->state(), tensor.spec); });
  }
  return bytes.take();
}

void merge_state(const std::string& name, DeclaredTensor& tensor, TensorState theirs) {
  if (theirs.seen.empty()) return;
  const std::int64_t next = index_after(theirs.seen.largest());
  naming(quoted(name), [&] { tensor.calibration->merge(std::move(theirs)); });
  tensor.observed = true;
  tensor.next_index = std::max(tensor.next_index, next);
}

void merge_saved(const std::string& name, DeclaredTensor& tensor, ByteReader from) {
  const std::lock_guard lock(tensor.mutex);
  if (from.left() == 0) return;
  if (tensor.settings.empty()) from.refuse("was to be quantized where this was made; here it stays float");
  if (from.text() != tensor.settings)
    from.refuse("made with other settings, or another role or channel axis");
  const bool complete = from.flag();
  if (tensor.complete || (complete && tensor.observed)) refuse_complete(name);
  if (complete) {
    tensor.parameters = read_found(from, std::move(tensor.parameters));
    tensor.calibration.reset();
    tensor.observed = true;
    tensor.complete = true;
  } else {
    merge_state(name, tensor, read_state(from, tensor.spec));
  }
  from.end();
}

}  // namespace

struct Calibrator::State {
  Configuration configuration;
  std::shared_ptr<const Backend> backend;
  NonFinite non_finite;
  std::mutex mutex;  // of the two below
  std::map<std::string, std::unique_ptr<DeclaredTensor>> tensors;
  std::vector<std::string> order;

  DeclaredTensor& find(const std::string& name) {
    const std::lock_guard lock(mutex);
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw InvalidArgument(quoted(name) + " was not declared");
    return *found->second;
  }

  bool declares(const std::string& name) {
    const std::lock_guard lock(mutex);
    return tensors.contains(name);
  }

  std::vector<std::string> names() {
    const std::lock_guard lock(mutex);
    return order;
  }

  // Parameters of a factor of a bias' scale; absent where that tensor has none.
  const TensorParameters* parameters_of(const std::string& name) const {
    const auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second->parameters;
  }

  void set_bias_scales() {
    for (const auto& [name, tensor] : tensors) {
      if (!tensor->takes_product_scale()) continue;
      const TensorParameters* input = parameters_of(tensor->bias_factors->input);
      const TensorParameters* weights = parameters_of(tensor->bias_factors->weights);
      if (input == nullptr || weights == nullptr || !has_product_scale(*input, *weights)) continue;
      set_product_scale(tensor->parameters, *input, *weights);
      set_fix_pos(tensor->parameters);
    }
  }
};

Calibrator::Calibrator(Configuration configuration, std::shared_ptr<const Backend> backend,
                       CalibratorOptions options)
    : state_(std::make_shared<State>()) {
  if (backend == nullptr) throw InvalidArgument("a calibrator needs a back end");
  const bool vitis = configuration.compatibility == Compatibility::vitis;
  state_->non_finite = options.non_finite.value_or(vitis ? NonFinite::skip : NonFinite::reject);
  state_->configuration = std::move(configuration);
  state_->backend = std::move(backend);
}

Calibrator::~Calibrator() = default;
Calibrator::Calibrator(Calibrator&&) noexcept = default;
Calibrator& Calibrator::operator=(Calibrator&&) noexcept = default;

void Calibrator::declare(const std::string& name, const Declaration& declaration) {
  const std::shared_ptr<State> state = state_;
  const Configuration& configuration = state->configuration;
  const bool input_as_activation =
      declaration.role == Role::input && configuration.compatibility == Compatibility::vitis;
  const Role settings_role = input_as_activation ? Role::activation : declaration.role;
  PlannedTensor tensor;
  tensor.name = name;
  tensor.role = declaration.role;
  tensor.layer = declaration.layer_name;
  tensor.layer_type = declaration.layer_type;
  tensor.channel_axis = declaration.channel_axis;
  tensor.settings =
      resolve(configuration,
              {declaration.layer_name, declaration.module_path, {declaration.layer_type}})[settings_role];
  if (!configuration.quantizable[settings_role].value) {
    tensor.settings.datatype = {Datatype::float32, configuration.quantizable[settings_role].source};
  }
  tensor.bias_factors = declaration.bias_factors;
  declare(tensor);
}

void Calibrator::declare(const PlannedTensor& planned) {
  const std::shared_ptr<State> state = state_;
  auto tensor = std::make_unique<DeclaredTensor>();
  tensor->parameters = planned_parameters(planned);
  tensor->bias_factors = planned.bias_factors;
  if (planned.settings.datatype.value == Datatype::integer) {
    const TensorContext context{planned.role, planned.channel_axis, state->configuration.target_device.value,
                                state->configuration.compatibility, state->non_finite};
    tensor->settings = settings_fingerprint(planned.settings, context);
    naming(quoted(planned.name), [&] {
      tensor->spec = tensor_spec(planned.settings, context);
      tensor->calibration = std::make_unique<TensorCalibration>(tensor->spec, *state->backend);
    });
  }
  const std::lock_guard lock(state->mutex);
  if (!state->tensors.emplace(planned.name, std::move(tensor)).second) {
    throw InvalidArgument(quoted(planned.name) + " was already declared");
  }
  state->order.push_back(planned.name);
}

void Calibrator::observe(const std::string& name, const TensorView& batch, Stream stream,
                         std::optional<std::int64_t> index) {
  if (batch.memory == Memory::device && state_->backend->name() == "cpu") {
    throw InvalidArgument(quoted(name) + ": a batch lies in device memory, and the back end is the CPU's (" +
                          state_->backend->reason() + ")");
  }
  observe(name, WholeTensor(batch), stream, index);
}

void Calibrator::observe(const std::string& name, const TensorParts& batch, Stream stream,
                         std::optional<std::int64_t> index) {
  const std::shared_ptr<State> state = state_;
  DeclaredTensor& tensor = state->find(name);
  const std::lock_guard lock(tensor.mutex);
  if (tensor.complete) throw InvalidArgument(quoted(name) + " is complete and takes no more batches");
  if (tensor.calibration == nullptr) return;
  const std::int64_t number = index.value_or(tensor.next_index);
  naming(quoted(name) + ", batch " + std::to_string(number),
         [&] { tensor.calibration->observe(batch, number, stream); });
  tensor.next_index = std::max(tensor.next_index, index_after(number));
  tensor.observed = true;
}

void Calibrator::complete(const std::string& name) {
  const std::shared_ptr<State> state = state_;
  DeclaredTensor& tensor = state->find(name);
  const std::lock_guard lock(tensor.mutex);
  complete_tensor(name, tensor);
}

void Calibrator::merge(Calibrator&& shard) {
  const std::shared_ptr<State> state = state_;
  for (const std::string& name : shard.state_->names()) {
    DeclaredTensor& own = state->find(name);
    DeclaredTensor& theirs = shard.state_->find(name);
    const std::scoped_lock lock(own.mutex, theirs.mutex);
    if (!theirs.observed) continue;
    if (own.complete || (theirs.complete && own.observed)) refuse_complete(name);
    if (theirs.complete) {
      own.parameters = theirs.parameters;
      own.calibration.reset();
      own.observed = true;
      own.complete = true;
    } else if (own.calibration != nullptr) {
      merge_state(name, own, naming(quoted(name), [&] { return theirs.calibration->state(); }));
    }
  }
}

std::string Calibrator::save_tensor(const std::string& name) const {
  const std::shared_ptr<State> state = state_;
  return saved(name, state->find(name));
}

void Calibrator::merge_tensor(const std::string& name, std::string_view bytes, const std::string& source) {
  const std::shared_ptr<State> state = state_;
  merge_saved(name, state->find(name), ByteReader(bytes, source + ": tensor " + in_quotes(name)));
}

std::string Calibrator::save() const {
  const std::shared_ptr<State> state = state_;
  ByteWriter contents;
  write_identity(contents, calibrator_identity(state->configuration, state->non_finite));
  std::vector<std::pair<std::string, std::string>> tensors;
  for (const std::string& name : state->names()) {
    std::string bytes = saved(name, state->find(name));
    if (!bytes.empty()) tensors.emplace_back(name, std::move(bytes));
  }
  contents.whole(tensors.size());
  for (const auto& [name, bytes] : tensors) {
    contents.text(name);
    contents.text(bytes);
  }
  return sealed(contents.bytes());
}

void Calibrator::merge(std::string_view bytes, const std::string& source) {
  const std::shared_ptr<State> state = state_;
  ByteReader from(opened(bytes, source), source);
  require_same(read_identity(from), calibrator_identity(state->configuration, state->non_finite), source);
  const std::size_t tensors = from.count(2, "tensors");
  for (std::size_t i = 0; i < tensors; ++i) {
    const std::string name(from.text());
    const std::string_view tensor = from.text();
    if (!state->declares(name)) from.refuse("holds tensor " + in_quotes(name) + ", which was not declared");
    merge_saved(name, state->find(name), ByteReader(tensor, source + ": tensor " + in_quotes(name)));
  }
  from.end();
}

bool Calibrator::splits(const std::string& name) const {
  const DeclaredTensor& tensor = state_->find(name);
  return tensor.settings.empty() || qcal::splits(tensor.spec);
}

QuantizationParameters Calibrator::finish() {
  const std::shared_ptr<State> state = state_;
  const std::lock_guard lock(state->mutex);
  for (const std::string& name : state->order) {
    DeclaredTensor& tensor = *state->tensors.at(name);
    const std::lock_guard tensor_lock(tensor.mutex);
    complete_tensor(name, tensor);
  }
  state->set_bias_scales();
  QuantizationParameters result;
  for (const std::string& name : state->order)
    result.tensors.push_back(std::move(state->tensors.at(name)->parameters));
  return result;
}

}  // namespace qcal
