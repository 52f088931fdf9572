#!/usr/bin/env python3
"""Breaks CUDA sources in one place at a time (mutants.py) and counts how often their emulated tests notice.

Each mutant is compiled for the plain flavour, linked to the tests' objects as they were built, and run; what survives
goes through the race flavour. Survivors are printed. Those that --equivalent lists do the same as the original, for
the reason given there; of the others at least 95% must be caught.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import sys
import tomllib

import mutants

REQUIRED_SHARE = 0.95
FLAVOURS = ("plain", "race")
SEEDS = {"plain": ("1", "2"), "race": ("2", "3")}
HANGS_AFTER = 4  # times the processor time that the unchanged test takes, and at least
LEAST_PATIENCE = 5  # seconds
ASLEEP_AFTER = 600  # seconds by the clock, for a test that waits without using the processor


class Test:
    """A test program in its flavours, and GoogleTest's filter of its cases."""

    def __init__(self, text):
        self.name, _, self.filter = text.partition(":")
        self.filter = self.filter or "*"


class Build:
    """The commands that CMake made, changed to take mutants."""

    def __init__(self, folder, root):
        self.folder = folder
        self.root = root
        self.compilations = collections.defaultdict(dict)
        for entry in json.loads((folder / "compile_commands.json").read_text()):
            command = shlex.split(entry["command"])
            output = command[command.index("-o") + 1]
            self.compilations[output] = {"file": entry["file"], "command": command}

    def objects_with(self, file, library):
        """The objects of a library that are made from the file or include it."""
        objects = [output for output in self.compilations if f"/{library}.dir/" in output]
        if file.suffix == ".cu":
            return [o for o in objects if self.compilations[o]["file"] == str(self.root / file)]
        dependencies = subprocess.run(["ninja", "-C", self.folder, "-t", "deps", *objects], check=True, text=True,
                                      stdout=subprocess.PIPE).stdout
        by_object = re.findall(r"^(\S+): #deps.*\n((?:    .*\n)*)", dependencies, flags=re.M)
        return [o for o, files in by_object if str(self.root / file) in files.split()]

    def compile(self, built_object, overlay, output):
        command = list(self.compilations[built_object]["command"])
        source = pathlib.Path(self.compilations[built_object]["file"])
        mutated = overlay / source.relative_to(self.root)
        command[command.index("-c") + 1] = str(mutated if mutated.exists() else source)
        command[command.index("-o") + 1] = str(output)
        for flag in ("-MF", "-MT"):
            if flag in command:
                command[command.index(flag) + 1] = str(output) + ".d"
        compiler = next(i for i, word in enumerate(command) if word.startswith("-"))
        command[compiler:compiler] = [f"-I{overlay}"]
        command += ["-w", "-O1", "-g1" if "-fsanitize=thread" in command else "-g0"]
        return subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def link_command(self, test):
        steps = subprocess.run(["ninja", "-C", self.folder, "-t", "commands", "-s", test], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        link = steps.strip().splitlines()[-1]
        return shlex.split(link.removeprefix(": && ").removesuffix(" && :"))

    def link(self, test, mutated_objects, output):
        """Objects come before libraries, so that a library's own object of that name stays out."""
        command = self.link_command(test)
        command[command.index("-o") + 1] = str(output)
        first_object = next(i for i, word in enumerate(command) if word.endswith(".o"))
        command[first_object:first_object] = [str(o) for o in mutated_objects]
        return subprocess.run(command, cwd=self.folder, check=True)


def run(program, cases, seed, patience):
    """(what failed, nothing if all passed; seconds of processor time)."""
    environment = os.environ | {"QCAL_HOST_CUDA_SEED": seed}
    if program.name.endswith("_race"):
        environment["QCAL_HOST_CUDA_PREEMPT"] = "64"
    # A limit on processor time means the same on a busy machine.
    command = ["sh", "-c", f"ulimit -t {patience:.0f}; exec \"$@\"", "sh", program, "--gtest_brief=1",
               "--gtest_fail_fast", f"--gtest_filter={cases}"]
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(command, env=environment, text=True, errors="replace", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd=program.parent, timeout=ASLEEP_AFTER)
    except subprocess.TimeoutExpired:
        return "asleep", ASLEEP_AFTER
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    if done.returncode == 0:
        return "", seconds
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"still running after {patience:.0f} s", seconds
    fault = re.search(r"host_cuda: (.*)", done.stdout)
    if fault:
        return fault[1], seconds
    return "wrong result" if done.returncode == 1 else f"ended with {done.returncode}", seconds


class Mutations:
    def __init__(self, build, options):
        self.build = build
        self.options = options
        self.patience = {}

    def measure(self):
        """How long each test takes unchanged, when it must pass. The fastest go first from now on."""
        for test in self.options.tests:
            for flavour in FLAVOURS:
                longest = 0
                for seed in SEEDS[flavour]:
                    failure, seconds = run(self.program(test, flavour), test.filter, seed, 600)
                    if failure:
                        sys.exit(f"{test.name}_{flavour} fails without any mutation: {failure}")
                    longest = max(longest, seconds)
                self.patience[test, flavour] = max(LEAST_PATIENCE, HANGS_AFTER * longest)
                print(f"{test.name}_{flavour}: {longest:.1f} s unchanged", flush=True)
        self.options.tests.sort(key=lambda test: self.patience[test, "plain"])

    def program(self, test, flavour):
        found = [path for path in (self.build.folder / "tests").rglob(f"{test.name}_{flavour}")
                 if path.is_file() and os.access(path, os.X_OK)]  # the list of kernels that it ran has its name too
        if not found:
            sys.exit(f"{test.name}_{flavour} is not built")
        return found[0]

    def judge(self, mutant, folder):
        """(caught by, how); None for a mutant that does not compile or is not in this build."""
        file = pathlib.Path(mutant.file)
        overlay = folder / "source"
        (overlay / file).parent.mkdir(parents=True, exist_ok=True)
        (overlay / file).write_text(mutant.apply((self.build.root / file).read_text()))
        for flavour in FLAVOURS:
            built = self.build.objects_with(file, f"{self.options.library}_{flavour}_kernels")
            if not built:
                return None
            made = [folder / f"{flavour}{i}.o" for i in range(len(built))]
            for source, output in zip(built, made):
                if self.build.compile(source, overlay, output).returncode != 0:
                    return None
            for test in self.options.tests:
                program = folder / f"{test.name}_{flavour}"
                self.build.link(self.program(test, flavour).relative_to(self.build.folder), made, program)
                for seed in SEEDS[flavour]:
                    how, _ = run(program, test.filter, seed, self.patience[test, flavour])
                    if how:
                        return flavour, how
                program.unlink()
        return "", ""


def matches(entry, mutant):
    return (entry["file"], entry["rule"], entry["line"]) == (mutant.file, mutant.rule, mutant.line)


def report(results, equivalent):
    """Prints survivors and sums; whether enough were caught."""
    caught = collections.Counter(by for _, (by, _) in results)
    missed = 0
    for mutant, (by, how) in results:
        reasons = [entry["reason"] for entry in equivalent if matches(entry, mutant)]
        if by == "" or reasons:
            print(f"\n{mutant.file}:{mutant.line_number}: {mutant.rule}\n  - {mutant.line}\n  + {mutant.mutated_line}")
        if by == "":
            print(f"  survived: {'equivalent: ' + reasons[0] if reasons else 'MISSED'}")
            missed += not reasons
        elif reasons:
            print(f"  listed as equivalent, but {by} says: {how}")
            missed += 1
    judged = caught["plain"] + caught["race"] + missed
    share = (judged - missed) / max(judged, 1)
    print(f"\n{len(results)} mutants: {caught['plain']} caught by the plain flavour, {caught['race']} more by the race "
          f"checker, {caught[''] - missed} equivalent, {missed} missed: {100 * share:.1f}% of {judged} caught")
    return share >= REQUIRED_SHARE


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, required=True, help="the project")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="its build folder, made with Ninja")
    parser.add_argument("--sources", type=pathlib.Path, required=True, help="the folder of the .cu and .cuh files, or one of them")
    parser.add_argument("--library", required=True, help="the emulated library that they are in")
    parser.add_argument("--tests", nargs="+", required=True, type=Test,
                        help="its tests, as NAME or NAME:FILTER, without _plain or _race")
    parser.add_argument("--equivalent", type=pathlib.Path, help="TOML: [[mutant]] file, rule, line, reason")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--least", type=int, default=24, help="fewer mutants than this are an error")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--rule", help="only this rule's mutants")
    return parser.parse_args()


