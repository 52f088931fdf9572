// page.html, in the program.
#pragma once

#include <string_view>

namespace qcal {

// Holds "/*data*/" once, where the report's JSON belongs.
extern const std::string_view report_page;

}  // namespace qcal
