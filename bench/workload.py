#!/usr/bin/env python3
"""Writes made-up activations as a dump for calib_run: what bench/compare.py and bench/README.md time.

    bench/workload.py FOLDER [--tensors 24] [--batches 16] [--shape 1,64,112,112] [--format npy|safetensors|npz]

The default is 1.23 GB of float32. A third of the tensors each: values behind a ReLU (half of them zeros); normal ones
around a mean; a mixture of both with a few outliers. Every tensor has a scale of its own, and every batch varies it by
a fifth. A batch depends on its numbers alone, so a longer workload begins with a shorter one's batches. Needs NumPy.
"""
import argparse
import json
import multiprocessing
import pathlib
import sys
import zipfile

try:
    import numpy as np
except ModuleNotFoundError:
    np = None

SEED = 20251127


def batch_of(tensor, batch, shape):
    of_tensor = np.random.default_rng([SEED, tensor])
    scale, mean = 2.0 ** of_tensor.uniform(-4, 5), of_tensor.normal(0, 0.3)
    values = np.random.default_rng([SEED, tensor, batch])
    factor = scale * np.clip(1 + 0.2 * values.standard_normal(), 0.4, 1.6)
    count = int(np.prod(shape))
    if tensor % 3 == 1:
        x = values.standard_normal(count) + mean
    else:
        x = np.maximum(values.laplace(size=count), 0)
    if tensor % 3 == 2 and count > 0:
        x = np.where(values.random(count) < 0.9, x, values.standard_normal(count))
        x[values.integers(0, count, 8)] *= 8
    return (x * factor).astype(np.float32).reshape(shape)


def names(tensors):
    return [f"tensor_{tensor:05}" for tensor in range(tensors)]


def save_safetensors(file, arrays):
    header, offset = {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            out.write(array.tobytes())


def save_npz(file, arrays):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array)


def write_batch(task):
    folder, batch, options = task
    arrays = {name: batch_of(tensor, batch, options.shape) for tensor, name in enumerate(names(options.tensors))}
    if options.format == "safetensors":
        save_safetensors(folder / f"{batch:05}.safetensors", arrays)
    elif options.format == "npz":
        save_npz(folder / f"{batch:05}.npz", arrays)
    else:
        for name, array in arrays.items():
            np.save(folder / f"{name}_{batch:05}.npy", array)


def write(folder, options):
    folder.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool() as pool:
        list(pool.imap_unordered(write_batch, [(folder, batch, options) for batch in range(options.batches)]))
    if options.format == "npy":
        files = {name: [f"{name}_{batch:05}.npy" for batch in range(options.batches)] for name in names(options.tensors)}
        (folder / "manifest.json").write_text(json.dumps({"tensors": files}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tensors", type=int, default=24)
    parser.add_argument("--batches", type=int, default=16)
    parser.add_argument("--shape", type=lambda text: tuple(map(int, text.split(","))), default=(1, 64, 112, 112))
    parser.add_argument("--format", choices=["npy", "safetensors", "npz"], default="npy")
    options = parser.parse_args()
    if np is None:
        sys.exit(f"error: no NumPy to make up activations with; {sys.executable} -m pip install numpy")
    write(options.folder, options)


if __name__ == "__main__":
    main()
