// The functions of oneDNN that the replay calls, looked up at run time.
#pragma once

#include <dnnl.h>

namespace qcal {

// Named as in dnnl.h, without the prefix.
struct DnnlFunctions {
  decltype(&dnnl_version) version;
  decltype(&dnnl_engine_create) engine_create;
  decltype(&dnnl_engine_destroy) engine_destroy;
  decltype(&dnnl_stream_create) stream_create;
  decltype(&dnnl_stream_destroy) stream_destroy;
  decltype(&dnnl_stream_wait) stream_wait;
  decltype(&dnnl_memory_desc_init_by_strides) memory_desc_init_by_strides;
  decltype(&dnnl_memory_desc_init_by_tag) memory_desc_init_by_tag;
  decltype(&dnnl_memory_desc_equal) memory_desc_equal;
  decltype(&dnnl_memory_create) memory_create;
  decltype(&dnnl_memory_set_data_handle) memory_set_data_handle;
  decltype(&dnnl_memory_destroy) memory_destroy;
  decltype(&dnnl_dilated_convolution_forward_desc_init) convolution_desc_init;
  decltype(&dnnl_dilated_deconvolution_forward_desc_init) deconvolution_desc_init;
  decltype(&dnnl_matmul_desc_init) matmul_desc_init;
  decltype(&dnnl_reorder_primitive_desc_create) reorder_primitive_desc_create;
  decltype(&dnnl_primitive_desc_create) primitive_desc_create;
  decltype(&dnnl_primitive_desc_query_md) primitive_desc_query_md;
  decltype(&dnnl_primitive_desc_destroy) primitive_desc_destroy;
  decltype(&dnnl_primitive_create) primitive_create;
  decltype(&dnnl_primitive_execute) primitive_execute;
  decltype(&dnnl_primitive_destroy) primitive_destroy;
  // Of OpenMP, which the library takes its threads from; null in builds of it that have others.
  int (*omp_get_max_threads)();
  void (*omp_set_num_threads)(int);
};

// Throws MissingLibrary where the library cannot be opened or lacks one of them.
DnnlFunctions open_dnnl();

}  // namespace qcal
