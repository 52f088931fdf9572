"""What memory an observed tensor takes, as python/README.md states it. Time is bench/observe_overhead.py's."""
import ctypes
import gc
import sys

import numpy as np
import pytest
import qcal

KIB = 1024


def allocated():
    """Bytes that glibc has handed out to this thread, to the byte: what is resident depends on what was freed before."""
    names = ("arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost").split()
    fields = type("mallinfo2", (ctypes.Structure,), {"_fields_": [(name, ctypes.c_size_t) for name in names]})
    query = ctypes.CDLL(None).mallinfo2
    query.restype = fields
    state = query()
    return state.uordblks + state.hblkhd


def calibrator_of(method, scope="accumulated", **overall):
    settings = {"method": method, "calib_scope": scope, "scale_type": "float", "symmetry": True, "signed": True} | overall
    return qcal.Calibrator(qcal.load_config({"target_device": "CPU", "overall_quantize_config": settings}),
                           backend="cpu")


@pytest.mark.parametrize("method, bound", [("maxmin", 2 * KIB), ("percentile", 20 * KIB), ("entropy", 20 * KIB)])
def test_a_tensor_takes_its_histogram_and_little_else(method, bound):
    values = np.random.default_rng(1).standard_normal(4096).astype(np.float32)
    count = 1000
    calibrator = calibrator_of(method)
    calibrator.declare("warm")
    calibrator.observe("warm", values)
    gc.collect()
    before = allocated()
    for number in range(count):
        calibrator.declare(f"t{number}")
        for _ in range(3):
            calibrator.observe(f"t{number}", values)
    assert bound / 4 < (allocated() - before) / count < bound


def test_a_batch_leaves_a_few_hundred_bytes():
    """64 bytes a batch and channel by the scope per_batch, and what the allocator and the maps around it add."""
    values = np.random.default_rng(1).standard_normal(64).astype(np.float32)
    calibrator = calibrator_of("maxmin", "per_batch")
    calibrator.declare("x")
    calibrator.observe("x", values)
    before, count = allocated(), 50_000
    for _ in range(count):
        calibrator.observe("x", values)
    assert 64 < (allocated() - before) / count < 400


def test_no_tensor_is_kept():
    calibrator = calibrator_of("percentile")
    calibrator.declare("x")
    values = np.ones(16 << 20, np.float32)
    calibrator.observe("x", values)
    references, before = sys.getrefcount(values), allocated()
    for _ in range(5):
        calibrator.observe("x", values[::2])
        calibrator.observe("x", values)
    assert sys.getrefcount(values) == references
    assert allocated() - before < 8 << 20
