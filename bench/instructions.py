#!/usr/bin/env python3
"""Counts the instructions of quant_bench's small cases with callgrind and compares them with bench/instructions.json.

    bench/instructions.py build/test/bench/quant_bench             fails where a case takes over 10% more than it did
    bench/instructions.py build/test/bench/quant_bench --update    writes the counts down as what it takes now

Seconds vary with the machine, instructions repeat. They depend on the compiler and on the build type, though: counts are
of the compiler that bench/instructions.json names and of tools/test.sh's build; of another compiler nothing is compared.
Under valgrind the kernels run as on a processor with AVX2.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ALLOWED_GROWTH = 1.10
ALLOWED_MORE = 5000  # besides: what libraries do once, at the first case, is not ours
BASELINE = pathlib.Path(__file__).with_name("instructions.json")
TIMED = "*CpuPlace::seconds_of(qcal::bench::Work const&) const"  # what quant_bench times
CASES = "/(float32|float16)/normal/|/(statistics|histogram_linear_magnitude)/float32/post_relu/"


def command(program, *more):
    return [program, "--smoke", "--backend", "cpu", f"--benchmark_filter={CASES}", *more]


def names(program):
    listed = subprocess.run(command(program, "--benchmark_list_tests"), check=True, stdout=subprocess.PIPE, text=True)
    return ["/".join(line.split("/")[1:4]) for line in listed.stdout.splitlines() if line.startswith("cpu/")]


def counts(program):
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "counts"
        subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={TIMED}",
                        f"--dump-after={TIMED}", f"--callgrind-out-file={out}", *command(program)],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cases = names(program)
        files = [pathlib.Path(f"{out}.{number + 1}") for number in range(len(cases))]
        return {case: int(re.search(r"^(?:totals|summary): (\d+)", file.read_text(), flags=re.M)[1])
                for case, file in zip(cases, files)}


def compiler_of(program):
    """That of the build folder which the program lies in, e.g. 'GNU 12.2.0'."""
    found = list(pathlib.Path(program).resolve().parents[1].glob("CMakeFiles/*/CMakeCXXCompiler.cmake"))
    text = found[0].read_text() if found else ""
    return " ".join(re.findall(r'^set\(CMAKE_CXX_COMPILER_(?:ID|VERSION) "(.*)"\)', text, flags=re.M))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quant_bench")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed: tools/install_packages.sh bench/packages.txt")
    compiler = compiler_of(options.quant_bench)
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {"compiler": None, "instructions": {}}
    if not options.update and baseline["compiler"] != compiler:
        print(f"SKIPPED: the counts are of {baseline['compiler']}, this program is of {compiler}")
        return
    found = counts(options.quant_bench)
    if options.update:
        BASELINE.write_text(json.dumps({"compiler": compiler, "instructions": found}, indent=1) + "\n")
        return
    grown = 0
    for case in sorted(found.keys() | baseline["instructions"].keys()):
        now, before = found.get(case), baseline["instructions"].get(case)
        verdict = ""
        if now is None or before is None:
            verdict = "NEW: --update" if before is None else "GONE: --update"
        elif now > ALLOWED_GROWTH * before + ALLOWED_MORE:
            verdict = f"GROWN by {100 * (now / before - 1):.0f}%"
        grown += bool(verdict)
        print(f"{case:50} {now or 0:>12} {before or 0:>12}  {verdict}")
    if grown:
        sys.exit(f"{grown} cases differ. Where that is meant: bench/instructions.py {options.quant_bench} --update")


if __name__ == "__main__":
    main()
