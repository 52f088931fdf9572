// The natural logarithm of many numbers at once.
#pragma once

#include <span>

namespace qcal {

// out[i] = search_log(values[i]) (log_math.h), to the bit, for normal values >= 2^-1022. Host memory; as many
// as there are values.
void search_logs(std::span<const double> values, std::span<double> out);

}  // namespace qcal
