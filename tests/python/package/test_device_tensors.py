"""Tensors that say they lie on a device, without one."""
import ctypes

import numpy as np
import pytest
import qcal


class Elsewhere:
    """NumPy's memory under another device type of DLPack's: 2 is CUDA, 3 pinned memory of the host, 10 ROCm."""

    def __init__(self, values, device_type):
        self.values, self.device_type = values, device_type

    def __dlpack__(self, **options):
        capsule = self.values.__dlpack__()
        pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
        pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        managed = pointer_of(capsule, b"dltensor")
        ctypes.c_int32.from_address(managed + 8).value = self.device_type  # behind the pointer to the data
        return capsule

    def __dlpack_device__(self):
        return self.device_type, 0


def observe(device_type):
    calibrator = qcal.Calibrator(qcal.load_config(), backend="cpu")
    calibrator.declare("x")
    calibrator.observe("x", Elsewhere(np.arange(4, dtype=np.float32), device_type))
    return calibrator.finish()["x"]


def test_pinned_memory_is_host_memory():
    assert observe(3).elements == 4


def test_a_device_tensor_needs_a_device():
    with pytest.raises(qcal.InvalidArgument, match='^tensor "x": a batch lies in device memory, and the back end is'):
        observe(2)
    with pytest.raises(qcal.InvalidArgument, match="device memory"):
        qcal.histogram(Elsewhere(np.ones(4, np.float32), 2), backend="cpu")


def test_other_devices_are_a_type_error():
    with pytest.raises(TypeError, match='^tensor "x": it lies neither in host memory nor on a CUDA device'):
        observe(10)


def test_cuda_that_is_not_there_says_so():
    try:
        qcal.Calibrator(qcal.load_config(), backend="cuda")
    except qcal.CudaError as error:
        assert isinstance(error, RuntimeError) and str(error)
