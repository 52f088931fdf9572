#!/usr/bin/env python3
"""What each switch of the configuration does to the networks in models/.

    tools/switches.py [--calib-run PATH] [--python PATH]

Calibrates each network for the CPU (models/configs/cpu.json) and for the DPU (models/configs/dpu.json). Lists the equalized pairs with the ranges of their channels' weights before and after, the
positions that the device's rules adjusted (those of --align concat,add,pool last) and the warnings; at the end a table
of all, in Markdown.

cls has inputs, but no recording in models/: it is recorded first, with a Python that has numpy, onnx and onnxruntime
(--python; else this one, or the virtual environment of a build that ran the tests), and left out where there is none.
"""
import argparse
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODELS = os.path.join(ROOT, "models")
COLUMNS = ["network", "target", "pairs equalized", "weights of the widest", "ReLU6 to ReLU", "bounds dropped",
           "biases corrected", "positions adjusted, with `--align`", "warnings"]
NETWORKS = {"rn_digits": "rn_digits.ts.op13.bn.onnx", "mbv2_digits": "mbv2_digits.ts.op13.bn.onnx", "cls": "cls.onnx"}
PAIR = re.compile(r"(?P<first>.*) -> (?P<second>.*): (?P<channels>\d+) channels; weights (?P<low>\S+) \.\. (?P<high>\S+) "
                  r"before, (?P<low_after>\S+) \.\. (?P<high_after>\S+) after; next .*")
BOUNDS = re.compile(r"; (\d+ of \d+) ReLU6 bounds dropped")


def configurations():
    """Target -> configuration file."""
    return {target: os.path.join(MODELS, "configs", f"{target.lower()}.json") for target in ("CPU", "DPU")}


def python_that_records(wanted):
    environments = sorted(glob.glob(os.path.join(ROOT, "build", "*", "venv", "bin", "python")))
    for python in [wanted] if wanted else [sys.executable, *environments]:
        imports = [python, "-c", "import numpy, onnx, onnxruntime"]
        if subprocess.run(imports, capture_output=True, check=False).returncode == 0:
            return python
    return None


def recording(network, model, arguments, folder):
    """The folder of the network's dump, or None."""
    shipped = os.path.join(MODELS, network, "dump")
    if os.path.isdir(shipped):
        return shipped
    python = python_that_records(arguments.python)
    if python is None:
        print(f"{network}: left out, as no Python has numpy, onnx and onnxruntime to record it (--python PATH)")
        return None
    dump = os.path.join(folder, network)
    inputs = os.path.join(MODELS, network, "calib32.npz")
    subprocess.run([python, os.path.join(ROOT, "tools", "record.py"), model, inputs, dump], check=True,
                   capture_output=True)
    return dump


def calibrated(arguments, model, dump, configuration, folder, *options):
    """What calib_run says, as JSON."""
    command = [arguments.calib_run, "calibrate", "--json", "--model", model, "--dumps", dump, "--config", configuration,
               "--out", os.path.join(folder, "out"), *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def report(network, target, done, aligned):
    """Prints what two calibrations say, the second (absent but for the DPU) with aligned positions; returns the row."""
    result = done["result"]
    details = result["transform_details"]
    equalized = details.get("include_cle", ["0 pairs"])
    pairs = [PAIR.fullmatch(line) for line in equalized[1:]]
    relu6 = details.get("convert_relu6_to_relu", ["0"])[0].split(" ")[0]
    bounds = BOUNDS.search(equalized[0])
    corrections = result["bias_correction"]
    kept = sum(correction["kept"] for correction in corrections)
    adjustments = [answer["result"]["adjustments"] for answer in (done, aligned) if answer]
    print(f"\n{network}, {target}")
    for pair in pairs:
        print("  {first} -> {second}: {channels} channels, weights {low} .. {high}, then {low_after} .. {high_after}"
              .format(**pair.groupdict()))
    for adjustment in sum(adjustments, []):
        print("  {layer}: {rule} of {role} {tensor}: {before} -> {after}".format(**adjustment))
    for warning in done["warnings"]:
        print(f"  warning: {warning}")
    widest = max(pairs, key=lambda pair: float(pair["high"]) / float(pair["low"]), default=None)
    ranges = "{low} .. {high} → {low_after} .. {high_after}".format(**widest.groupdict()) if widest else ""
    adjusted = ", ".join(str(len(adjustment)) for adjustment in adjustments) if aligned else ""
    return [network, target, str(len(pairs)), ranges, relu6, bounds[1] if bounds else "", f"{kept} of {len(corrections)}",
            adjusted, str(len(done["warnings"]))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calib-run", default=os.path.join(ROOT, "build", "release", "tools", "calib_run"))
    parser.add_argument("--python", help="one that can record: with numpy, onnx and onnxruntime")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for network, file in NETWORKS.items():
            model = os.path.join(MODELS, network, file)
            dump = recording(network, model, arguments, folder)
            if dump is None:
                continue
            for target, configuration in configurations().items():
                job = (arguments, model, dump, configuration, folder)
                aligned = calibrated(*job, "--align", "concat,add,pool") if target == "DPU" else None
                rows.append(report(network, target, calibrated(*job), aligned))
    print(f"\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
