#!/usr/bin/env python3
"""What states cost: their size, saving and merging. Prints a table in Markdown.

    bench/sharing.py CALIB_RUN [FOLDER for 193 MB of made-up activations; it is used again where it is there]

1000 tensors of 16 batches, [1, 16, 14, 14] each, in two shares (sizes) and in eight (merging). Processor time, least of
five. Needs NumPy. engine/state/README.md quotes it.
"""
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

TENSORS, BATCHES, SHARES, CHANNELS = 1000, 16, 8, 16
SETTINGS = {
    "a batch a scale: maxmin": {"method": "maxmin"},
    "a batch a scale: mse": {"method": "mse"},
    f"a batch a scale: maxmin, {CHANNELS} channels": {"method": "maxmin", "per_channel": True},
    "accumulated: maxmin": {"method": "maxmin", "calib_scope": "accumulated"},
    "accumulated: percentile, entropy, mse": {"method": "percentile", "calib_scope": "accumulated"},
    f"accumulated: percentile, {CHANNELS} channels": {"method": "percentile", "calib_scope": "accumulated", "per_channel": True},
}


def configuration(settings):
    return json.dumps({
        "target_device": "CPU", "quantizable_data_type": ["input", "weights", "bias", "activation"],
        "overall_quantize_config": {
            "bit_width": 8, "round_mode": "half_even", "symmetry": True, "per_channel": False, "signed": True,
            "narrow_range": False, "scale_type": "float", "calib_statistic_method": "max", **settings}})


def seconds(command, repeats=5):
    """Of a processor, so that what else runs on the machine matters little."""
    def used():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    times = []
    for _ in range(repeats):
        start = used()
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        times.append(used() - start)
    return min(times)


def main():
    calib_run = pathlib.Path(sys.argv[1]).resolve()
    work = pathlib.Path(tempfile.mkdtemp())
    dump = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else work / "dump"
    if not dump.exists():
        subprocess.run([sys.executable, pathlib.Path(__file__).parent / "workload.py", dump, "--tensors", str(TENSORS),
                        "--batches", str(BATCHES), "--shape", f"1,{CHANNELS},14,14", "--format", "safetensors"], check=True)
    start = seconds([calib_run, "--version"])
    print(f"| {TENSORS} tensors, {BATCHES} batches | state, bytes a tensor | of a share of 1/{SHARES} | run, s | "
          "save and load, ms | merge a state, ms | MB/s |")
    print("|---|---|---|---|---|---|---|")
    for name, settings in SETTINGS.items():
        config = work / "config.json"
        config.write_text(configuration(settings))
        tensors = [calib_run, "tensors", "--quiet", "--axis", "1", "--dumps", dump, "--config", config]
        run = seconds([*tensors, "--out", work / "out"])
        states = []
        for share in range(1, SHARES + 1):
            states.append(work / f"{share}.state")
            seconds([*tensors, "--shard", f"{share}/{SHARES}", "--state", states[-1]], 1)
        whole = work / "whole.state"
        merge = seconds([calib_run, "merge", "--quiet", *states, "--state", whole])
        one = seconds([calib_run, "merge", "--quiet", states[0], "--state", work / "one.state"])
        again = seconds([calib_run, "merge", "--quiet", whole, "--state", work / "again.state"])
        each = (merge - one) / (SHARES - 1)
        size = states[1].stat().st_size
        print(f"| {name} | {whole.stat().st_size / TENSORS:.0f} | {size / TENSORS:.0f} | {run:.2f} | "
              f"{1e3 * (again - start):.0f} | {1e3 * each:.1f} | {size / each / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
