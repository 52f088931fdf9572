#include "engine/replay/dnnl_functions.h"

#include <dlfcn.h>

#include <string>

#include "engine/replay/layer_product.h"

namespace qcal {
namespace {

// Its interface differs from one major version to the next, and so does this name.
const std::string library = "libdnnl.so." + std::to_string(DNNL_VERSION_MAJOR);

template <class Function>
void look_up_if_there(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
}

template <class Function>
void look_up(void* handle, const char* name, Function& function) {
  look_up_if_there(handle, name, function);
  if (function == nullptr) throw MissingLibrary(library + ": no function " + name);
}

}  // namespace

DnnlFunctions open_dnnl() {
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw MissingLibrary(std::string("oneDNN computes the layers, but it cannot be opened: ") + dlerror() +
                         "; on Debian: apt install libdnnl" + std::to_string(DNNL_VERSION_MAJOR));
  }
  DnnlFunctions functions{};
  look_up(handle, "dnnl_version", functions.version);
  look_up(handle, "dnnl_engine_create", functions.engine_create);
  look_up(handle, "dnnl_engine_destroy", functions.engine_destroy);
  look_up(handle, "dnnl_stream_create", functions.stream_create);
  look_up(handle, "dnnl_stream_destroy", functions.stream_destroy);
  look_up(handle, "dnnl_stream_wait", functions.stream_wait);
  look_up(handle, "dnnl_memory_desc_init_by_strides", functions.memory_desc_init_by_strides);
  look_up(handle, "dnnl_memory_desc_init_by_tag", functions.memory_desc_init_by_tag);
  look_up(handle, "dnnl_memory_desc_equal", functions.memory_desc_equal);
  look_up(handle, "dnnl_memory_create", functions.memory_create);
  look_up(handle, "dnnl_memory_set_data_handle", functions.memory_set_data_handle);
  look_up(handle, "dnnl_memory_destroy", functions.memory_destroy);
  look_up(handle, "dnnl_dilated_convolution_forward_desc_init", functions.convolution_desc_init);
  look_up(handle, "dnnl_dilated_deconvolution_forward_desc_init", functions.deconvolution_desc_init);
  look_up(handle, "dnnl_matmul_desc_init", functions.matmul_desc_init);
  look_up(handle, "dnnl_reorder_primitive_desc_create", functions.reorder_primitive_desc_create);
  look_up(handle, "dnnl_primitive_desc_create", functions.primitive_desc_create);
  look_up(handle, "dnnl_primitive_desc_query_md", functions.primitive_desc_query_md);
  look_up(handle, "dnnl_primitive_desc_destroy", functions.primitive_desc_destroy);
  look_up(handle, "dnnl_primitive_create", functions.primitive_create);
  look_up(handle, "dnnl_primitive_execute", functions.primitive_execute);
  look_up(handle, "dnnl_primitive_destroy", functions.primitive_destroy);
  look_up_if_there(handle, "omp_get_max_threads", functions.omp_get_max_threads);
  look_up_if_there(handle, "omp_set_num_threads", functions.omp_set_num_threads);
  return functions;
}

}  // namespace qcal
