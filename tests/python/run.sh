#!/usr/bin/env bash
# Runs a Python test in a virtual environment that is made once and kept:  run.sh VENV REQUIREMENTS TEST.py ARGUMENTS
# Where the environment cannot be made, the test is skipped (77), in CI failed: there it would hide.
set -euo pipefail
venv="$1" requirements="$2"
shift 2

if ! "$(dirname "${BASH_SOURCE[0]}")/make_venv.sh" "$venv" "$requirements"; then
  if [[ "${CI:-}" == true ]]; then exit 1; fi
  exit 77
fi
exec "$venv/bin/python" -B "$@"
