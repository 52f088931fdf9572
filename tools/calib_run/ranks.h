// The processes that mpirun has started, this one among them. Without mpirun, or in a build without MPI,
// there is one.
#pragma once

#include <string>
#include <string_view>

namespace qcal::tools {

class Ranks {
 public:
  // Joins the others. One object a process, in its main thread. Throws Error where the build has no MPI, and
  // mpirun has started several.
  Ranks();
  // Waits for the others, unless an exception is on its way.
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return rank_; }
  int count() const { return count_; }

  // Of any size. Both wait for the other side, but see fail_ranks().
  void send(int to, std::string_view bytes) const;
  std::string receive(int from) const;
  // Waits until all have come this far.
  void meet() const;

 private:
  int rank_ = 0;
  int count_ = 1;
};

// "rank 2 of 5: " in front of what this process reports; "" where it is the only one. All but the first wait
// a little before: what goes wrong everywhere is told once, by the first, which then ends the others.
std::string rank_prefix();

// Ends all processes with that exit code, where there are several: the others would wait for this one for
// ever.
void fail_ranks(int exit_code);

}  // namespace qcal::tools
