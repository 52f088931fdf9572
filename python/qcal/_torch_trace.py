"""Which module reads what which module gave: one run of a model, watched.

A module's call is seen by hooks, a function outside of modules (torch.add, F.relu, x.view) by torch's function mode. That
is less than a graph and needs none: a model that no exporter takes can be calibrated too.
"""
from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ._core import InvalidArgument
from ._torch_modules import JOINING, MOVING_FUNCTIONS, QUANTIZED

MODEL_INPUT = "<model input>"
_FUNCTION = "<function>"


@dataclasses.dataclass
class Wiring:
    """By module path, of the modules that were called."""

    called: list[str] = dataclasses.field(default_factory=list)  # in order of the first call
    source: dict[str, str | None] = dataclasses.field(default_factory=dict)  # the module whose result it reads
    readers: dict[str, set[str]] = dataclasses.field(default_factory=dict)  # of its result; a function is one


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """The tensors of nested tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def traced(model: nn.Module, run: Callable[[], Any]) -> Wiring:
    """What `run`, which calls the model once, wires. Keeps every tensor of that run until it is over."""
    trace = _Trace()
    known = [(path, module) for path, module in model.named_modules() if path and isinstance(module, QUANTIZED + JOINING)]
    if not known:
        return trace.wiring
    with contextlib.ExitStack() as stack:
        for path, module in known:
            stack.callback(module.register_forward_pre_hook(trace.entering(path)).remove)
            stack.callback(module.register_forward_hook(trace.leaving(path)).remove)
        stack.enter_context(_calls_watched(model, trace.model_called))
        stack.enter_context(trace)
        run()
    if trace.inside:
        raise InvalidArgument(f'module "{trace.inside[-1]}" raised an exception, which the model caught: who reads what '
                              "cannot be watched then")
    return trace.wiring


@contextlib.contextmanager
def _calls_watched(model: nn.Module, called: Callable[[tuple, dict], None]) -> Iterator[None]:
    """Tells `called` what the model is called with. Hooks are told of keywords only from PyTorch 2.0 on."""
    forward, own = model.forward, "forward" in vars(model)

    def watched(*arguments, **options):
        called(arguments, options)
        return forward(*arguments, **options)

    model.forward = watched
    try:
        yield
    finally:
        if own:
            model.forward = forward
        else:
            del model.forward


class _Trace(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.wiring = Wiring()
        self.given_by: dict[int, str] = {}
        self.kept: list[torch.Tensor] = []  # so that no id is given twice
        self.inside: list[str] = []  # known modules; what functions they call is their own business

    def __torch_function__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        name = getattr(function, "__name__", "")
        if self.inside or name == "__get__":  # x.shape and its like
            return result
        results = list(tensors_in(result))
        sources = list(tensors_in([arguments, options or {}]))
        if name in MOVING_FUNCTIONS and sources and id(sources[0]) in self.given_by:
            for tensor in results:
                self._gave(tensor, self.given_by[id(sources[0])])
        elif results:
            for tensor in sources:
                self._read(tensor, _FUNCTION)
            for tensor in results:
                self.given_by.pop(id(tensor), None)  # changed in place
        return result

    def model_called(self, arguments: tuple, options: dict) -> None:
        for tensor in tensors_in([arguments, options]):
            self._gave(tensor, MODEL_INPUT)

    def entering(self, path: str):
        def hook(module, arguments):
            self.inside.append(path)
            if path not in self.wiring.source:
                self.wiring.called.append(path)
                self.wiring.source[path] = None
            for tensor in tensors_in(arguments):
                self.wiring.source[path] = self._read(tensor, path)
                break

        return hook

    def leaving(self, path: str):
        def hook(module, arguments, result):
            self.inside.pop()
            for tensor in tensors_in(result):
                self._gave(tensor, path)

        return hook

    def _gave(self, tensor: torch.Tensor, path: str) -> None:
        self.given_by[id(tensor)] = path
        self.kept.append(tensor)

    def _read(self, tensor: torch.Tensor, reader: str) -> str | None:
        source = self.given_by.get(id(tensor))
        if source is not None:
            self.wiring.readers.setdefault(source, set()).add(reader)
        return source
