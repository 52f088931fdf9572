#include "engine/correct/sequential_bias.h"

#include <fmt/format.h>

#include <utility>

#include "kernels/error.h"

namespace qcal {

SequentialBias::SequentialBias(const BiasCorrector& local, BiasCorrector quantized_inputs,
                               const QuantizationParameters& parameters, Compatibility compatibility)
    : local_(local),
      quantized_(std::move(quantized_inputs)),
      parameters_(parameters),
      compatibility_(compatibility) {
  find_turn();
}

std::optional<std::string> SequentialBias::next() const {
  return turn_;
}

void SequentialBias::observe(const std::string& tensor, const TensorParts& batch) {
  if (!turn_) throw InvalidArgument(fmt::format("a batch of '{}', but every layer is decided", tensor));
  if (tensor != *turn_) {
    throw InvalidArgument(
        fmt::format("a batch of '{}', but the layers that read '{}' are to be decided first: what they add "
                    "changes the values of all tensors behind them",
                    tensor, *turn_));
  }
  quantized_.observe(tensor, batch);
}

void SequentialBias::decide() {
  if (!turn_) throw InvalidArgument("every layer is decided");
  for (std::size_t layer = 0; layer < local_.layers(); ++layer) {
    if (local_.source(layer) == *turn_)
      decided_.emplace(layer, local_.correction(layer, parameters_, compatibility_, &quantized_));
  }
  find_turn();
}

std::vector<BiasCorrection> SequentialBias::corrections() const {
  std::vector<BiasCorrection> result;
  for (const auto& [layer, correction] : decided_) result.push_back(correction);
  return result;
}

void SequentialBias::find_turn() {
  turn_.reset();
  for (std::size_t layer = 0; layer < local_.layers() && !turn_; ++layer) {
    if (decided_.contains(layer)) continue;
    if (const std::string source = local_.source(layer); !source.empty()) {
      turn_ = source;
    } else {
      decided_.emplace(layer, local_.correction(layer, parameters_, compatibility_));
    }
  }
}

}  // namespace qcal
