"""PyTorch models: calibrated as they run, and quantized in PyTorch to see what that costs.

    parameters = qcal.torch.calibrate(model, loader, "config.json")
    parameters.save("quant_params.json")
    with qcal.torch.apply_fake_quant(model, parameters):
        accuracy = evaluate(model)

Tensors are observed where they lie, on the device and its current stream where the engine has a CUDA back end.
"""
from __future__ import annotations

import contextlib
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from ._api import load_config
from ._core import Calibrator, Configuration, InputError, InvalidArgument, Parameters
from ._progress import Progress
from ._torch_fake_quantize import FakeQuantize, fake_quantize
from ._torch_points import Point, Points
from ._torch_trace import Wiring, tensors_in, traced

__all__ = ["FakeQuantized", "apply_fake_quant", "calibrate", "fake_quantize", "fold_batch_norm"]

Forward = Callable[[nn.Module, Any], Any]


def calibrate(
    model: nn.Module,
    loader: Iterable[Any],
    config: Configuration | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    *,
    modules: str | Sequence[str] | None = None,
    forward: Forward | None = None,
    backend: str = "auto",
    non_finite: str | None = None,
    group: dist.ProcessGroup | None = None,
    progress: bool | None = None,
) -> Parameters:
    """Runs `model` over `loader` and finds the parameters of its weights, biases and activations.

    config: as load_config takes it, or what it returns; vai_q_pytorch's JSON files serve. Layer entries are matched by
    type (torch.nn.Conv2d), by module path or a pattern of it (layer1.*.conv1), and by vai_q_pytorch's names. `placement`
    says which activations: groups, every layer's result; compute, what convolutions and Linear read; fused, both.
    modules: None for every module of a type that is quantized, "listed" for those that a layer entry selects, or layer
    types, paths, patterns and names as a layer entry has them.
    forward: calls the model on what the loader yields; by default a mapping as keywords, of a tuple or list its first
    element, anything else as it is, tensors moved to where the model is.
    group: ranks of torch.distributed that share the calibration (torch.distributed.group.WORLD: all), each with the same
    model and with batches of its own; all return the same parameters. Batch b of rank r of n counts as batch b * n + r, so
    that the bits are those of one process that sees them in this order. gloo and nccl do; with nccl each rank sets its
    device first (torch.cuda.set_device).

    The model runs in evaluation mode, without gradients, and is left as it was, hooks removed, also after an exception.
    The first batch is run twice, once to see which module reads what. Names in the result: conv1.weight, conv1.bias,
    relu1.output, fc.input. A ReLU (or another activation or reshaping module) that alone reads a layer joins it. A
    BatchNorm gets a quantizer of its own, with a warning where fold_batch_norm could have folded it.

    Memory: a collector a tensor; all tensors of the first run while it is watched. Raises InputError for an empty loader
    or a model none of whose modules are chosen, ConfigError, and InvalidArgument naming tensor and batch.
    """
    if not isinstance(config, Configuration):
        config = load_config(config)
    unapplied = config.graph_switches + (["the DPU's rules for fix positions"] if config.target_device == "DPU" else [])
    if unapplied:
        warnings.warn(f"not applied, since they need a graph (qcal.onnx has one): {', '.join(unapplied)}", stacklevel=2)
    call = forward or _call
    batches = iter(loader)
    try:
        first = next(batches)
    except StopIteration:
        raise InputError("the loader yields no batch") from None
    rank, ranks = (dist.get_rank(group), dist.get_world_size(group)) if group is not None else (0, 1)
    with _evaluating(model):
        wiring = traced(model, lambda: call(model, first))
        points = Points(model, wiring, config, modules).points
        if not points:
            raise InputError("no module of the model is quantized: modules and layer types choose none that is called")
        _warn_of_batch_norm(model, wiring)
        calibrator = Calibrator(config, backend=backend, non_finite=non_finite)
        _declare(calibrator, points.values())
        if rank == 0:  # every rank has the same
            _observe_parameters(calibrator, model, points.values())
        told = Progress(len(loader) if hasattr(loader, "__len__") else None, progress)
        with _observing(calibrator, model, points.values(), rank, ranks):
            for done, batch in zip(itertools.count(1), itertools.chain([first], batches)):
                call(model, batch)
                told(done)
        told.close()
    if group is not None:
        _merge_ranks(calibrator, group)
    return calibrator.finish()


def fold_batch_norm(model: nn.Module, example: Any, *, forward: Forward | None = None) -> nn.Module:
    """Folds every BatchNorm that alone reads a convolution or Linear into its weights, in place, and returns the model.

    example: a batch, as calibrate's loader yields it, to see which module reads what. A folded BatchNorm becomes
    nn.Identity; what the model computes in evaluation mode is the same up to rounding.
    """
    with _evaluating(model):
        wiring = traced(model, lambda: (forward or _call)(model, example))
        for norm, layer in _norm_pairs(model, wiring):
            fuse = fuse_linear_bn_eval if isinstance(model.get_submodule(layer), nn.Linear) else fuse_conv_bn_eval
            fused = fuse(model.get_submodule(layer), model.get_submodule(norm))
            _replace(model, layer, fused)
            _replace(model, norm, nn.Identity())
    return model


