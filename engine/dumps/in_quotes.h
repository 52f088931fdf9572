// Names from files, made fit for a message: in quotes, control characters and quotes escaped.
#pragma once

#include <string>
#include <string_view>

namespace qcal {

// A name may hold anything, line feeds and terminal escapes included; a message must stay one readable line.
// in_quotes("a\nb") is "\"a\\x0ab\"". UTF-8 passes unchanged.
std::string in_quotes(std::string_view text);

}  // namespace qcal
