#!/usr/bin/env bash
# Prints what CMAKE_CUDA_ARCHITECTURES must be for the GPUs of this machine, e.g. 89;90. Where none answers: 75, whose
# PTX every later device compiles for itself.
set -euo pipefail

found="$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | tr -d '. ' | sort -nu || true)"
if grep -qvE '^[0-9]+$' <<<"$found"; then found=75; fi
paste -sd ';' <<<"$found"
