// Warp operations: lanes that name each other in a mask meet, then each receives its result.
#include <algorithm>
#include <bit>

#include "tests/host_cuda/block.h"
#include "tests/host_cuda/checker.h"
#include "tests/host_cuda/fault.h"

namespace host_cuda {
namespace {

template <class Visit>
void for_each_lane(unsigned mask, Visit visit) {
  for (; mask != 0; mask &= mask - 1) visit(static_cast<unsigned>(std::countr_zero(mask)));
}

std::uint64_t combine(WarpOperation operation, std::uint64_t a, std::uint64_t b) {
  switch (operation) {
    case WarpOperation::reduce_add:
      return a + b;
    case WarpOperation::reduce_min:
      return std::min(a, b);
    case WarpOperation::reduce_max:
      return std::max(a, b);
    case WarpOperation::reduce_and:
      return a & b;
    case WarpOperation::reduce_xor:
      return a ^ b;
    default:
      return a | b;
  }
}

std::uint64_t lanes_that_sent(std::uint64_t value, unsigned mask, const Thread* lanes) {
  std::uint64_t same = 0;
  for_each_lane(mask, [&](unsigned lane) {
    if (lanes[lane].sent == value) same |= std::uint64_t{1} << lane;
  });
  return same;
}

std::uint64_t reduction(WarpOperation operation, unsigned mask, const Thread* lanes) {
  std::uint64_t result = 0;
  bool first = true;
  for_each_lane(mask, [&](unsigned lane) {
    const std::uint64_t value =
        operation == WarpOperation::ballot ? lanes[lane].sent << lane : lanes[lane].sent;
    result = first ? value : combine(operation, result, value);
    first = false;
  });
  return result;
}

}  // namespace

WarpGroup& BlockRunner::join_group(const Thread& thread) {
  std::vector<WarpGroup>& groups = groups_[thread.warp];
  auto group =
      std::find_if(groups.begin(), groups.end(), [&](const WarpGroup& g) { return g.mask == thread.mask; });
  if (group == groups.end()) {
    groups.push_back({thread.mask, 0, thread.operation, thread.where});
    group = groups.end() - 1;
  }
  if (group->operation != thread.operation) {
    end_with([&] {
      return "divergent warp: " + describe(thread) + " at " + text(thread.where) + " and others of mask " +
             hexadecimal(thread.mask) + " at " + text(group->where) + " run different operations";
    });
  }
  group->arrived |= 1u << thread.lane;
  return *group;
}

void BlockRunner::complete(const WarpGroup& group, unsigned first_thread) {
  Thread* lanes = &threads_[first_thread];
  switch (group.operation) {
    case WarpOperation::sync:
      if (checker() != nullptr) checker()->warp_met(group.mask);
      break;
    case WarpOperation::shuffle:
      for_each_lane(group.mask, [&](unsigned lane) {
        const int source = lanes[lane].source_lane;
        if (((group.mask >> source) & 1u) == 0) {
          end_with([&] {
            return describe(lanes[lane]) + " shuffles from lane " + std::to_string(source) +
                   ", which is not in mask " + hexadecimal(group.mask) + " at " + text(group.where);
          });
        }
        lanes[lane].received = lanes[source].sent;
      });
      break;
    case WarpOperation::match_any:
      for_each_lane(group.mask, [&](unsigned lane) {
        lanes[lane].received = lanes_that_sent(lanes[lane].sent, group.mask, lanes);
      });
      break;
    default:
      const std::uint64_t result = reduction(group.operation, group.mask, lanes);
      for_each_lane(group.mask, [&](unsigned lane) { lanes[lane].received = result; });
  }
}

void BlockRunner::warp_operation(WarpOperation operation, unsigned mask, Where where) {
  Thread& thread = *current_;
  if (((mask >> thread.lane) & 1u) == 0) {
    end_with([&] {
      return describe(thread) + " passes mask " + hexadecimal(mask) + ", which does not name it, at " +
             text(where);
    });
  }
  if (const unsigned missing = mask & ~active_lanes(thread.warp); missing != 0) {
    end_with([&] {
      return describe(thread) + " passes mask " + hexadecimal(mask) + " at " + text(where) + ", but lanes " +
             hexadecimal(missing) + " have exited or do not exist";
    });
  }
  thread.waiting = Thread::Waiting::in_warp;
  thread.operation = operation;
  thread.mask = mask;
  thread.where = where;
  WarpGroup& joined = join_group(thread);
  if (joined.arrived == mask) {
    const WarpGroup group = joined;
    joined = groups_[thread.warp].back();
    groups_[thread.warp].pop_back();
    const unsigned first_thread = thread.warp * warp_lanes;
    complete(group, first_thread);
    for_each_lane(mask, [&](unsigned lane) { make_ready(threads_[first_thread + lane]); });
  }
  wait_for_others();
}

void warp_operation(WarpOperation operation, unsigned mask, Where where) {
  block_runner.warp_operation(operation, mask, where);
}

unsigned active_lanes() {
  return block_runner.active_lanes(block_runner.current().warp);
}

void check_shuffle_width(int width, Where where) {
  if (width < 1 || width > static_cast<int>(warp_lanes) ||
      !std::has_single_bit(static_cast<unsigned>(width))) {
    fault([&] {
      return "shuffle width " + std::to_string(width) + " is not a power of two up to 32, at " + text(where);
    });
  }
}

}  // namespace host_cuda
