// What stands at an address of this program.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace host_cuda {

// Every function of the program by its address, names as linked: from its own symbol table, which unlike the
// dynamic one has the functions of anonymous namespaces, where kernels live.
std::map<std::uintptr_t, std::string> program_functions();

// "file.cu:12 caller.cu:3", innermost inlined function first, of the call that returns to this address; "?"
// where addr2line or the debug information is missing.
std::string source_of_call(const void* return_address);

// Whether the address is in memory that the program cannot write: its constants.
bool is_constant(const void* address);

}  // namespace host_cuda
