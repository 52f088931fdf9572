#!/usr/bin/env bash
# tools/gpu_check.sh where nvidia-smi finds no device: status 2, one line that says so, nothing written.
#   gpu_check_test.sh SOURCE_FOLDER WORK_FOLDER
set -euo pipefail
source="$1"
work="$2"

mkdir -p "$work"
printf '#!/bin/sh\necho "No devices were found"\nexit 6\n' >"$work/nvidia-smi"
chmod +x "$work/nvidia-smi"
before="$(ls -R "$source/bench")"

status=0
said="$(PATH="$work:$PATH" "$source/tools/gpu_check.sh" 2>&1)" || status=$?
if ((status != 2)) || [[ $said != "gpu_check: no NVIDIA device answers"* ]] || (($(wc -l <<<"$said") != 1)); then
  echo "status $status: $said"
  exit 1
fi
[[ "$(ls -R "$source/bench")" == "$before" ]]
