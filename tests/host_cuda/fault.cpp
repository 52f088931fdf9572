#include "tests/host_cuda/fault.h"

#include <cstdio>
#include <cstring>

#include "tests/host_cuda/block.h"

namespace host_cuda {

void fault(const std::string& what) {
  if (!block_runner.is_running()) throw Fault(what);
  block_runner.end_with(what);
}

std::string text(const std::source_location& where) {
  const char* slash = std::strrchr(where.file_name(), '/');
  return std::string(slash != nullptr ? slash + 1 : where.file_name()) + ":" + std::to_string(where.line());
}

std::string hexadecimal(unsigned mask) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "0x%08x", mask);
  return digits;
}

}  // namespace host_cuda
