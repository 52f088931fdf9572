"""Scales and zero points of every tensor of a trained network, found by the engine of qcal.

    config = qcal.load_config("config.json")
    calibrator = qcal.Calibrator(config)
    calibrator.declare("conv1.output", layer_name="conv1", layer_type="Conv2d", channel_axis=1)
    for batch in batches:                      # NumPy, torch, CuPy; where they lie
        calibrator.observe("conv1.output", batch)
    parameters = calibrator.finish()
    parameters["conv1.output"].scale

qcal.torch calibrates a PyTorch model, qcal.onnx an ONNX file with onnxruntime. The numbers are calib_run's, bit for bit.
"""
from . import _core
from ._api import analyze, explain, fake_quantize, load_config, search
from ._core import (
    Calibrator,
    Choice,
    ConfigError,
    Configuration,
    CudaError,
    Error,
    Histogram,
    InputError,
    InvalidArgument,
    IoError,
    NetworkCalibration,
    Parameters,
    Result,
    TensorParameters,
    histogram,
    report,
)

__version__ = _core.__version__
__all__ = [
    "Calibrator",
    "Choice",
    "ConfigError",
    "Configuration",
    "CudaError",
    "Error",
    "Histogram",
    "InputError",
    "InvalidArgument",
    "IoError",
    "NetworkCalibration",
    "Parameters",
    "Result",
    "TensorParameters",
    "analyze",
    "explain",
    "fake_quantize",
    "histogram",
    "load_config",
    "report",
    "search",
]
