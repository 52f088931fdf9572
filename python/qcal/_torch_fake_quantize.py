"""Fake quantization as torch operations: the engine's bits on every device, with a straight-through gradient."""
from __future__ import annotations

import numpy as np
import torch
from torch import nn

from . import _core


def _rounded(steps: torch.Tensor, round_mode: str) -> torch.Tensor:
    if round_mode == "half_even":
        return torch.round(steps)
    # x - floor(x) is exact in float32, where x + 0.5 would not be.
    if round_mode == "half_up":
        below = torch.floor(steps)
        return below + (steps - below >= 0.5)
    magnitude = steps.abs()
    below = torch.floor(magnitude)
    rest = magnitude - below
    return torch.copysign(below + (rest >= 0.5 if round_mode == "std_round" else rest > 0.5), steps)


class _StraightThrough(torch.autograd.Function):
    """Forward quantizes; backward lets the gradient of what was not clipped pass."""

    @staticmethod
    def forward(ctx, values, quantizer):
        steps = values.float()
        steps = steps * quantizer.factor if quantizer.multiplies else steps / quantizer.factor
        steps = torch.where(steps.isnan(), torch.zeros_like(steps), steps)
        ctx.save_for_backward((steps >= quantizer.lowest) & (steps <= quantizer.highest))
        steps = torch.minimum(torch.maximum(steps, quantizer.lowest), quantizer.highest)
        return ((_rounded(steps, quantizer.round_mode) + 0.0) * quantizer.scale).to(values.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (inside,) = ctx.saved_tensors
        return gradient * inside, None


class FakeQuantize(nn.Module):
    """One tensor's quantizer: real = scale * (q - zero_point), rounded and clipped as its parameters say.

    Any floating dtype, device and strides; the arithmetic is float32, the result has the dtype of what comes in. Raises
    InvalidArgument, naming the tensor, for parameters without a scale and for another number of channels.
    """

    def __init__(self, parameters: _core.TensorParameters, compat: str = "standard"):
        super().__init__()
        if not parameters.scale:
            raise _core.InvalidArgument(f'tensor "{parameters.name}": it stays float and has no scale')
        self.name, self.round_mode, self.axis = parameters.name, parameters.round_mode, parameters.axis
        self.multiplies = compat == "vitis"
        scale = np.array(parameters.scale, np.float64)
        factor = scale.astype(np.float32)
        if self.multiplies:  # vai_q_pytorch's rounded reciprocals, as the engine has them
            scale = np.where(scale > np.finfo(np.float64).tiny, scale, 2.0**-18)
            if parameters.granularity == "per_channel":
                scale = (np.float32(1) / (1 / scale).astype(np.float32)).astype(np.float64)
            factor = (1 / scale).astype(np.float32)
            step = np.float32(1) / factor
        else:
            step = factor
        zero_point = np.array(parameters.zero_point, np.int64)
        for name, values in (("factor", factor), ("scale", step), ("lowest", parameters.qmin - zero_point),
                             ("highest", parameters.qmax - zero_point)):
            self.register_buffer(name, torch.from_numpy(values.astype(np.float32)), persistent=False)
        self._rank: int | None = None

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        self._fit(values)
        return _StraightThrough.apply(values, self)

    def _fit(self, values: torch.Tensor) -> None:
        """Lays the channels along their axis of tensors of that rank."""
        channels = self.scale.numel()
        if self.axis is not None and (self.axis >= values.dim() or values.shape[self.axis] != channels):
            raise _core.InvalidArgument(f'tensor "{self.name}": shape {tuple(values.shape)} does not have {channels} '
                                        f"channels along axis {self.axis}")
        if self._rank == values.dim() and self.scale.device == values.device:
            return
        shape = [1] * values.dim()
        if self.axis is not None:
            shape[self.axis] = channels
        for name in ("factor", "scale", "lowest", "highest"):
            setattr(self, name, getattr(self, name).to(values.device).reshape(shape))
        self._rank = values.dim()


def fake_quantize(values: torch.Tensor, parameters: _core.TensorParameters, *, compat: str = "standard") -> torch.Tensor:
    """`values` quantized and dequantized, differentiably; see FakeQuantize."""
    return FakeQuantize(parameters, compat)(values)