class FakeQuantized:
    """A model whose tensors are fake-quantized until remove() is called or the with block ends."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def remove(self) -> None:
        """Takes all hooks and parametrizations off; parameters keep the values that training gave them."""
        self._stack.close()

    def __enter__(self) -> FakeQuantized:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()


def apply_fake_quant(model: nn.Module, parameters: Parameters) -> FakeQuantized:
    """Quantizes and dequantizes the model's tensors as `parameters`, a calibration of it, say.

    Weights and biases become parametrizations of the float ones, which stay trainable: gradients pass straight through
    whatever is not clipped, so that quantization-aware fine-tuning works. Activations are quantized by hooks, on any
    device. Tensors without a scale stay float. Raises InvalidArgument naming a tensor that the model does not have; the
    model is then as it was.
    """
    applied = FakeQuantized()
    try:
        for tensor in parameters.tensors:
            if tensor.scale:
                _apply(applied._stack, model, tensor.name, FakeQuantize(tensor, parameters.compat))
    except BaseException:
        applied.remove()
        raise
    return applied


def _apply(stack: contextlib.ExitStack, model: nn.Module, name: str, quantize: FakeQuantize) -> None:
    path, _, kind = name.rpartition(".")
    try:
        module = model.get_submodule(path)
    except AttributeError:
        raise InvalidArgument(f'tensor "{name}": the model has no module "{path}"') from None
    if kind == "output":
        stack.callback(module.register_forward_hook(lambda module, arguments, result: quantize(result)).remove)
    elif kind == "input":
        stack.callback(module.register_forward_pre_hook(
            lambda module, arguments: (quantize(arguments[0]), *arguments[1:])).remove)
    elif isinstance(getattr(module, kind, None), torch.Tensor):
        parametrize.register_parametrization(module, kind, quantize)
        stack.callback(parametrize.remove_parametrizations, module, kind, leave_parametrized=False)
    else:
        raise InvalidArgument(f'tensor "{name}": module "{path}" has no parameter "{kind}"')


def _call(model: nn.Module, batch: Any) -> Any:
    parameter = next(itertools.chain(model.parameters(), model.buffers()), None)
    device = parameter.device if parameter is not None else None

    def placed(value: Any) -> Any:
        return value.to(device) if isinstance(value, torch.Tensor) and device is not None else value

    if isinstance(batch, Mapping):
        return model(**{name: placed(value) for name, value in batch.items()})
    return model(placed(batch[0] if isinstance(batch, (tuple, list)) else batch))


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Without gradients, each module's own mode restored."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in training.items():
            module.training = mode


def _declare(calibrator: Calibrator, points: Iterable[Point]) -> None:
    for point in points:
        calibrator.declare(point.name, role=point.role, layer_name=point.layer, layer_type=point.layer_type,
                           module_path=point.layer, channel_axis=point.channel_axis, bias_input=point.bias_input,
                           bias_weights=point.bias_weights)


def _observe(calibrator: Calibrator, name: str, tensor: torch.Tensor, index: int | None = None) -> None:
    if tensor.is_cuda and not calibrator.backend.startswith("cuda"):
        tensor = tensor.cpu()
    calibrator.observe(name, tensor, index)


def _observe_parameters(calibrator: Calibrator, model: nn.Module, points: Iterable[Point]) -> None:
    for point in points:
        if point.role in ("weights", "bias"):
            path, _, kind = point.name.rpartition(".")
            _observe(calibrator, point.name, getattr(model.get_submodule(path), kind))


@contextlib.contextmanager
def _observing(calibrator: Calibrator, model: nn.Module, points: Iterable[Point], rank: int, ranks: int) -> Iterator[None]:
    """Hooks that observe inputs and outputs, for as long as the block lasts."""
    indices: dict[str, Iterator[int]] = {point.name: itertools.count(rank, ranks) for point in points}

    def of_results(name: str):
        def hook(module, arguments, result):
            for tensor in tensors_in(result):
                _observe(calibrator, name, tensor, next(indices[name]))
                break

        return hook

    def of_arguments(name: str):
        def hook(module, arguments):
            _observe(calibrator, name, next(tensors_in(arguments)), next(indices[name]))

        return hook

    with contextlib.ExitStack() as stack:
        for point in points:
            path, _, kind = point.name.rpartition(".")
            module = model.get_submodule(path)
            if kind == "output":
                stack.callback(module.register_forward_hook(of_results(point.name)).remove)
            elif kind == "input":
                stack.callback(module.register_forward_pre_hook(of_arguments(point.name)).remove)
        yield


def _merge_ranks(calibrator: Calibrator, group: dist.ProcessGroup) -> None:
    """Adds what the other ranks have observed: each gets the states of all, some hundred bytes to kilobytes a tensor."""
    states = [None] * dist.get_world_size(group)
    dist.all_gather_object(states, calibrator.save(), group)
    for rank, state in enumerate(states):
        if rank != dist.get_rank(group):
            calibrator.merge(state)


def _norm_pairs(model: nn.Module, wiring: Wiring) -> Iterator[tuple[str, str]]:
    """(BatchNorm, layer) where it alone reads a layer with weights."""
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    layers = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
    for path in wiring.called:
        source = wiring.source[path]
        if isinstance(model.get_submodule(path), norms) and source and wiring.readers.get(source) == {path}:
            if isinstance(model.get_submodule(source) if "<" not in source else None, layers):
                yield path, source


def _warn_of_batch_norm(model: nn.Module, wiring: Wiring) -> None:
    pairs = list(_norm_pairs(model, wiring))
    if pairs:
        warnings.warn(f"{len(pairs)} BatchNorm are not folded, {pairs[0][0]} among them: weights are calibrated without "
                      "them, and get quantizers of their own; fold_batch_norm(model, batch) folds them", stacklevel=3)


def _replace(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)
