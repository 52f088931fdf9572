#!/usr/bin/env python3
"""Compare a quantized network with the float network that it was made from, in onnxruntime.

    evaluate.py FLOAT.onnx QUANTIZED.onnx INPUTS.npz [--optimize all|basic|off] [--json]

INPUTS.npz is as for record.py, and may hold `labels`, one a sample. Prints for each
output the signal to noise ratio in dB (the float output's power over that of the difference), with labels the
share of right answers of both networks, how often their answers agree, and which operators onnxruntime runs:
QLinearConv and its kin are integer kernels.

Needs numpy, onnx and onnxruntime from PyPI.
"""
import argparse
import collections
import json
import os
import tempfile

import numpy as np
import onnx
import onnxruntime
from record import read_runs

LEVELS = {
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "off": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
}


def read_labels(path):
    """One a sample, or None."""
    archive = np.load(path, allow_pickle=False)
    return archive["labels"] if "labels" in archive.files else None


def open_session(path, optimize, optimized_path=None):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = LEVELS[optimize]
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # one order of additions
    if optimized_path:
        options.optimized_model_filepath = optimized_path
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def operators(path, optimize="all"):
    """How often onnxruntime runs each operator."""
    with tempfile.TemporaryDirectory() as folder:
        optimized = os.path.join(folder, "optimized.onnx")
        open_session(path, optimize, optimized)
        nodes = onnx.load(optimized, load_external_data=False).graph.node
    return collections.Counter(node.op_type for node in nodes)


def decibels(signal, noise):
    return float(10 * np.log10(signal / noise)) if noise > 0 else float("inf")


def evaluate(float_path, quantized_path, inputs, optimize="all"):
    reference = open_session(float_path, "all")
    feeds, labels = read_runs(inputs, [value.name for value in reference.get_inputs()]), read_labels(inputs)
    quantized = open_session(quantized_path, optimize)
    names = [output.name for output in reference.get_outputs()]
    signal, noise = np.zeros(len(names)), np.zeros(len(names))
    answers = ([], [])
    for feed in feeds:
        expected, got = reference.run(names, feed), quantized.run(names, feed)
        for index, (a, b) in enumerate(zip(expected, got)):
            a, b = a.astype(np.float64), b.astype(np.float64)
            signal[index] += np.sum(a * a)
            noise[index] += np.sum((a - b) ** 2)
        if expected[0].ndim >= 2:
            for answer, values in zip(answers, (expected[0], got[0])):
                answer.append(values.argmax(-1).reshape(-1))
    result = {"sqnr_db": {name: decibels(s, n) for name, s, n in zip(names, signal, noise)}}
    if answers[0]:
        of_float, of_quantized = (np.concatenate(answer) for answer in answers)
        result["samples"] = len(of_float)
        result["agreement"] = float(np.mean(of_float == of_quantized))
        if labels is not None and len(labels) == len(of_float):
            result["float_accuracy"] = float(np.mean(of_float == labels))
            result["quantized_accuracy"] = float(np.mean(of_quantized == labels))
    result["operators"] = dict(operators(quantized_path, optimize).most_common())
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("float")
    parser.add_argument("quantized")
    parser.add_argument("inputs")
    parser.add_argument("--optimize", choices=LEVELS, default="all")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = evaluate(arguments.float, arguments.quantized, arguments.inputs, arguments.optimize)
    if arguments.json:
        print(json.dumps(result))
        return
    for name, ratio in result["sqnr_db"].items():
        print(f"{name}: {ratio:.2f} dB")
    for key in ("samples", "float_accuracy", "quantized_accuracy", "agreement"):
        if key in result:
            print(f"{key.replace('_', ' ')}: {result[key]:.5g}")
    print("operators: " + ", ".join(f"{name} {count}" for name, count in result["operators"].items()))


if __name__ == "__main__":
    main()
