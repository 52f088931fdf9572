#include "tools/calib_run/result_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/setting_names.h"

namespace qcal::tools {
namespace {

// Characters that a terminal shows: bytes that start a UTF-8 character.
std::size_t shown_width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

std::string scale_cell(const TensorParameters& tensor) {
  if (tensor.scale.empty()) return std::string("float");
  if (tensor.scale.size() == 1) return fmt::format("{:.6g}", tensor.scale.front());
  const auto [low, high] = std::minmax_element(tensor.scale.begin(), tensor.scale.end());
  return fmt::format("{:.4g} .. {:.4g} ({})", *low, *high, tensor.scale.size());
}

std::string zero_point_cell(const TensorParameters& tensor) {
  if (tensor.zero_point.empty()) return "";
  const auto [low, high] = std::minmax_element(tensor.zero_point.begin(), tensor.zero_point.end());
  return *low == *high ? std::to_string(*low) : fmt::format("{} .. {}", *low, *high);
}

std::string bits_cell(const TensorParameters& tensor) {
  if (tensor.scale.empty()) return std::string(spelling(tensor.datatype));
  return fmt::format("{}{}", tensor.is_signed ? "int" : "uint", tensor.bit_width);
}

}  // namespace

// The end of a long name says more than its beginning.
std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t from = text.size() - most + 3;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xc0u) == 0x80u) ++from;
  return "..." + text.substr(from);
}

std::string aligned_table(const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return "";
  const std::size_t columns = rows.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> right(columns, false);
  std::vector<std::vector<std::string>> cells = rows;
  for (std::size_t c = 0; c < columns; ++c) {
    std::string& header = cells.front()[c];
    right[c] = !header.empty() && header.front() == '>';
    if (right[c]) header.erase(0, 1);
    for (const auto& row : cells) widths[c] = std::max(widths[c], shown_width(row[c]));
  }
  std::string text;
  for (std::size_t r = 0; r < cells.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      const std::string padding(widths[c] - shown_width(cells[r][c]), ' ');
      line += right[c] ? padding + cells[r][c] : cells[r][c] + padding;
      if (c + 1 < columns) line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (r > 0) continue;
    std::size_t total = 2 * (columns - 1);
    for (const std::size_t width : widths) total += width;
    text += std::string(total, '-') + "\n";
  }
  return text;
}

std::string result_table(const QuantizationParameters& parameters) {
  const bool in_layers = std::any_of(parameters.tensors.begin(), parameters.tensors.end(),
                                     [](const TensorParameters& tensor) { return !tensor.layer.empty(); });
  std::vector<std::vector<std::string>> rows{
      {in_layers ? "layer" : "tensor", "type", "role", "method", "bits", ">scale", ">zero point"}};
  for (const TensorParameters& tensor : parameters.tensors) {
    const std::string& layer = tensor.layer.empty() ? tensor.name : tensor.layer;
    const bool product = tensor.role == Role::bias && tensor.bit_width == 32;
    rows.push_back({shortened(layer, 44), tensor.layer_type, std::string(spelling(tensor.role)),
                    product ? "input x weights" : std::string(spelling(tensor.method)), bits_cell(tensor),
                    scale_cell(tensor), zero_point_cell(tensor)});
  }
  if (!in_layers) {
    for (auto& row : rows) row.erase(row.begin() + 1);  // there are no types either
  }
  return aligned_table(rows);
}

std::string bias_table(const std::vector<BiasCorrection>& corrections) {
  std::vector<std::vector<std::string>> rows{
      {"layer", "type", ">error before", ">after", ">largest correction", "kept"}};
  for (const BiasCorrection& correction : corrections) {
    double largest = 0.0;
    for (const double added : correction.added) largest = std::max(largest, std::fabs(added));
    rows.push_back({shortened(correction.layer, 44), correction.layer_type,
                    fmt::format("{:.3g}", correction.error_before),
                    fmt::format("{:.3g}", correction.error_after), fmt::format("{:.3g}", largest),
                    correction.kept ? "yes" : "no: " + correction.reason});
  }
  return aligned_table(rows);
}

}  // namespace qcal::tools
