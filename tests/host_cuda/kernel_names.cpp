// The names of launched kernels, from the program's own symbol table: unlike the dynamic one it has the
// functions of anonymous namespaces, where kernels live.
#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/host_cuda/device.h"

namespace host_cuda {
namespace {

std::string demangled(const char* symbol) {
  int status = 0;
  char* name = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
  std::string result = status == 0 ? name : symbol;
  std::free(name);
  return result;
}

// How far the program was loaded from where it was linked.
std::uintptr_t load_offset() {
  std::uintptr_t offset = 0;
  const auto take_first = [](dl_phdr_info* program, std::size_t, void* out) {
    *static_cast<std::uintptr_t*>(out) = program->dlpi_addr;
    return 1;
  };
  dl_iterate_phdr(take_first, &offset);
  return offset;
}

template <class T>
T at(const std::vector<char>& file, std::size_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

std::map<std::uintptr_t, std::string> functions_of_program() {
  std::ifstream stream("/proc/self/exe", std::ios::binary);
  const std::vector<char> file((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  std::map<std::uintptr_t, std::string> functions;
  const auto header = at<ElfW(Ehdr)>(file, 0);
  const auto section = [&](std::size_t number) {
    return at<ElfW(Shdr)>(file, header.e_shoff + number * header.e_shentsize);
  };
  for (std::size_t number = 0; number < header.e_shnum; ++number) {
    const auto table = section(number);
    if (table.sh_type != SHT_SYMTAB) continue;
    const auto names = section(table.sh_link);
    for (std::size_t entry = 0; entry < table.sh_size; entry += table.sh_entsize) {
      const auto symbol = at<ElfW(Sym)>(file, table.sh_offset + entry);
      if ((symbol.st_info & 0xf) != STT_FUNC) continue;
      functions.emplace(symbol.st_value, file.data() + names.sh_offset + symbol.st_name);
    }
  }
  return functions;
}

}  // namespace

std::vector<std::string> launched_kernels() {
  Device& emulated = device();
  const Lock lock(emulated.mutex);
  const std::map<std::uintptr_t, std::string> functions = functions_of_program();
  const std::uintptr_t offset = load_offset();
  std::set<std::string> names;
  for (const void* function : emulated.launched) {
    const auto found = functions.find(reinterpret_cast<std::uintptr_t>(function) - offset);
    if (found != functions.end()) names.insert(demangled(found->second.c_str()));
  }
  return {names.begin(), names.end()};
}

}  // namespace host_cuda
