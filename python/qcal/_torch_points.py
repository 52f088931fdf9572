"""Where a torch model is quantized: the tensors at modules, with what a configuration is asked about them.

Names say all that there is to know about a place, so that parameters can be applied to a model without the trace:
"conv1.weight" and "conv1.bias" are parameters, "relu1.output" is what a module gives, "fc.input" what it reads.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import nn

from . import _core
from ._torch_modules import COMPUTE, JOINING, QUANTIZED, activation_axis, type_name, weight_axis
from ._torch_trace import MODEL_INPUT, Wiring


@dataclasses.dataclass(frozen=True)
class Point:
    name: str
    role: str
    layer: str  # the path of the module that owns it; "" of what the model is given
    layer_type: str
    channel_axis: int
    bias_input: str | None = None
    bias_weights: str | None = None


class Points:
    """The points of a model, in the order in which its modules are called."""

    def __init__(self, model: nn.Module, wiring: Wiring, config: _core.Configuration,
                 modules: str | Sequence[str] | None):
        self.modules = dict(model.named_modules())
        self.wiring, self.config, self.patterns = wiring, config, modules
        self.roles = config.quantizable_data_type
        self.compute_only = config.placement != "groups"
        self.points: dict[str, Point] = {}
        for path in wiring.called:
            if isinstance(self.modules[path], QUANTIZED) and self._chosen(path):
                self._add_module(path)

    def _chosen(self, path: str) -> bool:
        layer = path, path, type_name(self.modules[path])
        if self.patterns is None:
            return True
        if self.patterns == "listed":
            return self.config.selects(*layer)
        return any(_core.matches_layer(pattern, *layer) for pattern in self.patterns)

    def _add_module(self, path: str) -> None:
        module = self.modules[path]
        computes = isinstance(module, COMPUTE)
        read = self._add_input(path) if computes or not self.compute_only else None
        if computes:
            weights = f"{path}.weight"
            self._add(weights, "weights", path, weight_axis(module))
            if module.bias is not None:
                self._add(f"{path}.bias", "bias", path, 0, read, weights)
        if self._quantized_at_output(path):
            self._add_output(path)

    def _quantized_at_output(self, head: str) -> bool:
        if self.config.placement == "groups":
            return True
        return self.config.placement == "fused" and isinstance(self.modules[head], COMPUTE)

    def _add_output(self, head: str) -> str:
        last = self._last_of_group(head)
        return self._add(f"{last}.output", "activation", head, activation_axis(self.modules[head]))

    def _add_input(self, path: str) -> str:
        """The name of the tensor that the module reads, quantized where it comes from or else right here."""
        source = self.wiring.source[path]
        here, axis = f"{path}.input", activation_axis(self.modules[path])
        if source == MODEL_INPUT:
            return self._add(here, "input", "", axis)
        if source is None:  # a function's result
            return self._add(here, "activation", path, axis)
        head = self._head_of_group(source)
        at_output = self._quantized_at_output(head) and (
            not isinstance(self.modules[head], QUANTIZED) or self._chosen(head))
        if at_output and self._last_of_group(head) == source:
            return self._add_output(head)
        return self._add(here, "activation", head, axis)

    def _head_of_group(self, path: str) -> str:
        while isinstance(self.modules[path], JOINING):
            before = self.wiring.source[path]
            if before is None or before == MODEL_INPUT or self.wiring.readers[before] != {path}:
                break
            path = before
        return path

    def _last_of_group(self, path: str) -> str:
        while True:
            readers = self.wiring.readers.get(path, set())
            (reader,) = readers if len(readers) == 1 else (None,)
            if reader not in self.modules or not isinstance(self.modules[reader], JOINING):
                return path
            path = reader

    def _add(self, name: str, role: str, layer: str, axis: int, bias_input: str | None = None,
             bias_weights: str | None = None) -> str:
        if role not in self.roles:
            return name
        layer_type = type_name(self.modules[layer]) if layer else ""
        point = Point(name, role, layer, layer_type, axis, bias_input, bias_weights)
        self.points.setdefault(name, point)
        return name
