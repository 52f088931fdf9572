"""Figures with matplotlib: a tensor's distribution with what each method makes of it, and the error of every layer.

    qcal.plot.distribution(activations, bit_width=8).figure.savefig("conv1.png")
    qcal.plot.layers(qcal.analyze("net.onnx", "dump", "results/quant_params.json")).figure.savefig("layers.png")
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from ._api import search
from ._core import Histogram, InvalidArgument, histogram

__all__ = ["distribution", "layers"]

METHODS = ("maxmin", "percentile", "entropy", "mse", "diffs")


def distribution(
    values: Any,
    *,
    methods: Sequence[str] = METHODS,
    title: str = "",
    ax: Axes | None = None,
    **settings: Any,
) -> Axes:
    """How often values occur, and the ends that the integers reach under each method.

    values: a tensor, as Calibrator.observe takes it, or a Histogram. settings: as qcal.search takes them (bit_width,
    symmetry, signed, percentage, ...). Symmetric settings show magnitudes. Returns the axes; a new figure's unless given.
    """
    symmetric = settings.get("symmetry", True)
    counted = values if isinstance(values, Histogram) else histogram(values, symmetric=symmetric)
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
    edges = counted.edges
    if edges.size:
        ax.stairs(_coarse(counted.counts), _coarse_edges(edges), fill=True, color="0.75")
        ax.set_yscale("log")
    for number, method in enumerate(methods):
        found = search(counted, **(settings | {"method": method}))
        ends = [found.high] if symmetric else [found.low, found.high]
        for end, label in zip(ends, [f"{method}: {found.high:.4g}", None]):
            ax.axvline(end, color=f"C{number}", label=label, linewidth=1.4, linestyle=("-", "--", ":", "-.", "-")[number % 5])
    ax.set_xlabel("magnitude" if symmetric else "value")
    ax.set_ylabel("values")
    ax.set_title(title)
    ax.legend(title="integers reach")
    return ax


def layers(analysis: Mapping[str, Any], *, most: int = 30, ax: Axes | None = None) -> Axes:
    """Signal to quantization noise at the output of each layer, worst on top; below the dotted 20 dB accuracy usually
    suffers.

    analysis: what qcal.analyze returns, or `calib_run analyze --json` prints. most: so many layers at most. Layers in which
    quantization changes nothing have no bar. Raises InvalidArgument for an analysis without layers.
    """
    worst = analysis["layers"][:most]
    if not worst:
        raise InvalidArgument("the analysis has no layers")
    if ax is None:
        _, ax = plt.subplots(figsize=(9, 1.4 + 0.32 * len(worst)), layout="constrained")
    place = np.arange(len(worst))
    for number, (key, label) in enumerate((("both", "weights and activations"), ("weights_only", "weights only"),
                                           ("activations_only", "activations only"))):
        figures = [layer["sqnr_db"][key] or 0.0 for layer in worst]
        ax.barh(place + 0.27 * (number - 1), figures, height=0.25, label=label)
    ax.set_yticks(place, [layer["layer"] for layer in worst])
    ax.invert_yaxis()
    ax.axvline(20, color="0.4", linewidth=1, linestyle=":")
    ax.set_xlabel("signal to quantization noise, dB")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
    return ax


def _coarse(counts: np.ndarray, step: int = 16) -> np.ndarray:
    """2048 bins are more than a figure shows: the same counts in wider ones."""
    return np.add.reduceat(counts, np.arange(0, counts.size, step))


def _coarse_edges(edges: np.ndarray, step: int = 16) -> np.ndarray:
    return np.append(edges[:-1][::step], edges[-1])
