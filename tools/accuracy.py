#!/usr/bin/env python3
"""How accurate the networks in models/ are once they are quantized with models/configs, beside what other tools reach.

    tools/accuracy.py [--calib-run PATH] [--config FILE --placement P]

Records each network's calibration inputs, calibrates, and evaluates quantized.onnx on the other inputs, which nothing
was chosen on. Prints a table in Markdown: signal to noise of the first output in dB, right answers lost of all, and
how many convolutions and matrix products run in integer kernels. --config evaluates a configuration of your own.

tools/accuracy.sh makes the Python environment that this needs: numpy, onnx and onnxruntime from PyPI, and qcal.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import onnx
from evaluate import evaluate

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODELS = os.path.join(ROOT, "models")
NETWORKS = {  # model, calibration inputs
    "rn_digits": ("rn_digits.ts.op13.bn.onnx", "calib.npz"),
    "mbv2_digits": ("mbv2_digits.ts.op13.bn.onnx", "calib.npz"),
    "cls": ("cls.onnx", "calib32.npz"),
}
RUNS = [  # what the table calls it, configuration, placement or the configuration's
    ("qcal cpu.json, `fused`", "cpu.json", None),
    ("qcal cpu.json, `compute`", "cpu.json", "compute"),
    ("qcal cpu_headroom.json, `fused`", "cpu_headroom.json", None),
    ("qcal cpu_headroom.json, `compute`", "cpu_headroom.json", "compute"),
    ("qcal gpu.json, `compute`", "gpu.json", None),
    ("qcal dpu.json, `groups`", "dpu.json", None),
]
SEQUENTIAL = "qcal dpu.json, `groups`, qcal.onnx with sequential=True"
# Signal to noise in dB on the same inputs, with 8-bit weights and activations, of the best settings of each tool.
PEERS = [
    ("onnxruntime 1.32 quantize_static, per channel", {"rn_digits": 34.1, "mbv2_digits": 16.7, "cls": 21.4}),
    ("AMD Quark, XINT8 (power of two), with and without CLE and bias correction", {"rn_digits": 29.7, "mbv2_digits": 24.8, "cls": 12.4}),
    ("AMD Quark, A8W8", {"rn_digits": 30.6, "mbv2_digits": 2.6, "cls": None}),
    ("NNCF", {"rn_digits": 33.7, "mbv2_digits": 19.1, "cls": 20.5}),
]


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def quantized(network, config, placement, calib_run, folder):
    model, inputs = (os.path.join(MODELS, network, file) for file in NETWORKS[network])
    options = ["--config", config] + (["--placement", placement] if placement else [])
    dump, out = os.path.join(folder, "dump"), os.path.join(folder, "out")
    run(sys.executable, os.path.join(ROOT, "tools", "record.py"), model, inputs, dump, "--calib-run", calib_run, *options)
    run(calib_run, "calibrate", "--quiet", "--model", model, "--dumps", dump, "--out", out, *options)
    return model, os.path.join(out, "quantized.onnx")


def quantized_sequentially(network, config, folder):
    """Biases corrected on the quantized network's own inputs, for which it must be run."""
    import qcal.onnx
    model, inputs = (os.path.join(MODELS, network, file) for file in NETWORKS[network])
    qcal.onnx.calibrate(model, inputs, config, out=folder, sequential=True, progress=False)
    return model, os.path.join(folder, "quantized.onnx")


def cell(network, quantize):
    with tempfile.TemporaryDirectory() as folder:
        model, result = quantize(folder)
        measured = evaluate(model, result, os.path.join(MODELS, network, "eval.npz"))
        layers = sum(node.op_type in ("Conv", "Gemm") for node in onnx.load(result).graph.node)
    kernels = measured["operators"]
    integer = kernels.get("QLinearConv", 0) + kernels.get("QGemm", 0)
    lost = round((measured["float_accuracy"] - measured["quantized_accuracy"]) * measured["samples"])
    ratio = next(iter(measured["sqnr_db"].values()))
    return f"{ratio:.1f}; {lost:+d} of {measured['samples']}; {integer} of {layers}"


def print_row(name, cells):
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calib-run", default=os.path.join(ROOT, "build", "release", "tools", "calib_run"))
    parser.add_argument("--config", help="instead of models/configs")
    parser.add_argument("--placement", choices=["groups", "compute", "fused"])
    arguments = parser.parse_args()
    runs = RUNS
    if arguments.config:
        runs = [(os.path.basename(arguments.config), os.path.abspath(arguments.config), arguments.placement)]
    print("| | " + " | ".join(NETWORKS) + " |")
    print("|---" * (len(NETWORKS) + 1) + "|")
    for name, config, placement in runs:
        path = os.path.join(MODELS, "configs", config)
        print_row(name, [cell(network, lambda folder: quantized(network, path, placement, arguments.calib_run, folder))
                         for network in NETWORKS])
    if not arguments.config:
        path = os.path.join(MODELS, "configs", "dpu.json")
        print_row(SEQUENTIAL, [cell(network, lambda folder: quantized_sequentially(network, path, folder)) for network in NETWORKS])
    for name, figures in PEERS:
        print(f"| {name} | " + " | ".join("" if v is None else f"{v:.1f}" for v in figures.values()) + " |")


if __name__ == "__main__":
    main()
