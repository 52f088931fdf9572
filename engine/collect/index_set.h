// Which batches were seen: indices, kept as runs so that a million consecutive ones take no more than one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace qcal {

class IndexSet {
 public:
  // False where the index is there already.
  bool insert(std::int64_t index);
  // [first, last]; none of them may be there. Throws InvalidArgument for last < first.
  void insert_run(std::int64_t first, std::int64_t last);

  bool contains(std::int64_t index) const;
  bool empty() const { return runs_.empty(); }
  // The smallest index that both hold.
  std::optional<std::int64_t> common(const IndexSet& other) const;
  // The smallest of [0, count) that is not there.
  std::optional<std::int64_t> missing(std::int64_t count) const;
  // The largest index; -1 where there is none.
  std::int64_t largest() const { return runs_.empty() ? -1 : runs_.rbegin()->second; }

  // Takes over `other`, which holds none of these.
  void merge(const IndexSet& other);

  // First to last index of each run, ascending, with gaps between them.
  const std::map<std::int64_t, std::int64_t>& runs() const { return runs_; }
  bool operator==(const IndexSet&) const = default;

 private:
  std::map<std::int64_t, std::int64_t> runs_;
};

}  // namespace qcal
