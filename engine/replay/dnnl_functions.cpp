#include "engine/replay/dnnl_functions.h"

#include <string>

#include "engine/replay/opened_library.h"

namespace qcal {

DnnlFunctions open_dnnl() {
  // Its interface differs from one major version to the next, and so does this name.
  const std::string major = std::to_string(DNNL_VERSION_MAJOR);
  const OpenedLibrary library("libdnnl.so." + major, "oneDNN computes the layers",
                              "on Debian: apt install libdnnl" + major);
  DnnlFunctions functions{};
  library.look_up("dnnl_version", functions.version);
  library.look_up("dnnl_engine_create", functions.engine_create);
  library.look_up("dnnl_engine_destroy", functions.engine_destroy);
  library.look_up("dnnl_stream_create", functions.stream_create);
  library.look_up("dnnl_stream_destroy", functions.stream_destroy);
  library.look_up("dnnl_stream_wait", functions.stream_wait);
  library.look_up("dnnl_memory_desc_init_by_strides", functions.memory_desc_init_by_strides);
  library.look_up("dnnl_memory_desc_init_by_tag", functions.memory_desc_init_by_tag);
  library.look_up("dnnl_memory_desc_equal", functions.memory_desc_equal);
  library.look_up("dnnl_memory_create", functions.memory_create);
  library.look_up("dnnl_memory_set_data_handle", functions.memory_set_data_handle);
  library.look_up("dnnl_memory_destroy", functions.memory_destroy);
  library.look_up("dnnl_dilated_convolution_forward_desc_init", functions.convolution_desc_init);
  library.look_up("dnnl_dilated_deconvolution_forward_desc_init", functions.deconvolution_desc_init);
  library.look_up("dnnl_matmul_desc_init", functions.matmul_desc_init);
  library.look_up("dnnl_reorder_primitive_desc_create", functions.reorder_primitive_desc_create);
  library.look_up("dnnl_primitive_desc_create", functions.primitive_desc_create);
  library.look_up("dnnl_primitive_desc_query_md", functions.primitive_desc_query_md);
  library.look_up("dnnl_primitive_desc_destroy", functions.primitive_desc_destroy);
  library.look_up("dnnl_primitive_create", functions.primitive_create);
  library.look_up("dnnl_primitive_execute", functions.primitive_execute);
  library.look_up("dnnl_primitive_destroy", functions.primitive_destroy);
  library.look_up_if_there("omp_get_max_threads", functions.omp_get_max_threads);
  library.look_up_if_there("omp_set_num_threads", functions.omp_set_num_threads);
  return functions;
}

}  // namespace qcal
