#!/usr/bin/env bash
# Runs a Python test with Debian's own Python and PyTorch (packages_torch.txt):  run_debian.sh ARGUMENTS OF PYTHON
# Where they are missing, or qcal is built for another Python, the test is skipped (77), in CI failed: there it would hide.
set -euo pipefail

if ! why="$(/usr/bin/python3 -B -c 'import onnx, pytest, qcal, torch' 2>&1)"; then
  echo "SKIPPED: Debian's PyTorch (tools/install_packages.sh tests/python/packages_torch.txt): $(tail -n 1 <<<"$why")"
  if [[ "${CI:-}" == true ]]; then exit 1; fi
  exit 77
fi
exec /usr/bin/python3 -B "$@"
