"""An ONNX network from float to calibrated in one call: prepared, run by onnxruntime, calibrated, exported.

    result = qcal.onnx.calibrate("net.onnx", "inputs.npz", "config.json", out="results")
    result.parameters["/conv1/Conv_output_0"].scale

No dump is written: each tensor is observed as soon as onnxruntime has computed it. The numbers are those of
`calib_run calibrate` over a recording of the prepared model, bit for bit. Needs onnx and onnxruntime.
"""
from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import onnx
import onnxruntime

from ._api import load_config
from ._core import Configuration, InputError, NetworkCalibration, Result, require_writable
from ._progress import Progress
from ._runs import Images, checked_feeds, runs_of_npz

__all__ = ["calibrate"]


def calibrate(
    model: str | os.PathLike[str],
    inputs: str | os.PathLike[str] | Iterable[Any],
    config: Configuration | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    backend: str = "auto",
    non_finite: str | None = None,
    align: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    providers: Sequence[Any] = ("CPUExecutionProvider",),
    size: tuple[int, int] | None = None,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    batch: int = 8,
    progress: bool | None = None,
) -> Result:
    """Calibrates `model` on `inputs` and, with `out`, writes quant_params.json, quant_info.json and quantized.onnx there.

    inputs: an npz ("<run>|<graph input>", or one array a run for a network with one input), a folder of images (`size`,
    `mean`, `std` and `batch` say how they become batches), or anything that yields a run at a time: a mapping of graph
    inputs to arrays or, for a network with one input, an array. config: as load_config takes it, or what it returns.
    backend, non_finite, align: as calib_run's options. names: of tensors, to those that quant_info.json should carry.
    providers: onnxruntime's; CUDA and CPU do not compute the same bits. progress: shown on a terminal unless said.

    Memory: the network, the tensors of one run, a collector a tensor. Raises InputError naming file or run, ConfigError,
    and InvalidArgument naming tensor and batch.
    """
    if out is not None:
        require_writable(out)  # now rather than after a long calibration
    if not isinstance(config, Configuration):
        config = load_config(config)
    calibration = NetworkCalibration(model, config, backend=backend, non_finite=non_finite, align=list(align))
    session = _session(calibration, providers)
    runs = _runs(inputs, session.get_inputs(), size, mean, std, batch)
    _observe_all(calibration, session, runs, progress)
    result = calibration.finish()
    if out is not None:
        result.save(out, names=dict(names or {}))
    return result


def _session(calibration: NetworkCalibration, providers: Sequence[Any]) -> onnxruntime.InferenceSession:
    """A session that also hands out the tensors to observe. Optimisations are off: a fused tensor would not exist."""
    model = onnx.load_model_from_string(calibration.prepared_model())
    known = {value.name for value in [*model.graph.input, *model.graph.output]}
    wanted = [name for name in calibration.tensors() if name not in known]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=list(providers))


def _runs(inputs: Any, graph_inputs: Sequence[Any], size: Any, mean: Any, std: Any, batch: int) -> Iterable[Any]:
    names = [value.name for value in graph_inputs]
    if not isinstance(inputs, (str, os.PathLike)):
        return inputs
    if not pathlib.Path(inputs).is_dir():
        return runs_of_npz(inputs, names)
    if len(names) != 1:
        raise InputError(f"{inputs}: images feed one input, and the network has {len(names)}")
    return Images(inputs, names[0], graph_inputs[0].shape, size=size, mean=mean, std=std, batch=batch)


def _observe_all(calibration: NetworkCalibration, session: onnxruntime.InferenceSession, runs: Iterable[Any],
                 progress: bool | None) -> None:
    graph_inputs = [value.name for value in session.get_inputs()]
    wanted = set(calibration.tensors())
    fed = [name for name in graph_inputs if name in wanted]
    computed = [value.name for value in session.get_outputs() if value.name in wanted]
    told = Progress(len(runs) if hasattr(runs, "__len__") else None, progress)
    for done, feed in zip(itertools.count(1), checked_feeds(runs, graph_inputs)):
        for name in fed:
            calibration.observe(name, feed[name])
        for name, values in zip(computed, session.run(computed, feed)):
            calibration.observe(name, values)
        told(done)
    told.close()
