#!/usr/bin/env python3
"""Record the activations of an ONNX network as a dump for calib_run.

    record.py MODEL.onnx INPUTS.npz OUT [--config C.json [--compat C] [--placement P]] [--calib-run PATH]
              [--format npy|safetensors]

INPUTS.npz holds one array per graph input and run: keys "<run>|<graph input>", run = 0, 1, ... (or, for a
network with one input, one array per run in any naming). Each run becomes one batch.

Without --config every float tensor of the network is recorded. With it only those that
`calib_run explain --tensors` names, which is all that `calib_run calibrate` reads.

Needs numpy, onnx and onnxruntime (and safetensors for that format) from PyPI.
"""
import argparse
import collections
import hashlib
import json
import os
import subprocess
import sys

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
        else:
            unnumbered.append(key)
    if runs:
        return [runs[run] for run in sorted(runs)]
    if len(graph_inputs) != 1:
        sys.exit(f"{path}: the network has {len(graph_inputs)} inputs, so keys must be '<run>|<graph input>'")
    return [{graph_inputs[0]: archive[key]} for key in unnumbered]


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
    arguments = parser.parse_args()

    model = onnx.load(arguments.model)  # pulls external data in
    with open(arguments.model, "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    names = computed_tensors(model.graph)
    session = session_exposing(model, names)
    graph_inputs = [value.name for value in session.get_inputs()]
    outputs = [value.name for value in session.get_outputs() if value.type in ("tensor(float)", "tensor(float16)")]
    wanted = wanted_tensors(arguments) if arguments.config else None
    if wanted is not None:
        outputs = [name for name in outputs if name in wanted]

    runs = read_runs(arguments.inputs, graph_inputs)
    os.makedirs(arguments.out, exist_ok=True)
    writer = (NpyWriter if arguments.format == "npy" else SafetensorsWriter)(arguments.out, sha256)
    for batch, feed in enumerate(runs):
        tensors = {name: values for name, values in feed.items() if values.dtype.kind == "f"}
        if wanted is not None:
            tensors = {name: values for name, values in tensors.items() if name in wanted}
        tensors.update(zip(outputs, session.run(outputs, feed)))
        writer.add(batch, tensors)
    writer.close()
    print(f"{len(runs)} batches of {len(outputs)} tensors written to {arguments.out}")


if __name__ == "__main__":
    main()
