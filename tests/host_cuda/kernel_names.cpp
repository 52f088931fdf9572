#include <cxxabi.h>

#include <cstdlib>

#include "tests/host_cuda/device.h"
#include "tests/host_cuda/symbols.h"

namespace host_cuda {
namespace {

std::string demangled(const std::string& symbol) {
  int status = 0;
  char* name = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  const std::string result = status == 0 ? name : symbol;
  std::free(name);
  return result;
}

}  // namespace

std::vector<std::string> launched_kernels() {
  Device& emulated = device();
  const Lock lock(emulated.mutex);
  const std::map<std::uintptr_t, std::string> functions = program_functions();
  std::set<std::string> names;
  for (const void* function : emulated.launched) {
    const auto found = functions.find(reinterpret_cast<std::uintptr_t>(function));
    if (found != functions.end()) names.insert(demangled(found->second));
  }
  return {names.begin(), names.end()};
}

}  // namespace host_cuda
