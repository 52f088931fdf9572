"""What each kind of torch module means to quantization, as the engine's table does for ONNX operators."""
from __future__ import annotations

from torch import nn

# Read weights; what integer kernels compute.
COMPUTE = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)

# Their results get a quantizer.
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d,
          nn.GroupNorm, nn.LayerNorm)
_POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveAvgPool1d,
          nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
_OTHERS = (nn.Softmax, nn.PReLU, nn.GELU, nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.Upsample)
QUANTIZED = COMPUTE + _NORMS + _POOLS + _OTHERS

# Join what stands before them, where nothing else reads that.
JOINING = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardtanh, nn.ELU, nn.SELU, nn.CELU, nn.SiLU, nn.Sigmoid, nn.Tanh,
           nn.Softplus, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.Identity,
           nn.PixelShuffle, nn.PixelUnshuffle)

# Functions that only move elements: what is quantized stays quantized through them.
MOVING_FUNCTIONS = frozenset({"flatten", "reshape", "view", "permute", "transpose", "squeeze", "unsqueeze", "contiguous",
                              "detach"})


def type_name(module: nn.Module) -> str:
    """Conv2d, also of a class of the user's that derives from it."""
    for known in type(module).__mro__:
        if known.__module__.startswith("torch.nn"):
            return known.__name__
    return type(module).__name__


def weight_axis(module: nn.Module) -> int:
    """The output channels' axis of its weights."""
    return 1 if isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)) else 0


def activation_axis(module: nn.Module) -> int:
    """The channels' axis of what it reads and gives."""
    return -1 if isinstance(module, (nn.Linear, nn.LayerNorm)) else 1
