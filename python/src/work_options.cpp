#include "python/src/work_options.h"

#include "python/src/enum_argument.h"

namespace qcal {
namespace python {
namespace {

enum class Device { automatic, cpu, cuda };

}  // namespace
}  // namespace python

template <>
struct SpellingsOf<python::Device> {
  static constexpr auto table = std::to_array<Spelling<python::Device>>(
      {{"auto", python::Device::automatic}, {"cpu", python::Device::cpu}, {"cuda", python::Device::cuda}});
};

template <>
struct SpellingsOf<NonFinite> {
  static constexpr auto table = std::to_array<Spelling<NonFinite>>(
      {{"error", NonFinite::reject}, {"skip-batch", NonFinite::skip}, {"ignore", NonFinite::ignore}});
};

namespace python {

std::shared_ptr<const Backend> backend_argument(const std::string& name) {
  switch (enum_argument<Device>("backend", name)) {
    case Device::cpu:
      return Backend::cpu();
    case Device::cuda:
      return Backend::cuda();
    case Device::automatic:
      break;
  }
  return Backend::automatic();
}

std::optional<NonFinite> non_finite_argument(const std::optional<std::string>& name) {
  if (!name) return std::nullopt;
  return enum_argument<NonFinite>("non_finite", *name);
}

}  // namespace python
}  // namespace qcal
