// A calibration's parameters as Python holds them.
#pragma once

#include "engine/export/quant_params.h"

namespace qcal::python {

struct PyParameters {
  QuantizationParameters found;
  ExportContext context;
  Compatibility compatibility = Compatibility::standard;
};

}  // namespace qcal::python
