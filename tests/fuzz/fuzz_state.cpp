// States of tensors, of what a network's calibration watches, and of whole runs, under seals and names that
// fit. The first byte says which; without one of these the bytes are a state as they are.
#include <array>

#include "engine/run/calibration_run.h"
#include "engine/run/network_watch.h"
#include "engine/state/calibrator_identity.h"
#include "tests/fuzz/fuzzed_file.h"
#include "tests/support/graph_builder.h"
#include "tests/support/memory_dump.h"

namespace {

using namespace qcal;

const std::string source = "state";

// What may be refused beside what is broken: states that contradict each other.
template <class Read>
void read_or_refuse(const Read& read) {
  testing::read_or_refuse(source, [&] {
    try {
      read();
    } catch (const InvalidArgument&) {
      return;
    }
  });
}

struct Settings {
  Method method = Method::maxmin;
  CalibrationScope scope = CalibrationScope::per_batch;
  bool symmetric = true;
  bool per_channel = false;
  Signedness sign = Signedness::is_signed;
  Compatibility compatibility = Compatibility::standard;
};

constexpr std::array<Settings, 5> all_settings{{
    {},
    {.per_channel = true, .sign = Signedness::automatic},
    {.method = Method::percentile, .scope = CalibrationScope::accumulated},
    {.scope = CalibrationScope::accumulated, .symmetric = false},
    {.method = Method::percentile,
     .scope = CalibrationScope::accumulated,
     .compatibility = Compatibility::vitis},
}};

Configuration configuration_of(const Settings& wanted) {
  Configuration configuration = default_configuration(wanted.compatibility);
  configuration.target_device.value = TargetDevice::cpu;
  TensorSettings& settings = configuration.tensor_settings[Role::activation];
  settings.method.value = wanted.method;
  settings.scale_type.value = ScaleType::float_scale;
  settings.symmetry.value = wanted.symmetric;
  settings.per_channel.value = wanted.per_channel;
  settings.is_signed.value = wanted.sign;
  settings.calib_scope.value = wanted.scope;
  return configuration;
}

Calibrator calibrator_of(const Settings& wanted) {
  Calibrator calibrator(configuration_of(wanted), Backend::cpu());
  calibrator.declare("x", {.channel_axis = 1});
  return calibrator;
}

// The digits that every state of the tensor begins with.
std::string fingerprint_of(const Settings& wanted) {
  Calibrator calibrator = calibrator_of(wanted);
  const std::vector<float> values{1.0F, -1.0F};
  calibrator.observe("x", {values.data(), DType::f32, {1, 2}, Memory::host, {}});
  return calibrator.save_tensor("x").substr(0, 17);
}

// What is read is what is written, and it can be calibrated with.
void read_tensor(std::size_t number, std::string_view bytes) {
  static const auto fingerprints = [] {
    std::array<std::string, all_settings.size()> all;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = fingerprint_of(all_settings[i]);
    return all;
  }();
  read_or_refuse([&] {
    Calibrator first = calibrator_of(all_settings[number]);
    first.merge_tensor("x", fingerprints[number] + std::string(bytes), source);
    const std::string state = first.save();
    Calibrator second = calibrator_of(all_settings[number]);
    second.merge(state, source);
    testing::require(second.save() == state, "what was read is not what is written");
    second.finish();
  });
}

void read_watched(std::string_view bytes) {
  static const Graph graph = testing::GraphBuilder()
                                 .input("x", {1, 2, 3, 3})
                                 .ramp("w", {2, 2, 1, 2})
                                 .node("Conv", {"x", "w"}, {"y"})
                                 .output("y")
                                 .build();
  static const QuantizationPlan plan = [] {
    QuantizationPlan made = make_plan(graph, default_configuration());
    for (PlannedTensor& tensor : made.tensors) tensor.only_for_kernels = tensor.name == "x";
    return made;
  }();
  const auto watch = [&] {
    return NetworkWatch(ReachedBounds({{"x", {6.0F}}}), OutputCosts(plan),
                        BiasCorrector(graph, plan, *Backend::cpu()));
  };
  read_or_refuse([&] {
    NetworkWatch first = watch();
    ByteReader from(bytes, source);
    first.merge("x", from);
    ByteWriter saved;
    first.save("x", saved);
    NetworkWatch second = watch();
    ByteReader again(saved.bytes(), source);
    second.merge("x", again);
    ByteWriter written;
    second.save("x", written);
    testing::require(written.bytes() == saved.bytes(), "what was read is not what is written");
    second.corrector()->inputs("x");
  });
}

std::unique_ptr<DumpSource> recording() {
  auto dump = std::make_unique<testing::MemoryDump>();
  dump->add("x", {2}, {1.0F, -2.0F}).add("x", {2}, {3.0F, 0.5F}).add("y", {1}, {4.0F});
  return dump;
}

void read_run(std::string_view bytes) {
  const CalibrationJob job{.model = {}, .configuration = configuration_of({})};
  const RunOptions options{.backend = Backend::cpu(), .threads = 1};
  static const std::string identity = [&] {
    const std::string state = CalibrationRun(job, recording(), options).save();
    ByteReader from(opened(state, source), source);
    ByteWriter to;
    write_identity(to, read_identity(from));
    return to.take();
  }();
  const std::string state = sealed(identity + std::string(bytes));
  read_or_refuse([&] {
    CalibrationRun run(job, recording(), options);
    run.merge(state, source);
    CalibrationRun again(job, recording(), options);
    again.resume(run.save("note"), source, "note");
    testing::require(again.save() == run.save(), "what was read is not what is written");
    again.finish();
  });
  read_or_refuse([&] {
    SavedRun saved = saved_run(state, source);
    CalibrationRun run(std::move(saved), options);
    run.merge(state, source);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = testing::as_text(data, size);
  const std::string_view rest = bytes.empty() ? bytes : bytes.substr(1);
  const char which = bytes.empty() ? '\0' : bytes.front();
  if (which >= '0' && which < '0' + static_cast<char>(all_settings.size())) {
    read_tensor(static_cast<std::size_t>(which - '0'), rest);
  } else if (which == 'w') {
    read_watched(rest);
  } else if (which == 'r') {
    read_run(rest);
  } else {
    read_or_refuse([&] { saved_run(bytes, source); });
  }
  return 0;
}
