# Configures the project where there is no CUDA compiler, where there is one that compiles nothing, and where there is
# a toolkit's folder without one.
#   cmake -D source=... -D work=... -D compiler=... -P detection.cmake
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work}/empty ${work}/broken ${work}/toolkit)
file(WRITE ${work}/broken/nvcc "#!/bin/sh\necho 'this nvcc compiles nothing' >&2\nexit 1\n")
file(CHMOD ${work}/broken/nvcc PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)

# Folders that hold a real nvcc are left out: of PATH, and of CMake's own search.
string(REPLACE ":" ";" folders "$ENV{PATH}")
set(path)
set(ignored)
foreach(folder ${folders} /usr/local/bin /usr/local/cuda/bin)
  if(EXISTS ${folder}/nvcc)
    list(APPEND ignored ${folder})
  elseif(folder IN_LIST folders)
    list(APPEND path ${folder})
  endif()
endforeach()
list(JOIN path ":" path)
cmake_path(GET compiler PARENT_PATH compiler_folder)
if(compiler_folder IN_LIST ignored)
  message("SKIPPED: nvcc lies beside ${compiler} and cannot be hidden from CMake")
  return()
endif()

# Sets `status` and `output`; `name` is both the case and the first folder of PATH. The toolkit is looked for in
# ${work}/no_toolkit, or the folder named last.
function(configure name ci)
  set(toolkit ${work}/no_toolkit ${ARGN})
  list(GET toolkit -1 toolkit)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env --unset=CUDACXX --unset=CUDA_PATH CI=${ci} PATH=${work}/${name}:${path}
      ${CMAKE_COMMAND} -S ${source} -B ${work}/${name}-${ci} -G Ninja
      -D CMAKE_CXX_COMPILER=${compiler} -D QCAL_BUILD_TESTS=OFF -D QCAL_CUDA_FOLDER=${toolkit}
      "-DCMAKE_IGNORE_PATH=${ignored}"
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  set(status ${status} PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect_without_cuda name ci)
  configure(${name} "${ci}")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${name} nvcc, CI=${ci}: does not configure without CUDA\n${output}")
  endif()
  file(STRINGS ${work}/${name}-${ci}/CMakeCache.txt toolkit REGEX "^CMAKE_CUDA_COMPILER:[A-Z]+=.*nvcc$")
  if(toolkit)
    message(FATAL_ERROR "${name} nvcc, CI=${ci}: took ${toolkit}")
  endif()
endfunction()

expect_without_cuda(empty false)
expect_without_cuda(empty true)
expect_without_cuda(broken false)

function(expect_refused name ci)
  configure(${name} ${ci} ${ARGN})
  if(status EQUAL 0)
    message(FATAL_ERROR "${name} nvcc, CI=${ci}: passed over a CUDA toolkit that compiles nothing\n${output}")
  endif()
  if(NOT output MATCHES "CUDA was asked for")
    message(FATAL_ERROR "failed, but not for the reason expected:\n${output}")
  endif()
endfunction()

expect_refused(broken true)
expect_refused(empty true ${work}/toolkit)
