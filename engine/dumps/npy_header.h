// The dictionary at the start of an npy file: a Python literal such as
// {'descr': '<f4', 'fortran_order': False, 'shape': (16, 3, 8, 8), }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qcal {

struct NpyHeader {
  std::string descr;  // as written; a structured type keeps its brackets
  bool structured = false;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

// Takes exactly the three keys, each once, in any order and with any spacing; numpy takes no more either.
// `where` begins the message. Throws InputError.
NpyHeader parse_npy_header(std::string_view text, const std::string& where);

}  // namespace qcal
