#!/usr/bin/env python3
"""clang-tidy over the library, the tools and the benches; a finding is an error (checks: .clang-tidy).

    tools/tidy.py                 every source
    tools/tidy.py engine/plan     those whose path contains a word

A source found clean is not read again until its text, its headers', its flags or the checks change.
"""
import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "tidy"
FOLDERS = ("config", "kernels", "engine", "tools", "bench")
TIDY = "clang-tidy"


def sources(words):
    """Entries of the compilation database: FOLDERS' sources whose path contains one of `words`, if any."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    for entry in entries:
        path = os.path.relpath(entry["file"], ROOT)
        if path.split(os.sep)[0] in FOLDERS and path.endswith(".cpp") and any(word in path for word in words or [""]):
            yield path, entry


def fingerprint(entry, checks):
    """Of everything that a verdict depends on: the preprocessed source has every header in it."""
    command = shlex.split(entry["command"])
    if os.path.basename(command[0]) == "ccache":
        command = command[1:]
    output = command.index("-o")
    preprocess = command[:output] + command[output + 2:] + ["-E"]
    text = subprocess.run(preprocess, cwd=entry["directory"], check=True, capture_output=True).stdout
    return hashlib.sha256(checks + entry["command"].encode() + text).hexdigest()


def findings(path, entry, checks):
    """What clang-tidy says about a source; empty where it is clean."""
    clean = BUILD / "clean" / fingerprint(entry, checks)
    if clean.exists():
        return ""
    # The flags are the compiler's, which knows warnings that clang does not.
    command = [TIDY, "-quiet", "-p", BUILD, "--extra-arg=-Wno-unknown-warning-option", ROOT / path]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 0 and not run.stdout:
        clean.touch()
    return run.stdout or (run.stderr if run.returncode else "")


def main():
    subprocess.run([ROOT / "tools/install_packages.sh", "tools/packages_tidy.txt"], cwd=ROOT, check=True)
    subprocess.run(["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "--log-level=NOTICE", "-DQCAL_CUDA=OFF",
                    "-DQCAL_BUILD_TESTS=OFF"], check=True)
    (BUILD / "clean").mkdir(exist_ok=True)
    checks = (ROOT / ".clang-tidy").read_bytes() + subprocess.run([TIDY, "--version"], capture_output=True).stdout
    found = 0
    jobs = list(sources(sys.argv[1:]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for text in pool.map(lambda job: findings(*job, checks), jobs):
            found += bool(text)
            print(text, end="", flush=True)
    print(f"clang-tidy: {len(jobs)} sources, {found} with findings")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
