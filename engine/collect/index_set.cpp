#include "engine/collect/index_set.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "kernels/error.h"

namespace qcal {
namespace {

bool follows(std::int64_t index, std::int64_t before) {
  return before != std::numeric_limits<std::int64_t>::max() && index == before + 1;
}

}  // namespace

bool IndexSet::insert(std::int64_t index) {
  if (contains(index)) return false;
  insert_run(index, index);
  return true;
}

void IndexSet::insert_run(std::int64_t first, std::int64_t last) {
  if (last < first) throw InvalidArgument("a run of indices that ends before it begins");
  const auto behind = runs_.upper_bound(first);
  auto run = behind;
  if (behind != runs_.begin() && follows(first, std::prev(behind)->second)) {
    run = std::prev(behind);
    run->second = last;
  } else {
    run = runs_.emplace_hint(behind, first, last);
  }
  if (behind != runs_.end() && follows(behind->first, last)) {
    run->second = behind->second;
    runs_.erase(behind);
  }
}

bool IndexSet::contains(std::int64_t index) const {
  const auto behind = runs_.upper_bound(index);
  return behind != runs_.begin() && std::prev(behind)->second >= index;
}

std::optional<std::int64_t> IndexSet::common(const IndexSet& other) const {
  auto a = runs_.begin();
  auto b = other.runs_.begin();
  while (a != runs_.end() && b != other.runs_.end()) {
    if (a->second < b->first) {
      ++a;
    } else if (b->second < a->first) {
      ++b;
    } else {
      return std::max(a->first, b->first);
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> IndexSet::missing(std::int64_t count) const {
  if (count <= 0) return std::nullopt;
  if (!contains(0)) return 0;
  const std::int64_t last = std::prev(runs_.upper_bound(0))->second;
  return last >= count - 1 ? std::nullopt : std::optional(last + 1);
}

void IndexSet::merge(const IndexSet& other) {
  for (const auto& [first, last] : other.runs_) insert_run(first, last);
}

}  // namespace qcal
