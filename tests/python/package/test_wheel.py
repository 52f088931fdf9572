"""`pip install .`: one wheel that holds the engine, and runs without the build tree."""
import os
import pathlib
import subprocess
import sys
import sysconfig
import zipfile

import qcal
from conftest import CONFIGS, ROOT

# The flags of the build that these tests belong to, so that its compiler's cache serves, and a folder in it.
DEFINES = os.environ.get("QCAL_WHEEL_DEFINES", "").split(";")
BUILD = os.environ.get("QCAL_WHEEL_BUILD", str(ROOT / "build/wheel"))


def test_pip_builds_a_wheel_that_runs_by_itself(tmp_path):
    settings = [f"build-dir={BUILD}", "cmake.define.QCAL_CUDA=OFF"]
    settings += [f"cmake.define.{define}" for define in DEFINES if define]
    options = [word for setting in settings for word in ("--config-settings", setting)]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--wheel-dir",
               str(tmp_path), *options, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

    (wheel,) = tmp_path.glob("*.whl")
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert wheel.name == f"qcal-{qcal.__version__}-{tag}-{tag}-{platform()}.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert {"qcal/__init__.py", "qcal/_core.pyi", "qcal/py.typed"} < set(names)
    folders = {pathlib.PurePath(name).parts[0] for name in names}
    assert folders == {"qcal", f"qcal-{qcal.__version__}.dist-info"}, "neither headers nor tools"

    script = f"import qcal; print(qcal.__file__); qcal.Calibrator(qcal.load_config({str(CONFIGS[0])!r}))"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    printed = subprocess.run([sys.executable, "-c", script], env=environment, cwd=tmp_path, check=True,
                             capture_output=True, text=True).stdout
    assert printed.startswith(str(tmp_path / "site"))


def platform():
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
