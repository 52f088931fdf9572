"""The functions of qcal that take more kinds of arguments than C++ can name."""
from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from . import _core

_ROLES = ["input", "weights", "bias", "activation"]


def load_config(
    source: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    *,
    compat: str = "standard",
    device_rules: str = "error",
    placement: str | None = None,
) -> _core.Configuration:
    """The configuration of a JSON file, of a dict of the same form or, without either, UG1414's default for the DPU.

    compat: standard, or vitis for vai_q_pytorch's arithmetic. device_rules: error, or warn for settings that the target
    cannot run. placement: groups, compute or fused, instead of the configuration's. Raises ConfigError listing every
    mistake, InputError for a file that cannot be read. What it warns of is in the result's `warnings`.
    """
    if source is None:
        return _core.default_config(compat, placement)
    if isinstance(source, Mapping):
        return _core.load_config_text(json.dumps(source), "config", compat, device_rules, placement)
    return _core.load_config_file(source, compat, device_rules, placement)


def explain(
    config: _core.Configuration,
    model: str | os.PathLike[str] | None = None,
    *,
    layer: str | None = None,
    as_dict: bool = False,
) -> str | dict[str, Any]:
    """Which settings are in force and where each value came from; with an ONNX model, for every tensor of it.

    layer: only the tensors of that ONNX node. as_dict: what `calib_run explain --json` prints, as a dict. Raises
    InvalidArgument for a layer that quantizes nothing.
    """
    if layer is not None and model is None:
        raise _core.InvalidArgument("layer: needs a model")
    if as_dict:
        return json.loads(_core.explain_json(config, model, layer))
    return _core.explain_text(config, model, layer)


def analyze(
    model: str | os.PathLike[str],
    dumps: str | os.PathLike[str],
    params: str | os.PathLike[str],
    config: _core.Configuration | None = None,
) -> dict[str, Any]:
    """What `calib_run analyze --json` prints: each layer's signal to quantization noise, worst first, and what would help.

    params: the quant_params.json of that model and recording, whose own configuration counts where none is given. Raises
    InputError where these do not belong together.
    """
    return json.loads(_core.analyze_json(model, dumps, params, config))


def search(
    histogram: _core.Histogram,
    config: _core.Configuration | None = None,
    *,
    role: str = "activation",
    **settings: Any,
) -> _core.Choice:
    """The scale that a method chooses for a histogram.

    The settings are those of `role` in `config` or, without one, given by the configuration's names: method="entropy",
    bit_width=8, symmetry=True, signed=True, scale_type="float", percentage=99.99, round_mode="half_even", ...; what is
    left out is as for target CPU. Equal to a calibration of one such batch (diffs counts its errors on the histogram).
    Raises ConfigError for settings that do not exist, InvalidArgument for those that the histogram cannot serve.
    """
    if config is None:
        overall = {"method": "maxmin", "scale_type": "float", "round_mode": "half_even", "symmetry": True, "signed": True}
        source = {"target_device": "CPU", "quantizable_data_type": _ROLES, "overall_quantize_config": overall | settings}
        config = _core.load_config_text(json.dumps(source), "search", "standard", "error", None)
    elif settings:
        raise TypeError(f"search: {', '.join(settings)} beside a configuration, which says it already")
    return _core.search_histogram(histogram, config, role)


def fake_quantize(values: Any, parameters: _core.TensorParameters, *, compat: str = "standard") -> Any:
    """`values` quantized and dequantized by the parameters of one tensor: what a runtime computes with.

    values: host memory, float32, float16, bfloat16 or float64 of any strides; the arithmetic is float32. Returns an
    array of the same shape: float32 from NumPy and others, a torch tensor of the same dtype from torch (qcal.torch has a
    differentiable one for every device). compat: vitis divides by vai_q_pytorch's rounded reciprocal. Raises
    InvalidArgument, naming the tensor, for one without a scale or of another number of channels.
    """
    if compat not in ("standard", "vitis"):
        raise _core.InvalidArgument(f'compat: "{compat}" is not allowed; allowed: standard, vitis')
    result = _core.fake_quantize(values, parameters, compat == "vitis")
    if type(values).__module__.partition(".")[0] == "torch":
        import torch

        return torch.from_numpy(result).to(values.dtype)
    return result
