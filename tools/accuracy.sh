#!/usr/bin/env bash
# The table of tools/accuracy.py: builds calib_run and the Python package, makes an environment, quantizes the networks in models/ and
# evaluates them in onnxruntime. Arguments go to accuracy.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/install_packages.sh
tests/python/make_venv.sh build/venv tests/python/requirements.txt
cmake --preset release --log-level=NOTICE -DCMAKE_CUDA_ARCHITECTURES="$(tools/cuda_architectures.sh)" \
  -DQCAL_BUILD_PYTHON=ON -DPython_EXECUTABLE="$PWD/build/venv/bin/python"
cmake --build --preset release --target calib_run qcal_python qcal_python_package
PYTHONPATH=build/release/python build/venv/bin/python tools/accuracy.py "$@"
