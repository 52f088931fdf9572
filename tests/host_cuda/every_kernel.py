#!/usr/bin/env python3
"""Fails where an emulated test has missed something of the kernels' sources:

    every_kernel.py RAN SOURCE...

RAN is the folder of the lists of kernels that tests ran, each SOURCE a .cu or .cuh file. A __global__ function that no
test ran is an error; so are __shared__ and <<< outside gpu_source.cuh, which only nvcc understands.
"""
import pathlib
import re
import sys

KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\((?:[^()]|\([^()]*\))*\)\s*)?(\w+)\s*\(")
NVCC_ONLY = re.compile(r"__shared__|<<<")


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def main(ran, *sources):
    files = sorted(path for path in map(pathlib.Path, sources) if path.name != "gpu_source.cuh")
    texts = {file: without_comments(file.read_text()) for file in files}
    lines = [line for file in pathlib.Path(ran).iterdir() for line in file.read_text().splitlines()]
    names = {name for line in lines for name in re.findall(r"(\w+)(?=[(<])", line)}
    errors = []
    kernels = 0
    for file, text in texts.items():
        declared = text.count("__global__")
        found = KERNEL.findall(text)
        kernels += declared
        if len(found) != declared:
            errors.append(f"{file}: {declared} __global__ functions, of which only {found} could be read")
        errors += [f"{file}: no emulated test ran {name}" for name in found if name not in names]
        errors += [f"{file}: {m.group()} belongs in gpu_source.cuh" for m in NVCC_ONLY.finditer(text)]
    if kernels == 0:
        errors.append("there are no kernels")
    print("\n".join(errors) or f"all {kernels} kernels of {len(files)} files ran")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
