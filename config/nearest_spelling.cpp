#include "config/nearest_spelling.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "config/setting_names.h"

namespace qcal {
namespace {

// No known word is half as long; the distance costs the product of both lengths.
constexpr std::size_t longest_word = 64;
constexpr std::size_t telling_prefix = 3;

// Optimal string alignment distance, ignoring case.
std::size_t edit_distance(std::string_view left, std::string_view right) {
  const auto same = [&](std::size_t i, std::size_t j) {
    return equal_ignoring_case(left.substr(i, 1), right.substr(j, 1));
  };
  std::vector<std::vector<std::size_t>> cost(left.size() + 1, std::vector<std::size_t>(right.size() + 1));
  for (std::size_t i = 0; i <= left.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= right.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t substituted = cost[i - 1][j - 1] + (same(i - 1, j - 1) ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, substituted});
      if (i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1))
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[left.size()][right.size()];
}

}  // namespace

std::string_view nearest_spelling(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > longest_word) return {};

  std::string_view nearest;
  std::size_t least = 1 + word.size() / 3 + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    // A word with every letter replaced is another word, however short.
    if (distance < least && distance < std::min(word.size(), candidate.size())) {
      nearest = candidate;
      least = distance;
    }
  }
  if (!nearest.empty() || word.size() < telling_prefix) return nearest;

  for (const std::string_view candidate : candidates)
    if (equal_ignoring_case(candidate.substr(0, telling_prefix), word.substr(0, telling_prefix)))
      return candidate;
  return {};
}

}  // namespace qcal
