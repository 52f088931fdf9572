#include "engine/replay/opened_library.h"

#include <dlfcn.h>

#include <utility>

#include "engine/replay/layer_product.h"

namespace qcal {

OpenedLibrary::OpenedLibrary(std::string name, const std::string& purpose, const std::string& remedy)
    : name_(std::move(name)), handle_(dlopen(name_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr)
    throw MissingLibrary(purpose + ", but it cannot be opened: " + dlerror() + "; " + remedy);
}

void* OpenedLibrary::found(const char* function) const {
  return dlsym(handle_, function);
}

void* OpenedLibrary::required(const char* function) const {
  void* const address = found(function);
  if (address == nullptr) throw MissingLibrary(name_ + ": no function " + function);
  return address;
}

}  // namespace qcal