def main():
    options = parse_arguments()
    root = options.root.resolve()
    build = Build(options.build.resolve(), root)
    every = mutants.every_mutant(root, options.sources.resolve())
    equivalent = tomllib.loads(options.equivalent.read_text())["mutant"] if options.equivalent else []
    for entry in equivalent:
        if not any(matches(entry, mutant) for mutant in every):
            sys.exit(f"{options.equivalent}: no such mutant: {entry}")
    wanted = [m for m in every if options.rule in (None, m.rule)]
    queue = mutants.sample(wanted, len(wanted))
    mutations = Mutations(build, options)
    mutations.measure()

    results = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        while queue and len(results) < options.count:
            batch, queue = queue[:options.count - len(results)], queue[options.count - len(results):]
            folders = [options.build.resolve() / "mutants" / m.order()[:16] for m in batch]
            for mutant, verdict in zip(batch, pool.map(mutations.judge, batch, folders)):
                if verdict is None:
                    continue
                results.append((mutant, verdict))
                print(f"{pathlib.Path(mutant.file).name}:{mutant.line_number}: {mutant.rule}: "
                      f"{': '.join(verdict) if verdict[0] else 'SURVIVED'}", flush=True)
    enough = report(results, equivalent)
    if len(results) < options.least:
        sys.exit(f"only {len(results)} mutants")
    sys.exit(0 if enough else 1)


if __name__ == "__main__":
    main()
