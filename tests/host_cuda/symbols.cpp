#include "tests/host_cuda/symbols.h"

#include <elf.h>
#include <link.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

namespace host_cuda {
namespace {

struct Range {
  std::uintptr_t begin;
  std::uintptr_t end;
};

struct Program {
  std::uintptr_t offset = 0;  // how far it was loaded from where it was linked
  std::vector<Range> constants;
};

const Program& program() {
  static const Program found = [] {
    Program self;
    // The first that is visited is the program itself.
    const auto visit = [](dl_phdr_info* info, std::size_t, void* out) {
      Program& result = *static_cast<Program*>(out);
      result.offset = info->dlpi_addr;
      for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& segment = info->dlpi_phdr[i];
        const bool read_only = segment.p_type == PT_LOAD && (segment.p_flags & PF_W) == 0;
        const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
        if (read_only || segment.p_type == PT_GNU_RELRO)
          result.constants.push_back({begin, begin + segment.p_memsz});
      }
      return 1;
    };
    dl_iterate_phdr(visit, &self);
    return self;
  }();
  return found;
}

template <class T>
T at(const std::vector<char>& file, std::size_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

}  // namespace

std::map<std::uintptr_t, std::string> program_functions() {
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
      functions.emplace(symbol.st_value + program().offset, file.data() + names.sh_offset + symbol.st_name);
    }
  }
  return functions;
}

std::string source_of_call(const void* return_address) {
  const std::uintptr_t call = reinterpret_cast<std::uintptr_t>(return_address) - program().offset - 1;
  char command[128];
  std::snprintf(command, sizeof command, "addr2line -sie /proc/%d/exe %#zx 2>/dev/null",
                static_cast<int>(getpid()), static_cast<std::size_t>(call));
  const std::unique_ptr<FILE, int (*)(FILE*)> lines(popen(command, "r"), pclose);
  std::string places;
  char line[256];
  while (lines != nullptr && std::fgets(line, sizeof line, lines.get()) != nullptr) {
    line[std::strcspn(line, " \n")] = '\0';  // without "(discriminator 2)"
    if (!places.empty()) places += ' ';
    places += line;
  }
  return places.empty() ? "?" : places;
}

bool is_constant(const void* address) {
  const auto value = reinterpret_cast<std::uintptr_t>(address);
  for (const Range& range : program().constants) {
    if (value >= range.begin && value < range.end) return true;
  }
  return false;
}

}  // namespace host_cuda
