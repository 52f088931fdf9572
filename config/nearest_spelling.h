// "Did you mean": the known word that a misspelt one most likely stands for.
#pragma once

#include <span>
#include <string_view>

namespace qcal {

// The candidate nearest to `word`, ignoring case, or an empty view where none is near.
//
// Distance counts insertions, deletions, substitutions and swaps of neighbours; up to one and a third of the
// word's letters are forgiven. Failing that, a candidate that shares the first three letters is taken
// ("bits": "bit_width"). The earlier candidate wins a tie.
std::string_view nearest_spelling(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace qcal
