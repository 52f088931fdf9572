#!/usr/bin/env python3
"""Record the activations of an ONNX network as a dump for calib_run.

    record.py MODEL.onnx INPUTS OUT [--config C.json [--compat C] [--placement P]] [--calib-run PATH]
              [--format npy|safetensors]

INPUTS.npz holds one array per graph input and run: keys "<run>|<graph input>", run = 0, 1, ... (or, for a
network with one input, one array per run in any naming). Each run becomes one batch.

INPUTS may also be a folder of images, for a network with one input of the form [N, channels, height, width]:
they are taken in the order of their names, resized to the input's size (or --size), scaled to 0..1, and
normalised by --mean and --std.

Without --config every float tensor of the network is recorded. With it only those that
`calib_run explain --tensors` names, which is all that `calib_run calibrate` reads.

The dump is complete once its manifest is there, which comes last. Batches are written as they are made, so memory
holds one of them.

Needs numpy, onnx and onnxruntime (safetensors for that format, pillow for images) from PyPI.
"""
import argparse
import collections
import hashlib
import json
import os
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime


def read_runs(path, graph_inputs):
    """The feeds of every run, in order of the run's number."""
    archive = np.load(path, allow_pickle=False)
    runs = collections.defaultdict(dict)
    unnumbered = []
    for key in archive.files:
        run, bar, name = key.partition("|")
        if bar and run.isdigit():
            runs[int(run)][name] = archive[key]
        elif key != "labels":  # which evaluate.py reads
            unnumbered.append(key)
    if runs:
        return [runs[run] for run in sorted(runs)]
    if len(graph_inputs) != 1:
        sys.exit(f"{path}: the network has {len(graph_inputs)} inputs, so keys must be '<run>|<graph input>'")
    return [{graph_inputs[0]: archive[key]} for key in unnumbered]


def numbers(text):
    return [float(part) for part in text.split(",")]


