#!/usr/bin/env bash
# Feeds broken files to every reader: tests/fuzz/run.sh [SECONDS a reader, 30 unless given]
#
# Builds the readers with clang's libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer in build/fuzz, reads
# every file of corpus/, measures how many of a reader's lines these reach, then makes new files out of them for
# SECONDS. Fails on a crash, a hang, a leak, an allocation out of proportion to the file, a message that does not name
# the file, and on less than 80% of the lines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export seconds="${1:-30}"
export build=build/fuzz fewest_lines=80

readers=(config manifest npy npz onnx quant_params safetensors state)

# The files whose lines are a reader's.
sources() {
  case "$1" in
    config) echo config/{json_text,parse_config,read_blocks,read_layers,setting_values,unknown_key,missing_keys}.cpp \
      config/{device_rules,diagnostic_list,nearest_spelling,utf8,resolve,overrides,layer_selection}.cpp ;;
    manifest) echo engine/dumps/{manifest,json_input,in_quotes}.cpp ;;
    npy) echo engine/dumps/{npy,npy_header,stored_tensor}.cpp ;;
    npz) echo engine/dumps/{npz,zip_archive,archive_pool,value_stream}.cpp ;;
    onnx) echo engine/graph/{onnx_reader,onnx_tensor,external_data,module_paths}.cpp ;;
    quant_params) echo engine/export/read_quant_params.cpp engine/dumps/json_input.cpp ;;
    safetensors) echo engine/dumps/{safetensors,json_input,stored_tensor,value_stream}.cpp ;;
    state) echo engine/state/{bytes,sealed,tensor_bytes,calibrator_identity}.cpp engine/collect/index_set.cpp \
      engine/dumps/recording_index.cpp engine/run/network_watch.cpp ;;
  esac
}

# The longest file: a state of vai_q_pytorch's 2048 bins takes 10 KiB.
longest() {
  if [[ "$1" == state ]]; then echo 12288; else echo 4096; fi
}

# MiB of one allocation: protobuf reserves up to 50 MB for a string in a message that claims to be that long.
largest_allocation() {
  if [[ "$1" == onnx ]]; then echo 64; else echo 32; fi
}

# Percent of the reader's lines that its corpus reaches.
lines_covered() {
  llvm-profdata merge -sparse "$1/corpus.profraw" -o "$1/corpus.profdata"
  # shellcheck disable=SC2046 # one word a file
  llvm-cov export -summary-only -instr-profile "$1/corpus.profdata" "$build/fuzz_$2" $(sources "$2") |
    python3 -c 'import json, sys; print(int(json.load(sys.stdin)["data"][0]["totals"]["lines"]["percent"]))'
}

fuzz() {
  local reader="$1" work="$build/run/$1" corpus="tests/fuzz/corpus/$1" verdict=ok executions lines=0
  rm -rf "$work" && mkdir -p "$work/new"
  local limits=("-max_len=$(longest "$reader")" -timeout=10 "-malloc_limit_mb=$(largest_allocation "$reader")"
    -rss_limit_mb=1024 "-artifact_prefix=$work/")
  # libprotobuf is not instrumented, and grows containers that instrumented code reads.
  export ASAN_OPTIONS=detect_container_overflow=0:quarantine_size_mb=64 UBSAN_OPTIONS=print_stacktrace=1
  if ! LLVM_PROFILE_FILE="$work/corpus.profraw" "$build/fuzz_$reader" "${limits[@]}" -runs=0 "$corpus" >"$work/log" 2>&1; then
    verdict=CRASH
  else
    lines="$(lines_covered "$work" "$reader")"
    if ((lines < fewest_lines)); then verdict="FEW LINES"; fi
    LLVM_PROFILE_FILE=/dev/null "$build/fuzz_$reader" "${limits[@]}" -seed=1 "-max_total_time=$seconds" \
      -print_final_stats=1 "$work/new" "$corpus" >>"$work/log" 2>&1 || verdict=CRASH
  fi
  executions="$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")"
  if [[ "$verdict" == CRASH ]]; then tail -n 60 "$work/log" >&2; fi
  printf '%-13s %12s %6s%%  %s\n' "$reader" "${executions:-0}" "$lines" "$verdict" >"$work/row"
}
export -f fuzz sources lines_covered longest largest_allocation

tools/install_packages.sh
tools/install_packages.sh tests/fuzz/packages.txt
cmake -S tests/fuzz -B "$build" -G Ninja --log-level=NOTICE -DCMAKE_CXX_COMPILER=clang++
cmake --build "$build"
echo "fuzzing: ${#readers[@]} readers, $seconds s each"
printf '%s\n' "${readers[@]}" | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'fuzz {}'

rows="$(for reader in "${readers[@]}"; do cat "$build/run/$reader/row"; done)"
printf '\n%-13s %12s %7s\n%s\n' reader executions lines "$rows"
if grep -qv ' ok$' <<<"$rows"; then
  echo "FAILED. Logs and the files that did it: $build/run/READER/. Keep such a file in tests/fuzz/corpus/READER/."
  exit 1
fi
echo "No reader crashed, and the corpus reaches at least $fewest_lines% of the lines of each."
