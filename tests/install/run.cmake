# Installs the build tree, builds the consumer against it, and holds its parameters against calib_run's.
function(must_run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}): ${ARGN}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work})
must_run(${CMAKE_COMMAND} --install ${build} --prefix ${work}/prefix)
file(GLOB_RECURSE leaked ${work}/prefix/include/*_math.h)
if(leaked)
  message(FATAL_ERROR "*_math.h must not be installed, because a user's flags could change bits: ${leaked}")
endif()
must_run(${CMAKE_COMMAND} -S ${source} -B ${work}/build -G Ninja -D CMAKE_PREFIX_PATH=${work}/prefix
  -D CMAKE_CXX_COMPILER=${compiler} -D CMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS=-ffast-math")
must_run(${CMAKE_COMMAND} --build ${work}/build)

file(WRITE ${work}/config.json [[{
  "target_device": "CPU",
  "quantizable_data_type": ["input", "weights", "bias", "activation"],
  "overall_quantize_config": {
    "bit_width": 8, "method": "mse", "round_mode": "half_even", "symmetry": false, "per_channel": false,
    "signed": false, "narrow_range": false, "scale_type": "float", "calib_statistic_method": "mean"
  }
}]])
must_run(${work}/build/consumer ${work}/config.json ${dumps} ${work}/library.json)
must_run(${work}/prefix/bin/calib_run tensors --quiet --dumps ${dumps} --config ${work}/config.json
  --out ${work}/tool)
execute_process(COMMAND ${work}/prefix/bin/calib_run diff ${work}/library.json ${work}/tool/quant_params.json
  OUTPUT_VARIABLE difference RESULT_VARIABLE status)
if(NOT status EQUAL 0 OR NOT difference STREQUAL "identical\n")
  message(FATAL_ERROR "library and tool differ:\n${difference}")
endif()
