"""What an ONNX network is run on: arrays by run, or a folder of images."""
from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ._core import InputError

Feed = Mapping[str, np.ndarray]
_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


def runs_of_npz(path: str | os.PathLike[str], graph_inputs: Sequence[str]) -> list[Feed]:
    """The feeds of every run, in order of the run's number.

    Keys are "<run>|<graph input>" or, for a network with one input, one array a run in any naming ("labels" is passed
    over). Raises InputError for other keys, and for what is no npz.
    """
    try:
        archive = np.load(path, allow_pickle=False)
        keys = archive.files
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: no npz of inputs: {error}") from None
    runs: dict[int, dict[str, np.ndarray]] = collections.defaultdict(dict)
    unnumbered = []
    for key in keys:
        run, bar, name = key.partition("|")
        if bar and run.isdigit():
            runs[int(run)][name] = archive[key]
        elif key != "labels":
            unnumbered.append(key)
    if runs:
        return [runs[run] for run in sorted(runs)]
    if len(graph_inputs) != 1:
        raise InputError(f"{path}: the network has {len(graph_inputs)} inputs, so keys must be '<run>|<graph input>'")
    return [{graph_inputs[0]: archive[key]} for key in unnumbered]


class Images:
    """The images of a folder as batches of one graph input, each made when it is asked for.

    They are taken in the order of their names, resized to the input's size (or `size`), scaled to 0..1, and normalised:
    (pixel - mean) / std, one number or one a channel. What does not fill a batch is left out. Needs pillow. Raises
    InputError for an input that no image fits, and for files that are none.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        name: str,
        shape: Sequence[Any],
        *,
        size: tuple[int, int] | None = None,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        batch: int = 8,
    ):
        if len(shape) != 4:
            raise InputError(f"{folder}: images need an input of 4 axes, and {name} has {len(shape)}")
        self.name = name
        self.batch = shape[0] if isinstance(shape[0], int) else batch
        self.channels = shape[1] if isinstance(shape[1], int) else 3
        if self.channels not in (1, 3):
            raise InputError(f"{folder}: images have 1 or 3 channels, and input {name} has {self.channels}")
        fixed = isinstance(shape[2], int) and isinstance(shape[3], int)
        self.size = size or (tuple(shape[2:]) if fixed else None)
        if self.size is None:
            raise InputError(f"{folder}: the size of input {name} is not fixed; give a size, height x width")
        self.mean = self._per_channel("mean", mean)
        self.std = self._per_channel("std", std)
        names = sorted(file for file in os.listdir(folder) if file.lower().endswith(_IMAGE_SUFFIXES))
        self.paths = [os.path.join(folder, file) for file in names]
        if len(self.paths) < self.batch:
            raise InputError(f"{folder}: {len(self.paths)} images, fewer than a batch of {self.batch}")

    def _per_channel(self, option: str, values: Sequence[float]) -> np.ndarray:
        if len(values) not in (1, self.channels):
            raise InputError(f"{option}: {len(values)} numbers for {self.channels} channels")
        return np.array(values, np.float32).reshape(-1, 1, 1)

    def __len__(self) -> int:
        return len(self.paths) // self.batch

    def __iter__(self) -> Iterator[Feed]:
        for first in range(0, len(self) * self.batch, self.batch):
            yield {self.name: np.stack([self._read(path) for path in self.paths[first : first + self.batch]])}

    def _read(self, path: str) -> np.ndarray:
        try:
            from PIL import Image, UnidentifiedImageError
        except ImportError:
            raise ImportError("images need pillow: pip install pillow") from None
        try:
            with Image.open(path) as image:
                image = image.convert("L" if self.channels == 1 else "RGB").resize(self.size[::-1])
                pixels = np.asarray(image, np.float32) / np.float32(255)
        except (UnidentifiedImageError, OSError) as error:
            raise InputError(f"{path}: {error}") from None
        pixels = pixels[None] if self.channels == 1 else pixels.transpose(2, 0, 1)
        return (pixels - self.mean) / self.std


def checked_feeds(feeds: Iterable[Any], graph_inputs: Sequence[str]) -> Iterator[Feed]:
    """Mappings as they are; arrays, and one-element tuples or lists of them, as the only input."""
    for number, feed in enumerate(feeds):
        if not isinstance(feed, Mapping):
            if len(graph_inputs) != 1:
                raise InputError(f"run {number}: the network has {len(graph_inputs)} inputs, so a run must be a mapping")
            feed = {graph_inputs[0]: np.asarray(feed)}
        if set(feed) != set(graph_inputs):
            raise InputError(f"run {number}: inputs {sorted(feed)}; the network's are {sorted(graph_inputs)}")
        yield feed