def image_size(text):
    height, x, width = text.partition("x")
    if not (x and height.isdigit() and width.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH")
    return int(height), int(width)


class Images:
    """The images of a folder as batches, each made when it is asked for."""

    suffixes = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

    def __init__(self, folder, graph_input, arguments):
        shape = graph_input.shape
        if len(shape) != 4:
            sys.exit(f"{folder}: images need an input of 4 axes, and {graph_input.name} has {len(shape)}")
        self.name, self.batch = graph_input.name, arguments.batch
        if isinstance(shape[0], int):
            self.batch = shape[0]
        self.channels = shape[1] if isinstance(shape[1], int) else 3
        if self.channels not in (1, 3):
            sys.exit(f"{folder}: images have 1 or 3 channels, and input {self.name} has {self.channels}")
        fixed = isinstance(shape[2], int) and isinstance(shape[3], int)
        self.size = arguments.size or (tuple(shape[2:]) if fixed else None)
        if self.size is None:
            sys.exit(f"{folder}: the size of input {self.name} is not fixed; give --size HEIGHTxWIDTH")
        self.mean, self.std = (self.per_channel(option, getattr(arguments, option)) for option in ("mean", "std"))
        names = sorted(name for name in os.listdir(folder) if name.lower().endswith(self.suffixes))
        self.paths = [os.path.join(folder, name) for name in names]
        if len(self.paths) < self.batch:
            sys.exit(f"{folder}: {len(self.paths)} images, fewer than a batch of {self.batch}")

    def per_channel(self, option, values):
        if len(values) not in (1, self.channels):
            sys.exit(f"--{option}: {len(values)} numbers for {self.channels} channels")
        return np.array(values, np.float32).reshape(-1, 1, 1)

    def __len__(self):
        return len(self.paths) // self.batch  # what does not fill a batch is left out

    def __iter__(self):
        for first in range(0, len(self) * self.batch, self.batch):
            yield {self.name: np.stack([self.read(path) for path in self.paths[first : first + self.batch]])}

    def read(self, path):
        try:
            from PIL import Image, UnidentifiedImageError
        except ImportError:
            sys.exit("images need pillow: pip install pillow")
        try:
            with Image.open(path) as image:
                image = image.convert("L" if self.channels == 1 else "RGB").resize(self.size[::-1])
                pixels = np.asarray(image, np.float32) / np.float32(255)
        except (UnidentifiedImageError, OSError) as error:
            sys.exit(f"{path}: {error}")
        pixels = pixels[None] if self.channels == 1 else pixels.transpose(2, 0, 1)
        return (pixels - self.mean) / self.std


class Progress:
    """A line that rewrites itself on a terminal, and nothing elsewhere."""

    def __init__(self, total):
        self.total, self.started, self.shown = total, time.monotonic(), sys.stderr.isatty()

    def __call__(self, done):
        if not self.shown:
            return
        elapsed = time.monotonic() - self.started
        left = elapsed / done * (self.total - done)
        bar = "#" * (30 * done // self.total)
        end = "\n" if done == self.total else ""
        print(f"\r[{bar:<30}] batch {done} of {self.total}, {left:.0f} s left ", end=end, file=sys.stderr, flush=True)


def computed_tensors(graph):
    """Outputs of nodes that depend on a graph input."""
    constant = {tensor.name for tensor in graph.initializer}
    names = []
    for node in graph.node:
        has_subgraph = any(attribute.type == onnx.AttributeProto.GRAPH for attribute in node.attribute)
        if not has_subgraph and all(name in constant for name in node.input if name):
            constant.update(node.output)
        else:
            names.extend(name for name in node.output if name)
    return names


def wanted_tensors(arguments):
    command = [arguments.calib_run, "explain", "--tensors", "--model", arguments.model, "--config", arguments.config]
    for option in ("compat", "placement"):
        if getattr(arguments, option):
            command += ["--" + option, getattr(arguments, option)]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())


def session_exposing(model, names):
    """A session in which `names` are outputs. Optimisations are off: a fused tensor would not exist."""
    outputs = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in outputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class NpyWriter:
    """One file a tensor and batch; names go into the manifest, never into file names."""

    def __init__(self, folder, sha256):
        self.folder, self.sha256, self.files = folder, sha256, {}

    def add(self, batch, tensors):
        for number, (name, values) in enumerate(tensors.items()):
            file = f"t{number:04d}_b{batch:04d}.npy"
            np.save(os.path.join(self.folder, file), np.ascontiguousarray(values))
            self.files.setdefault(name, []).append(file)

    def close(self):
        with open(os.path.join(self.folder, "manifest.json"), "w", encoding="utf-8") as out:
            json.dump({"model_sha256": self.sha256, "tensors": self.files}, out, indent=1, ensure_ascii=False)


class SafetensorsWriter:
    """One file a batch."""

    def __init__(self, folder, sha256):
        self.folder, self.sha256 = folder, sha256

    def add(self, batch, tensors):
        from safetensors.numpy import save_file

        contiguous = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
        path = os.path.join(self.folder, f"batch_{batch:05d}.safetensors")
        save_file(contiguous, path, metadata={"model_sha256": self.sha256})

    def close(self):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("inputs")
    parser.add_argument("out")
    parser.add_argument("--config", help="record only what this configuration quantizes")
    parser.add_argument("--compat", help="as calib_run calibrate will have it")
    parser.add_argument("--placement", help="as calib_run calibrate will have it")
    parser.add_argument("--calib-run", default="build/release/tools/calib_run")
    parser.add_argument("--format", choices=["npy", "safetensors"], default="npy")
    images = parser.add_argument_group("images")
    images.add_argument("--size", type=image_size, metavar="HEIGHTxWIDTH", help="default: the input's")
    images.add_argument("--mean", type=numbers, default=[0.0], help="one number, or one a channel: 0.485,0.456,0.406")
    images.add_argument("--std", type=numbers, default=[1.0], help="likewise")
    images.add_argument("--batch", type=int, default=8, help="images a batch, where the network leaves it open")
    arguments = parser.parse_args()

    model = onnx.load(arguments.model)  # pulls external data in
    with open(arguments.model, "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    names = computed_tensors(model.graph)
    session = session_exposing(model, names)
    outputs = [value.name for value in session.get_outputs() if value.type in ("tensor(float)", "tensor(float16)")]
    wanted = wanted_tensors(arguments) if arguments.config else None
    if wanted is not None:
        outputs = [name for name in outputs if name in wanted]

    if os.path.isdir(arguments.inputs):
        if len(session.get_inputs()) != 1:
            sys.exit(f"{arguments.inputs}: images feed one input, and the network has {len(session.get_inputs())}")
        runs = Images(arguments.inputs, session.get_inputs()[0], arguments)
    else:
        runs = read_runs(arguments.inputs, [value.name for value in session.get_inputs()])
    os.makedirs(arguments.out, exist_ok=True)
    writer = (NpyWriter if arguments.format == "npy" else SafetensorsWriter)(arguments.out, sha256)
    progress = Progress(len(runs))
    for batch, feed in enumerate(runs):
        tensors = {name: values for name, values in feed.items() if values.dtype.kind == "f"}
        if wanted is not None:
            tensors = {name: values for name, values in tensors.items() if name in wanted}
        tensors.update(zip(outputs, session.run(outputs, feed)))
        writer.add(batch, tensors)
        progress(batch + 1)
    writer.close()
    print(f"{len(runs)} batches of {len(outputs)} tensors written to {arguments.out}")


if __name__ == "__main__":
    main()
