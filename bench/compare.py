#!/usr/bin/env python3
"""Calibrates one workload with qcal and with the peers that are installed, on one thread, and prints a table.

    bench/compare.py [FOLDER] [--calib-run build/release/tools/calib_run] [--runs 5]

FOLDER is a dump that bench/workload.py wrote; without it one is made (1.23 GB) and removed. What is looked for beside
NumPy, whose minimum and maximum over the same arrays are the floor: onnxruntime's histogram calibrators, torch.ao's
observers, modelopt's. Peers read arrays from memory and are timed for collecting and computing the threshold; calib_run
is timed as a whole, from its start to its end with reading the files, which lie in the page cache. Every run is a
process of its own; the fastest counts. Times are by the clock: run this on an idle machine.

Above the table stands what one thread takes that only reads: `cat` of the files, a process from its start to its end as
calib_run is; and within a process that runs, each file into fresh memory, as who keeps the arrays; all in pieces of 1 MiB
through one buffer, where malloc puts it; and in pieces of 4 MiB through one that begins with a page, to which the kernel
copies fastest. The last columns are the time in units of `cat` and of the third of these.
"""
import argparse
import importlib.util
import json
import mmap
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

METHODS = ("maxmin", "percentile", "entropy", "mse", "diffs")
POWERS_OF_TWO = ("diffs",)
BENCH = pathlib.Path(__file__).resolve().parent


def arrays_of(folder):
    """The batches of one tensor after another."""
    import numpy as np
    for files in json.loads((folder / "manifest.json").read_text())["tensors"].values():
        yield [np.load(folder / file) for file in files]


def numpy_maxmin(batches):
    return [(batch.min(), batch.max()) for batch in batches]


def onnxruntime_histogram(method):
    from onnxruntime.quantization.calibrate import HistogramCollector

    def calibrate(batches):
        collector = HistogramCollector(method, symmetric=True, num_bins=2048, num_quantized_bins=128,
                                       percentile=99.99, scenario="same")
        for batch in batches:
            collector.collect({"tensor": [batch]})
        return collector.compute_collection_result()
    return calibrate


def torch_observer(name):
    import torch
    torch.set_num_threads(1)
    observer = getattr(torch.ao.quantization, name)

    def calibrate(batches):
        seen = observer()
        for batch in batches:
            seen(torch.from_numpy(batch))
        return seen.calculate_qparams()
    return calibrate


def modelopt_histogram(method):
    import torch
    from modelopt.torch.quantization.calib import HistogramCalibrator
    torch.set_num_threads(1)

    def calibrate(batches):
        calibrator = HistogramCalibrator(8, None, False, num_bins=2048)
        for batch in batches:
            calibrator.collect(torch.from_numpy(batch))
        return calibrator.compute_amax(method, percentile=99.99)
    return calibrate


# Tool, module that it needs, method, what makes its function from batches to a result.
PEERS = [("NumPy, the floor", "numpy", "maxmin", lambda: numpy_maxmin),
         ("torch.ao MinMaxObserver", "torch", "maxmin", lambda: torch_observer("MinMaxObserver")),
         ("torch.ao HistogramObserver", "torch", "mse", lambda: torch_observer("HistogramObserver")),
         *(("onnxruntime", "onnxruntime", method, lambda method=method: onnxruntime_histogram(method))
           for method in ("percentile", "entropy")),
         *(("modelopt", "modelopt", method, lambda method=method: modelopt_histogram(method))
           for method in ("percentile", "entropy", "mse"))]


