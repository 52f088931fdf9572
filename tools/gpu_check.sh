#!/usr/bin/env bash
# Confirms the CUDA back end on this machine's GPU: builds for it, runs every test labelled gpu, times every kernel,
# runs the tests once more under compute-sanitizer (racecheck of the kernels' own, memcheck of all) where that is
# installed, and writes what it found to bench/gpu/<card>.md. Takes a few minutes, and under racecheck minutes more for
# each program.
#
#   tools/gpu_check.sh                builds, then checks
#   tools/gpu_check.sh --build ARCH   only builds, on a machine without a GPU, for ARCH as CMake names it, e.g. 90
#   tools/gpu_check.sh --built        only checks what --build left in build/gpu; the checkout must have the same path
#
# Exit status: 0 all passed, 1 something failed, 2 no device answers (then nothing is built or written).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build/gpu
build_for() {
  tools/install_packages.sh
  cmake -S . -B "$build" -G Ninja --log-level=NOTICE -DCMAKE_BUILD_TYPE=Release -DQCAL_CUDA=ON \
    -DQCAL_WARNINGS_AS_ERRORS=ON -DCMAKE_CUDA_ARCHITECTURES="$1"
  cmake --build "$build" --target gpu_tests quant_bench calib_run
  git describe --always --dirty >"$build/commit" 2>/dev/null || echo unknown >"$build/commit"
}

if [[ ${1-} == --build ]]; then
  build_for "${2:?which architecture?}"
  exit 0
fi
if ! device="$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader -i 0 2>/dev/null)"; then
  echo "gpu_check: no NVIDIA device answers (nvidia-smi finds none): nothing was checked" >&2
  exit 2
fi
card="${device%%,*}"
driver="${device##*, }"
if [[ ${1-} != --built ]]; then build_for "$(tools/cuda_architectures.sh)"; fi

mkdir -p bench/gpu
table="bench/gpu/$(tr -cs '[:alnum:]\n' - <<<"$card").md"
# After every check, so that a run that is cut short leaves what it found.
write_table() {
  bench/gpu_table.py "$build/quant_bench.json" "card: $card" "driver: $driver" \
    "CUDA: $(sed -n 's/^set(CMAKE_CUDA_COMPILER_VERSION "\(.*\)")/\1/p' "$build"/CMakeFiles/*/CMakeCUDACompiler.cmake)" \
    "commit: $(<"$build/commit")" "${outcomes[@]}" >"$build/table.md"
  mv "$build/table.md" "$table"
}

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
  write_table
}

# The largest tensors; answers are checked before they are timed.
rm -f "$build/quant_bench.json"
check "answers of quant_bench" "$build/bench/quant_bench" --backend cuda --benchmark_min_time=0.05 \
  --benchmark_filter='/67108864/|/batch_statistic.*/1048576/' \
  --benchmark_out="$build/quant_bench.json" --benchmark_out_format=json
check "tests" ctest --test-dir "$build" -L '^gpu$' --output-on-failure --no-tests=error
if command -v compute-sanitizer >/dev/null; then
  mapfile -t programs < <(ctest --test-dir "$build" -L '^gpu$' --show-only=json-v1 | python3 -c '
import json, sys
print("\n".join(sorted({test["command"][0] for test in json.load(sys.stdin)["tests"]})))')
  sanitize() {  # sanitize TOOL PROGRAM
    check "$1 of $(basename "$2")" compute-sanitizer --tool "$1" --error-exitcode 1 "$2"
  }
  for program in "${programs[@]}"; do
    # Of kernels alone: whole calibrations would take a hundred times as long and run no other kernel.
    if [[ $program == */tests/kernels/* ]]; then sanitize racecheck "$program"; fi
  done
  for program in "${programs[@]}"; do sanitize memcheck "$program"; done
else
  outcomes+=("compute-sanitizer: not installed")
  write_table
fi

echo "written: $table"
if ((failures > 0)); then exit 1; fi
