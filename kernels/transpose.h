// Rows of numbers as columns.
#pragma once

#include <cstdint>

namespace qcal {

// to[column * to_row + row] = from[row * from_row + column]. Host memory that does not overlap.
void transpose(const float* from, std::int64_t from_row, std::int64_t rows, std::int64_t columns, float* to,
               std::int64_t to_row);

}  // namespace qcal
