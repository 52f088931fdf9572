// A run that can be killed and gone on with, or is one of several: what --checkpoint, --shard and mpirun come
// to.
#pragma once

#include <optional>
#include <string>

#include "engine/run/calibration_run.h"
#include "engine/run/checkpoint.h"
#include "engine/run/work_items.h"
#include "tools/calib_run/ranks.h"

namespace qcal::tools {

struct SharingOptions {
  std::string checkpoint;  // empty: none
  double every = 60.0;     // seconds
  bool resume = false;
  std::optional<Shard> shard;
  ShardBy by = ShardBy::batch;
  std::string state;  // of the shard
};

// What this process does of a job that mpirun has given to several. Throws InvalidArgument where they are to
// be shards besides.
SharingOptions part_of(const SharingOptions& asked, const Ranks& ranks);

// "2/5 by batch", or "all of it".
std::string share_name(const SharingOptions& sharing);

std::optional<Checkpoint> checkpoint_of(const SharingOptions& sharing);

// Reads the share, from where its checkpoint (if any) stands. True where there was one to go on from. Throws
// InvalidArgument for a checkpoint that nobody asked to go on from.
bool read_share(CalibrationRun& run, const SharingOptions& sharing, std::optional<Checkpoint>& checkpoint);

// Brings everything to the first process, in as many steps as the number of processes has binary digits: in
// each, half of those that are left send their state to a neighbour. False where there is nothing left to do
// for this one.
bool gather(CalibrationRun& run, const Ranks& ranks);

}  // namespace qcal::tools
