#include "tools/calib_run/sharing.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace qcal::tools {

SharingOptions part_of(const SharingOptions& asked, const Ranks& ranks) {
  SharingOptions part = asked;
  if (ranks.count() == 1) return part;
  if (asked.shard)
    throw InvalidArgument("--shard: mpirun has started several processes, which share the work already");
  part.shard = Shard{ranks.rank(), ranks.count(), asked.by};
  if (!asked.checkpoint.empty()) part.checkpoint += "." + std::to_string(ranks.rank());
  return part;
}

std::string share_name(const SharingOptions& sharing) {
  if (!sharing.shard) return "all of it";
  return fmt::format("{}/{} by {}", sharing.shard->index + 1, sharing.shard->count,
                     sharing.by == ShardBy::batch ? "batch" : "tensor");
}

std::optional<Checkpoint> checkpoint_of(const SharingOptions& sharing) {
  if (sharing.checkpoint.empty()) return std::nullopt;
  return std::optional<Checkpoint>(std::in_place, sharing.checkpoint, Checkpoint::Seconds(sharing.every));
}

bool read_share(CalibrationRun& run, const SharingOptions& sharing, std::optional<Checkpoint>& checkpoint) {
  Shard shard = sharing.shard.value_or(Shard{});
  shard.by = sharing.by;
  if (!checkpoint) {
    run.read(shard);
    return false;
  }
  const std::optional<std::string> state = checkpoint->load();
  if (state && !sharing.resume) {
    throw InvalidArgument(sharing.checkpoint +
                          ": a run has left its state there; --resume goes on from it, or remove it");
  }
  if (state) run.resume(*state, sharing.checkpoint, share_name(sharing));
  run.read(shard, [&] { checkpoint->offer([&] { return run.save(share_name(sharing)); }); });
  return state.has_value();
}

bool gather(CalibrationRun& run, const Ranks& ranks) {
  for (int step = 1; step < ranks.count(); step *= 2) {
    if (ranks.rank() % (2 * step) != 0) {
      ranks.send(ranks.rank() - step, run.save());
      return false;
    }
    const int other = ranks.rank() + step;
    if (other < ranks.count()) run.merge(ranks.receive(other), "rank " + std::to_string(other));
  }
  return true;
}

}  // namespace qcal::tools
