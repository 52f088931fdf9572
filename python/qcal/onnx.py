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
from ._core import (
    Configuration,
    InputError,
    InvalidArgument,
    NetworkCalibration,
    Result,
    SequentialCalibration,
    require_writable,
)
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
    sequential: bool = False,
    progress: bool | None = None,
) -> Result:
    """Calibrates `model` on `inputs` and, with `out`, writes quant_params.json, quant_info.json and quantized.onnx there.

    inputs: an npz ("<run>|<graph input>", or one array a run for a network with one input), a folder of images (`size`,
    `mean`, `std` and `batch` say how they become batches), or anything that yields a run at a time: a mapping of graph
    inputs to arrays or, for a network with one input, an array. config: as load_config takes it, or what it returns.
    backend, non_finite, align: as calib_run's options. names: of tensors, to those that quant_info.json should carry.
    providers: onnxruntime's; CUDA and CPU do not compute the same bits. sequential: biases are corrected layer by layer on
    the inputs that the quantized network itself has, which runs it once more for every layer; `inputs` must be a file, a
    folder or a sequence. progress: shown on a terminal unless said.

    Memory: the network, the tensors of one run, a collector a tensor. Raises InputError naming file or run, ConfigError,
    and InvalidArgument naming tensor and batch.
    """
    if out is not None:
        require_writable(out)  # now rather than after a long calibration
    if not isinstance(config, Configuration):
        config = load_config(config)
    calibration = NetworkCalibration(model, config, backend=backend, non_finite=non_finite, align=list(align))
    prepared = onnx.load_model_from_string(calibration.prepared_model())
    session = _session(prepared, calibration.tensors(), providers)
    runs = _runs(inputs, session.get_inputs(), size, mean, std, batch)
    if sequential and not hasattr(runs, "__len__"):
        raise InvalidArgument("sequential: inputs that can be gone through more than once are needed, such as a list")
    _observe_all(calibration, session, runs, progress)
    result = _corrected(calibration.sequentially(), runs, providers, progress) if sequential else calibration.finish()
    if out is not None:
        result.save(out, names=dict(names or {}))
    return result


def _session(model: onnx.ModelProto, tensors: Sequence[str], providers: Sequence[Any]) -> onnxruntime.InferenceSession:
    """A session that also hands out `tensors`. Optimisations are off: a fused tensor would not exist."""
    known = {value.name for value in [*model.graph.input, *model.graph.output]}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors if name not in known)
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


def _corrected(sequential: SequentialCalibration, runs: Any, providers: Sequence[Any], progress: bool | None) -> Result:
    while (wanted := sequential.next()) is not None:
        model = onnx.load_model_from_string(sequential.model())
        inputs = [value.name for value in model.graph.input]
        session = None if wanted in inputs else _session(_upstream(model, wanted), [wanted], providers)
        told = Progress(len(runs), progress)
        for done, feed in zip(itertools.count(1), checked_feeds(runs, inputs)):
            sequential.observe(feed[wanted] if session is None else session.run([wanted], _fed(session, feed))[0])
            told(done)
        told.close()
        sequential.decide()
    return sequential.finish()


def _fed(session: onnxruntime.InferenceSession, feed: Mapping[str, Any]) -> dict[str, Any]:
    return {value.name: feed[value.name] for value in session.get_inputs()}


def _upstream(model: onnx.ModelProto, output: str) -> onnx.ModelProto:
    """What `output` is computed by: onnxruntime runs every node, needed or not."""
    needed, kept = {output}, []
    for node in reversed(model.graph.node):
        if needed.isdisjoint(node.output):
            continue
        kept.append(node)
        needed.update(node.input)
        for attribute in node.attribute:  # what a branch reads from outside; too many names do no harm
            for inner in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                needed.update(name for inside in inner.node for name in inside.input)
    upstream = onnx.ModelProto()
    upstream.CopyFrom(model)
    for field, values in (("node", reversed(kept)), ("output", []),
                          ("initializer", [tensor for tensor in model.graph.initializer if tensor.name in needed]),
                          ("input", [value for value in model.graph.input if value.name in needed])):
        values = list(values)
        upstream.graph.ClearField(field)
        getattr(upstream.graph, field).extend(values)
    return upstream
