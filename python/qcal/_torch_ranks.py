"""Calibrations that the ranks of torch.distributed share."""
from __future__ import annotations

from collections.abc import Callable

import torch.distributed as dist

from ._core import Calibrator


def merged(calibrator: Calibrator, fresh: Callable[[], Calibrator], group: dist.ProcessGroup) -> Calibrator:
    """What all ranks of `group` have observed, on each of them. fresh: makes a calibrator with the same declarations.

    Half of the ranks that are left send their state to a neighbour, as often as the number of ranks has binary digits;
    the first then hands the whole to all. A state takes some hundred bytes to some kilobytes a tensor.
    """
    rank, ranks = dist.get_rank(group), dist.get_world_size(group)
    step = 1
    while step < ranks:
        if rank % (2 * step) == step:
            dist.send_object_list([calibrator.save()], dist.get_global_rank(group, rank - step), group)
            break
        if rank + step < ranks:
            state = [None]
            dist.recv_object_list(state, dist.get_global_rank(group, rank + step), group)
            calibrator.merge(state[0])
        step *= 2
    state = [calibrator.save() if rank == 0 else None]
    dist.broadcast_object_list(state, dist.get_global_rank(group, 0), group)
    if rank == 0:
        return calibrator
    whole = fresh()
    whole.merge(state[0])
    return whole