def run_peer(number, folder):
    """In a process of its own: seconds of work, peak memory."""
    calibrate = PEERS[number][3]()
    seconds = 0.0
    for batches in arrays_of(folder):
        begin = time.perf_counter()
        calibrate(batches)
        seconds += time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def peer(number, folder):
    one_thread = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run([sys.executable, __file__, "--peer", str(number), folder], env=os.environ | one_thread,
                          check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def config_of(method, folder):
    path = pathlib.Path(folder) / f"{method}.json"
    settings = {"method": method, "symmetry": True, "scale_type": "power_of_two" if method in POWERS_OF_TWO else "float",
                "calib_statistic_method": "modal" if method in POWERS_OF_TWO else "max"}
    path.write_text(json.dumps({"target_device": "CPU", "overall_quantize_config": settings}))
    return path


def qcal(calib_run, method, threads, folder):
    with tempfile.TemporaryDirectory() as scratch:
        command = [calib_run, "tensors", "--dumps", folder, "--config", config_of(method, scratch), "--backend", "cpu",
                   "--threads", str(threads), "--quiet", "--out", pathlib.Path(scratch) / "out"]
        begin = time.perf_counter()
        process = subprocess.Popen(command)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"{calib_run} ended with {os.waitstatus_to_exitcode(status)}")
    return {"seconds": seconds, "mib": used.ru_maxrss / 1024}


def write_workload(folder, *options):
    if subprocess.run([sys.executable, BENCH / "workload.py", folder, *options]).returncode != 0:
        sys.exit(1)  # it has said why


def fastest(runs, measure):
    return min((measure() for _ in range(runs)), key=lambda result: result["seconds"])


def cat_seconds(folder):
    begin = time.perf_counter()
    subprocess.run(["cat", *sorted(folder.glob("*.npy"))], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def read_seconds(folder, buffer_for):
    """buffer_for: of the size of a file, the memory that it is read to, piece by piece where it is smaller."""
    begin = time.perf_counter()
    for file in sorted(folder.glob("*.npy")):
        with open(file, "rb", buffering=0) as stream:
            buffer = buffer_for(os.fstat(stream.fileno()).st_size)
            while stream.readinto(buffer):
                pass
    return time.perf_counter() - begin


def print_row(tool, method, result, gigabytes, readings=()):
    shares = " | ".join(f"{result['seconds'] / reading:.2f}" for reading in readings) or " | "
    print(f"| {tool} | {method} | {gigabytes / result['seconds']:.2f} | {result['seconds']:.3f} | {result['mib']:.0f} | "
          f"{shares} |", flush=True)


def compare(folder, options):
    gigabytes = sum(file.stat().st_size for file in folder.glob("*.npy")) / 1e9
    plain, aligned = bytearray(1 << 20), mmap.mmap(-1, 4 << 20)
    readers = {"cat": lambda: cat_seconds(folder),
               "into fresh memory": lambda: read_seconds(folder, lambda size: mmap.mmap(-1, size)),
               "through a buffer": lambda: read_seconds(folder, lambda size: plain),
               "through an aligned buffer": lambda: read_seconds(folder, lambda size: aligned)}
    seconds = {name: min(read() for _ in range(options.runs)) for name, read in readers.items()}
    print(f"{gigabytes:.2f} GB; one thread that only reads them takes\n")
    for name, taken in seconds.items():
        print(f"- {name}: {taken:.3f} s, {gigabytes / taken:.1f} GB/s")
    print("\n| tool | method | GB/s | s | peak MiB | of cat | of reading through a buffer |")
    print("|---|---|---|---|---|---|---|")
    for number, (tool, module, method, _) in enumerate(PEERS):
        if importlib.util.find_spec(module) is None:
            print(f"| {tool} | {method} | not installed | | | | |")
            continue
        # Peers that take minutes run once.
        first = peer(number, folder)
        more = 0 if first["seconds"] > 10 else options.runs - 1
        print_row(tool, method, min([first, *(peer(number, folder) for _ in range(more))],
                                    key=lambda result: result["seconds"]), gigabytes)
    for threads in (1, 2):
        for method in METHODS:
            result = fastest(options.runs, lambda: qcal(options.calib_run, method, threads, folder))
            print_row(f"qcal, {threads} thread{'s' if threads > 1 else ''}, files and all", method, result, gigabytes,
                      (seconds["cat"], seconds["through a buffer"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("--calib-run", default=BENCH.parent / "build/release/tools/calib_run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer is not None:
        return run_peer(options.peer, options.folder)
    if options.folder:
        return compare(options.folder, options)
    with tempfile.TemporaryDirectory() as made:
        write_workload(made)
        compare(pathlib.Path(made), options)


if __name__ == "__main__":
    main()
