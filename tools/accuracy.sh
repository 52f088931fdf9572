#!/usr/bin/env bash
# The table of tools/accuracy.py: builds calib_run, makes a Python environment, quantizes the networks in models/ and
# evaluates them in onnxruntime. Arguments go to accuracy.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/install_packages.sh
cmake --preset release --log-level=NOTICE -DCMAKE_CUDA_ARCHITECTURES="$(tools/cuda_architectures.sh)"
cmake --build --preset release --target calib_run
tests/python/run.sh build/venv tests/python/requirements.txt tools/accuracy.py "$@"
