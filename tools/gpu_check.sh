#!/usr/bin/env bash
# Confirms the CUDA back end on this machine's GPU: builds for it, runs every test labelled gpu, runs those once more
# under compute-sanitizer (memcheck and racecheck) where that is installed, times every kernel, and writes what it
# found to bench/gpu/<card>.md. Takes some ten minutes.
#
# Exit status: 0 all passed, 1 something failed, 2 no device answers (then nothing is built or written).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! device="$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader -i 0 2>/dev/null)"; then
  echo "gpu_check: no NVIDIA device answers (nvidia-smi finds none): nothing was checked" >&2
  exit 2
fi
card="${device%%,*}"
driver="${device##*, }"

build=build/gpu
tools/install_packages.sh
cmake -S . -B "$build" -G Ninja --log-level=NOTICE -DCMAKE_BUILD_TYPE=Release -DQCAL_CUDA=ON \
  -DQCAL_WARNINGS_AS_ERRORS=ON -DCMAKE_CUDA_ARCHITECTURES="$(tools/cuda_architectures.sh)"
cmake --build "$build" --target gpu_tests quant_bench

# What fails is told in the table too; the rest goes on.
failures=0
outcomes=()
check() {  # check NAME COMMAND...
  local name="$1" log outcome=passed
  shift
  log="$build/$(tr -c '[:alnum:]\n' _ <<<"$name").log"
  "$@" >"$log" 2>&1 || outcome=FAILED
  # With a device at hand nothing has a reason to be skipped.
  if grep -q '\*\*\*Skipped\|\[  SKIPPED \]' "$log"; then outcome=FAILED; fi
  echo "$name: $outcome ($log)"
  outcomes+=("$name: $outcome")
  if [[ $outcome == FAILED ]]; then failures=$((failures + 1)); fi
}

check "tests" ctest --test-dir "$build" -L '^gpu$' --output-on-failure --no-tests=error
if command -v compute-sanitizer >/dev/null; then
  mapfile -t programs < <(ctest --test-dir "$build" -L '^gpu$' --show-only=json-v1 | python3 -c '
import json, sys
print("\n".join(sorted({test["command"][0] for test in json.load(sys.stdin)["tests"]})))')
  for tool in memcheck racecheck; do
    for program in "${programs[@]}"; do
      check "$tool of $(basename "$program")" compute-sanitizer --tool "$tool" --error-exitcode 1 "$program"
    done
  done
else
  outcomes+=("compute-sanitizer: not installed")
fi

# The largest tensors; answers are checked before they are timed.
check "answers of quant_bench" "$build/bench/quant_bench" --backend cuda \
  --benchmark_filter='/67108864/|/batch_statistic.*/1048576/' \
  --benchmark_out="$build/quant_bench.json" --benchmark_out_format=json

mkdir -p bench/gpu
table="bench/gpu/$(tr -cs '[:alnum:]\n' - <<<"$card").md"
commit="$(git describe --always --dirty 2>/dev/null || echo unknown)"
bench/gpu_table.py "$build/quant_bench.json" "card: $card" "driver: $driver" \
  "CUDA: $(sed -n 's/^set(CMAKE_CUDA_COMPILER_VERSION "\(.*\)")/\1/p' "$build"/CMakeFiles/*/CMakeCUDACompiler.cmake)" \
  "commit: $commit" "${outcomes[@]}" >"$build/table.md"
mv "$build/table.md" "$table"
echo "written: $table"
if ((failures > 0)); then exit 1; fi
