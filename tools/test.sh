#!/usr/bin/env bash
# Builds everything, warnings being errors, and runs the tests.
#
#   tools/test.sh                                      all tests but the long ones
#   tools/test.sh -R Npy                               arguments go to ctest
#   QCAL_SANITIZE=address,undefined tools/test.sh      under sanitizers, in a build folder of its own
#   QCAL_CUDA=OFF tools/test.sh                        AUTO (the default), ON or OFF
#   tools/test.sh -L long                              what only those wait for who ask, and CI=true: how many mistakes
#                                                      in CUDA kernels their tests notice, more schedules of these
#                                                      kernels, the wheel
#   QCAL_TEST_TORCH=ON tools/test.sh -R Torch          qcal.torch with the newest PyTorch, gigabytes, not Debian's
#   QCAL_CUDA_ARCHITECTURES='75;90' tools/test.sh      with CI=true both, otherwise 75 alone: seven take long
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sanitize="${QCAL_SANITIZE:-}"
cuda="${QCAL_CUDA:-AUTO}"
if [[ -n "$sanitize" ]]; then
  build="build/test-${sanitize//,/-}"
  optimisation="-O1 -g1"  # lines for the traces; all symbols would take half as long again to build
  # libprotobuf is not instrumented, and grows containers that instrumented code reads. And where the thread-local block
  # of a library opened at run time begins 16 bytes into a page, GCC 12's leak checker takes what lies ahead of it for a
  # header of glibc 2.19, and crashes.
  export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_container_overflow=0:intercept_tls_get_addr=0}"
  # Otherwise undefined behaviour is printed and the test passes.
  export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
else
  # What users get, bits and speed, but with assertions: no -DNDEBUG.
  build=build/test
  optimisation="-O3"
fi

architectures=75  # runs on every later device, which compiles its PTX
if [[ "${CI:-}" == true ]]; then architectures='75;90'; fi

tools/install_packages.sh
# The Python package is built for the environment that its tests run in. Sanitizers would have to be loaded ahead of
# Python itself.
python=()
if [[ -z "$sanitize" ]]; then
  if tests/python/make_venv.sh "$build/venv" tests/python/requirements.txt; then
    python=(-DQCAL_BUILD_PYTHON=ON -DPython_EXECUTABLE="$PWD/$build/venv/bin/python"
      -DQCAL_TEST_TORCH="${QCAL_TEST_TORCH:-OFF}")
  elif [[ "${CI:-}" == true ]]; then
    exit 1
  else
    echo "The Python package is neither built nor tested: its environment could not be made"
    python=(-DQCAL_BUILD_PYTHON=OFF)
  fi
fi
# Another checkout of the same sources finds what ccache has compiled for this one.
# The sloppiness is what ccache asks for where a header is precompiled (that of the tests).
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
cmake -S . -B "$build" -G Ninja --log-level=NOTICE \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="$optimisation" \
  -DQCAL_WARNINGS_AS_ERRORS=ON -DQCAL_SANITIZE="$sanitize" -DQCAL_CUDA="$cuda" \
  -DCMAKE_CUDA_ARCHITECTURES="${QCAL_CUDA_ARCHITECTURES:-$architectures}" "${python[@]}"
cmake --build "$build"
if [[ $# == 0 && "${CI:-}" != true ]]; then set -- -LE long; fi
ctest --test-dir "$build" --output-on-failure -j "$(nproc)" "$@"
