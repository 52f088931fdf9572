#!/usr/bin/env python3
"""How calib_run's time grows with the bytes of a recording, and with the tensors they are spread over.

    bench/scaling.py [FOLDER] [--gigabytes 8] [--method mse] [--calib-run build/release/tools/calib_run] [--runs 3]

Writes made-up activations (bench/workload.py) to FOLDER, or a temporary one: 24 tensors, up to --gigabytes in ever more
batches; then 1.2 GB in 1 to 4000 tensors. Prints a table of whole runs, reading the files included, which must fit into
the page cache. The fastest run counts.
"""
import argparse
import json
import os
import pathlib
import tempfile

from compare import BENCH, fastest, qcal, write_workload

VALUES = 64 * 112 * 112  # of a batch
SPREAD = 384 * VALUES    # over tensors
TENSORS = ((1, 384), (24, 16), (384, 1), (4000, 1))


def workload(folder, tensors, batches, values):
    write_workload(folder, "--tensors", str(tensors), "--batches", str(batches), "--shape", f"1,{values}")


def first_batches(full, batches, folder):
    """A dump of the first batches of another, without a copy."""
    folder.mkdir()
    files = {name: list_of[:batches] for name, list_of in json.loads((full / "manifest.json").read_text())["tensors"].items()}
    for name in (file for list_of in files.values() for file in list_of):
        os.link(full / name, folder / name)
    (folder / "manifest.json").write_text(json.dumps({"tensors": files}))


def print_row(folder, options):
    files = list(folder.glob("*.npy"))
    gigabytes = sum(file.stat().st_size for file in files) / 1e9
    tensors = len(json.loads((folder / "manifest.json").read_text())["tensors"])
    cells = []
    for threads in (1, 2):
        result = fastest(options.runs, lambda: qcal(options.calib_run, options.method, threads, folder))
        cells.append(f"{result['seconds']:.2f} | {gigabytes / result['seconds']:.2f} | {result['mib']:.0f}")
    print(f"| {gigabytes:.2f} | {tensors} | {len(files) // tensors} | {' | '.join(cells)} |", flush=True)


def measure(folder, options):
    print(f"{options.method}\n\n| GB | tensors | batches | 1 thread, s | GB/s | peak MiB | 2 threads, s | GB/s | peak MiB |")
    print("|---" * 9 + "|")
    most = round(options.gigabytes * 1e9 / (24 * VALUES * 4))
    full = folder / "full"
    workload(full, 24, most, VALUES)
    for share in (80, 40, 16, 8, 4, 2):
        part = folder / f"part{share}"
        first_batches(full, max(1, most // share), part)
        print_row(part, options)
    print_row(full, options)
    for tensors, batches in TENSORS:
        spread = folder / f"spread{tensors}"
        workload(spread, tensors, batches, SPREAD // (tensors * batches))
        print_row(spread, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("--gigabytes", type=float, default=8)
    parser.add_argument("--method", default="mse")
    parser.add_argument("--calib-run", default=BENCH.parent / "build/release/tools/calib_run")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if options.folder:
        return measure(options.folder, options)
    with tempfile.TemporaryDirectory() as made:
        measure(pathlib.Path(made), options)


if __name__ == "__main__":
    main()
