#!/usr/bin/env python3
"""What nvcc makes of every kernel: registers, shared memory, spills, wide loads, contracted arithmetic.

    nvcc_gates.py --commands build/compile_commands.json --architectures 75 90 --work DIR kernels/*.cu

Compiles each source to PTX and on to machine code, with the flags the build has, and prints a table. Fails where a
kernel spills registers, where one that streams through tensors loads less than 16 bytes at once, or where arithmetic
may be contracted or approximated, because then its bits are not the CPU's.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

# Kernels that stream through whole tensors, by the start of their names: they must load 16 bytes at once.
# Four float16 of one chunk of the ordered sum are 8 bytes, so there only float32 can.
STREAMING = (
    "range_kernel<",
    "count_kernel<",
    "count_wide_kernel<",
    "pattern_kernel<",
    "moments_kernel<StoredF32",
    "chunk_errors_kernel<StoredF32",
)
# Kernels whose sources fuse products and sums where the CPU's bits come out all the same (exact_division_math.h,
# scale_error_math.h, device_binner.cuh). That nothing else is fused there is up to --fmad=false.
FUSING = (
    "chunk_errors_kernel<",
    "count_kernel<",
    "count_wide_kernel<",
    "pattern_bins_kernel",
)
WIDE_LOAD = re.compile(r"\bld\.global\.(?:\w+\.)*v(?:4\.\w*32|2\.\w*64)\b")
# Without ".rn" ptxas may still join a product and a sum.
INEXACT = re.compile(r"\bfma\.|\bmad\.(?:rn\.)?f|\.ftz\b|\.approx\b|\b(?:add|sub|mul)\.f(?:16|32|64)\b")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=pathlib.Path, required=True, help="the build's compile_commands.json")
    parser.add_argument("--architectures", nargs="+", required=True, help="as CMake writes them, e.g. 75-real 90")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for PTX and machine code")
    parser.add_argument("--each-faulty", action="store_true", help="fail unless every kernel has a fault instead")
    parser.add_argument("sources", nargs="+", type=pathlib.Path)
    return parser.parse_args()


def nvcc_command(commands):
    """nvcc and its flags in the build, without those that say what is compiled, for what, and where it goes."""
    entry = next(e for e in json.loads(commands.read_text())
                 if e["file"].endswith(".cu") and pathlib.Path(shlex.split(e["command"])[0]).name == "nvcc")
    words = shlex.split(entry["command"])
    dropped = {words.index(flag) + i for flag, count in (("-c", 2), ("-o", 2)) for i in range(count)}
    return [word for i, word in enumerate(words)
            if i not in dropped and not word.startswith("--generate-code") and "spills" not in word]


def run(command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{shlex.join(map(str, command))}\n{result.stderr}")
    return result.stdout + result.stderr


def functions_of(ptx):
    """Each kernel's PTX, with the device functions of its file that were not inlined, by its mangled name."""
    parts = re.split(r"^(?=(?:\.visible |\.weak )?\.(?:entry|func)\b)", ptx, flags=re.MULTILINE)
    shared = "".join(part for part in parts if ".entry" not in part.split("\n", 1)[0])
    return {re.search(r"\.entry\s+(\w+)", part)[1]: part + shared for part in parts if ".entry" in part.split("\n", 1)[0]}


def short_names(mangled):
    lines = run(["c++filt", *mangled]).splitlines()
    names = {}
    for symbol, name in zip(mangled, lines):
        name = re.sub(r"qcal::|\(anonymous namespace\)::|^void ", "", name)
        name = re.sub(r"\(([A-Z]\w+)\)(\d+)", r"\1 \2", name)  # an enumerator, as c++filt writes it
        names[symbol] = name.split("(")[0]
    return names


def compiled(nvcc, source, architecture, work):
    """Of each kernel in the source, by name: what ptxas used, and what stands in its PTX."""
    ptx = work / f"{source.stem}.{architecture}.ptx"
    run([*nvcc, "-ptx", f"-arch=compute_{architecture}", source, "-o", ptx])
    report = run([nvcc[0], "-cubin", f"-arch=sm_{architecture}", "-Xptxas=-v", ptx, "-o", ptx.with_suffix(".cubin")])
    functions = functions_of(ptx.read_text())
    names = short_names(list(functions))
    kernels = {}
    for symbol, text in functions.items():
        used = re.search(rf"Function properties for {symbol}\n.*? (\d+) bytes spill stores, (\d+) bytes spill loads\n"
                         rf".*?Used (\d+) registers(.*)", report)
        shared = re.search(r"(\d+) bytes smem", used[4])
        kernels[names[symbol]] = {
            "spills": int(used[1]) + int(used[2]),
            "registers": int(used[3]),
            "shared": int(shared[1]) if shared else 0,
            "wide loads": len(WIDE_LOAD.findall(text)),
            "inexact": sorted(set(INEXACT.findall(text))),
        }
    return kernels


def faults_of(name, kernel):
    faults = []
    if kernel["spills"]:
        faults.append(f"spills {kernel['spills']} bytes")
    if name.startswith(STREAMING) and not kernel["wide loads"]:
        faults.append("streams, but loads less than 16 bytes at once")
    inexact = [found for found in kernel["inexact"] if found != "fma." or not name.startswith(FUSING)]
    if inexact:
        faults.append(f"arithmetic that is not the CPU's: {', '.join(inexact)}")
    return faults


def print_table(kernels, architectures):
    """A line a kernel; of registers one number an architecture, of the rest the largest of all."""
    title = "registers on sm_" + ", ".join(architectures)
    width = max(len(title), 5 * len(architectures))
    print(f"{'kernel':<76} {title:<{width}} shared spills 16-byte loads")
    for name in sorted(kernels):
        of = kernels[name]
        registers = "".join(f"{of[a]['registers']:<5}" for a in architectures)
        shared, spills, loads = (max(of[a][key] for a in architectures) for key in ("shared", "spills", "wide loads"))
        print(f"{name:<76} {registers:<{width}} {shared:>6} {spills:>6} {loads:>13}")


def main():
    options = arguments()
    architectures = sorted({a.split("-")[0] for a in options.architectures}, key=int)
    options.work.mkdir(parents=True, exist_ok=True)
    nvcc = nvcc_command(options.commands)
    if "--fmad=false" not in nvcc:
        raise SystemExit(f"the build lacks --fmad=false: {shlex.join(nvcc)}")
    # Sources without kernels of their own call Thrust, which takes long, and whose spills are its own.
    sources = [source for source in options.sources if "__global__" in source.read_text()]
    jobs = [(source, a) for source in sources for a in architectures]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: compiled(nvcc, *job, options.work), jobs))
    kernels = {}
    for (_, architecture), found in zip(jobs, results):
        for name, kernel in found.items():
            kernels.setdefault(name, {})[architecture] = kernel
    print_table(kernels, architectures)

    faults = {name: [(a, f) for a in architectures for f in faults_of(name, of[a])] for name, of in kernels.items()}
    for name, found in faults.items():
        for architecture, fault in found:
            print(f"sm_{architecture}: {name}: {fault}")
    if options.each_faulty:
        return 0 if all(faults.values()) else 1
    missing = [start for start in STREAMING + FUSING if not any(name.startswith(start) for name in kernels)]
    for start in missing:
        print(f"no kernel's name starts with {start}: keep the lists at the top of this file")
    faulty = sum(map(bool, faults.values()))
    print(f"{len(kernels)} kernels for {len(architectures)} architectures, {faulty} with faults")
    return 1 if faulty or missing else 0


if __name__ == "__main__":
    sys.exit(main())
