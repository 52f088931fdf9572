#!/usr/bin/env bash
# Runs a Python test in a virtual environment that is made once and kept:  run.sh VENV REQUIREMENTS TEST.py ARGUMENTS
# Where the environment cannot be made, the test is skipped (77), in CI failed: there it would hide.
set -euo pipefail
venv="$1" requirements="$2" test="$3"
shift 3

made_for="$venv/made_for"
if ! cmp -s "$requirements" "$made_for"; then
  if ! (python3 -m venv --clear "$venv" && "$venv/bin/pip" install --quiet --requirement "$requirements"); then
    echo "SKIPPED: no virtual environment with $(tr '\n' ' ' <"$requirements")"
    if [[ "${CI:-}" == true ]]; then exit 1; fi
    exit 77
  fi
  cp "$requirements" "$made_for"
fi
exec "$venv/bin/python" -B "$test" "$@"
