#!/usr/bin/env python3
"""Writes ResNet-50 and recorded activations of it: a network of 25 million weights for calib_run calibrate and analyze.

    bench/resnet50.py FOLDER [--batches 2] [--batch-size 8] [--calib-run build/release/tools/calib_run]
    build/release/tools/calib_run calibrate --model FOLDER/resnet50.onnx --dumps FOLDER/dump \\
        --config models/configs/cpu.json --out FOLDER/results

The default is 1.1 GB of activations. Weights and images are made up from a seed. Needs torch, torchvision, onnx and
onnxruntime.
"""
import argparse
import pathlib
import subprocess
import sys

import numpy as np
import torch
import torchvision

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--calib-run", default=ROOT / "build/release/tools/calib_run")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network = torchvision.models.resnet50(weights=None).eval()
    images = torch.randn(options.batches, options.batch_size, 3, 224, 224)
    model, inputs = options.folder / "resnet50.onnx", options.folder / "inputs.npz"
    torch.onnx.export(network, images[0], model, opset_version=17, dynamo=False, input_names=["x"],
                      dynamic_axes={"x": {0: "n"}})
    np.savez(inputs, **{f"{run}|x": batch.numpy() for run, batch in enumerate(images)})
    subprocess.run([sys.executable, ROOT / "tools/record.py", model, inputs, options.folder / "dump", "--config",
                    ROOT / "models/configs/cpu.json", "--calib-run", options.calib_run], check=True)


if __name__ == "__main__":
    main()
