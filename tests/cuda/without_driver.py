#!/usr/bin/env python3
"""calib_run and quant_bench start and work on a machine without an NVIDIA driver, and need no CUDA library.

    without_driver.py --work DIR --models models CALIB_RUN QUANT_BENCH

Where there is a driver it is hidden behind a file of its name that is no library.
"""
import argparse
import os
import pathlib
import subprocess
import sys


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("calib_run")
    parser.add_argument("quant_bench")
    return parser.parse_args()


def expect(command, status, text, environment):
    command = list(map(str, command))
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    said = result.stdout + result.stderr
    if result.returncode != status or text not in said:
        sys.exit(f"{' '.join(command)}: status {result.returncode}, expected {status} and '{text}':\n{said}")


def expect_no_cuda_library(program):
    libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for line in libraries.splitlines():
        if any(name in line for name in ("libcuda", "libcudart", "libcudnn", "libnv")):
            sys.exit(f"{program} needs {line.strip()}")


def main():
    options = arguments()
    for program in (options.calib_run, options.quant_bench):
        expect_no_cuda_library(program)
    options.work.mkdir(parents=True, exist_ok=True)
    (options.work / "libcuda.so.1").write_bytes(b"")
    environment = {**os.environ, "LD_LIBRARY_PATH": str(options.work.resolve())}
    network = options.models / "rn_digits"
    calibrate = [options.calib_run, "calibrate", "--model", network / "rn_digits.ts.op13.bn.onnx",
                 "--dumps", network / "dump", "--config", options.models / "configs" / "cpu.json",
                 "--out", options.work / "out", "--backend"]
    expect([*calibrate, "auto"], 0, "cpu", environment)
    expect([*calibrate, "cuda"], 2, "--backend cuda", environment)
    bench = [options.quant_bench, "--smoke", "--benchmark_filter=statistics", "--backend"]
    expect([*bench, "auto"], 0, "cpu", environment)
    expect([*bench, "cuda"], 1, "no CUDA device answers", environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
