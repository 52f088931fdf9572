"""What the tests of the Python package share.

Run by ctest (PythonPackage.*), or by hand: PYTHONPATH=BUILD/python QCAL_CALIB_RUN=BUILD/tools/calib_run pytest
tests/python/package.
"""
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODELS = ROOT / "models"
CALIB_RUN = os.environ.get("QCAL_CALIB_RUN", str(ROOT / "build/test/tools/calib_run"))
CONFIGS = [MODELS / "configs" / name for name in ("cpu.json", "gpu.json", "dpu.json")]


def calib_run(*arguments, code=0):
    """What it prints: stdout, or stderr where it is to fail."""
    done = subprocess.run([CALIB_RUN, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if code == 0 else done.stderr


def commented_json(path):
    """A configuration as a dict; the shipped ones begin with lines of comment."""
    return json.loads("\n".join(line for line in path.read_text().splitlines() if not line.startswith("//")))


class Dump:
    """A recording, read with NumPy alone."""

    def __init__(self, folder):
        self.folder = folder
        self.files = json.loads((folder / "manifest.json").read_text())["tensors"]

    def __iter__(self):
        return iter(self.files)

    def batches(self, name):
        for file in self.files[name]:
            yield np.load(self.folder / file)


def write_dump(folder, tensors):
    """{name: [array, ...]} as npy files with a manifest."""
    folder.mkdir()
    files = {}
    for number, (name, batches) in enumerate(tensors.items()):
        for batch, values in enumerate(batches):
            file = f"t{number}_b{batch}.npy"
            np.save(folder / file, values)
            files.setdefault(name, []).append(file)
    (folder / "manifest.json").write_text(json.dumps({"tensors": files}))
    return folder


def tensors_of(path):
    return json.loads(pathlib.Path(path).read_text())["tensors"]


@pytest.fixture
def dump():
    return Dump(MODELS / "rn_digits/dump")


@pytest.fixture
def random():
    return np.random.default_rng(1)
