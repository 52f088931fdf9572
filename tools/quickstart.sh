#!/usr/bin/env bash
# From a fresh checkout to two calibrated networks: installs what is missing, builds calib_run, and runs it on the
# recorded activations in models/. A second run takes seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/install_packages.sh
cmake --preset release --log-level=NOTICE -DCMAKE_CUDA_ARCHITECTURES="$(tools/cuda_architectures.sh)"
cmake --build --preset release --target calib_run

networks=(rn_digits mbv2_digits)
for network in "${networks[@]}"; do
  printf '\n%s\n' "$network"
  build/release/tools/calib_run calibrate \
    --model "models/$network/$network.ts.op13.bn.onnx" \
    --dumps "models/$network/dump" \
    --config models/configs/cpu.json \
    --out "results/$network"
done

printf '\nThe parameters and the quantized networks are in:\n'
printf '  results/%s/\n' "${networks[@]}"
