#!/usr/bin/env python3
"""What observing a tensor from Python costs beyond the kernels that read it.

    PYTHONPATH=BUILD/python bench/observe_overhead.py BUILD/bench/observe_kernels
    PYTHONPATH=BUILD/python bench/observe_overhead.py cuda

For each method and size, the fastest of several rounds: the kernels alone in C++, then the same values observed from
NumPy and, where it is installed, torch. One thread. cuda: tensors of torch on a GPU instead, a call and the device's work.
"""
import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TBB_NUM_THREADS", "1")
import numpy as np  # noqa: E402
import qcal  # noqa: E402

SIZES = (1, 1024, 32 * 1024, 256 * 1024, 1024 * 1024)
ROUNDS = 9
FULL_ROUND = 20_000_000  # elements


def calibrator_of(method, backend):
    source = {"target_device": "CPU", "overall_quantize_config": {
        "method": method, "calib_scope": "accumulated", "scale_type": "float", "symmetry": True, "signed": True}}
    calibrator = qcal.Calibrator(qcal.load_config(source), backend=backend)
    calibrator.declare("x")
    return calibrator


def observed(tensor, method, calls):
    calibrator = calibrator_of(method, "cpu")
    calibrator.observe("x", tensor)
    start = time.perf_counter()
    for _ in range(calls):
        calibrator.observe("x", tensor)
    return (time.perf_counter() - start) / calls * 1e6


def observe_on_device():
    import torch

    for method in ("maxmin", "percentile"):
        for size in (1, 1 << 10, 1 << 15, 1 << 20, 1 << 24, 1 << 26):
            tensor = torch.randn(size, device="cuda")
            calibrator = calibrator_of(method, "cuda")
            calibrator.observe("x", tensor)
            torch.cuda.synchronize()
            calls = 200 if size <= 1 << 20 else 20
            start = time.perf_counter()
            for _ in range(calls):
                calibrator.observe("x", tensor)
            torch.cuda.synchronize()
            seconds = (time.perf_counter() - start) / calls
            print(f"{method:12} {size:9} {seconds * 1e6:8.1f}us {4 * size / seconds / 1e9:7.1f} GB/s", flush=True)


def main():
    if sys.argv[1] == "cuda":
        return observe_on_device()
    kernels = ["taskset", "-c", "0", sys.argv[1]]
    os.sched_setaffinity(0, {0})
    makers = {"NumPy": lambda values: values}
    try:
        import torch

        makers["torch"] = torch.from_numpy
    except ImportError:
        pass
    print(f"{'method':12} {'elements':>9} {'kernels':>10} " + " ".join(f"{name:>10} {'more':>7}" for name in makers))
    for method in ("maxmin", "percentile"):
        for size in SIZES:
            values = np.random.default_rng(1).standard_normal(size).astype(np.float32)
            calls = max(10, min(20_000, FULL_ROUND // (size + 500)))
            with tempfile.NamedTemporaryFile() as file:
                values.tofile(file.name)
                alone, ours = [], {name: [] for name in makers}
                for _ in range(ROUNDS):
                    command = [*kernels, file.name, str(size), method, str(calls)]
                    alone.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
                    for name, make in makers.items():
                        ours[name].append(observed(make(values), method, calls))
            cells = " ".join(f"{min(times):8.2f}us {min(times) - min(alone):5.2f}us" for times in ours.values())
            print(f"{method:12} {size:9} {min(alone):8.2f}us {cells}")


if __name__ == "__main__":
    main()
