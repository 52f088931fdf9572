#!/usr/bin/env bash
# Makes a virtual environment once and keeps it while its requirements stay the same:  make_venv.sh VENV REQUIREMENTS
set -euo pipefail
venv="$1" requirements="$2"

made_for="$venv/made_for"
if cmp -s "$requirements" "$made_for"; then exit 0; fi
if ! (python3 -m venv --clear "$venv" && "$venv/bin/pip" install --quiet --requirement "$requirements"); then
  echo "SKIPPED: no virtual environment with $(tr '\n' ' ' <"$requirements")"
  exit 1
fi
cp "$requirements" "$made_for"
