// What a refusal says.
#pragma once

#include <functional>
#include <string>

#include "kernels/error.h"

namespace qcal::testing {

inline std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "nothing was refused";
}

}  // namespace qcal::testing
