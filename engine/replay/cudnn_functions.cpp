#include "engine/replay/cudnn_functions.h"

#include <string>

#include "engine/replay/opened_library.h"

namespace qcal {

CudnnFunctions open_cudnn() {
  // Its interface differs from one major version to the next, and so does this name.
  const std::string name = "libcudnn.so." + std::to_string(CUDNN_MAJOR);
  const OpenedLibrary library(name, "cuDNN computes the layers on a GPU",
                              "install it, or name the folder of " + name + " in LD_LIBRARY_PATH");
  CudnnFunctions functions{};
  library.look_up("cudnnGetVersion", functions.get_version);
  library.look_up("cudnnGetErrorString", functions.get_error_string);
  library.look_up("cudnnCreate", functions.create);
  library.look_up("cudnnDestroy", functions.destroy);
  library.look_up("cudnnCreateTensorDescriptor", functions.create_tensor_descriptor);
  library.look_up("cudnnSetTensorNdDescriptor", functions.set_tensor_nd_descriptor);
  library.look_up("cudnnDestroyTensorDescriptor", functions.destroy_tensor_descriptor);
  library.look_up("cudnnCreateFilterDescriptor", functions.create_filter_descriptor);
  library.look_up("cudnnSetFilterNdDescriptor", functions.set_filter_nd_descriptor);
  library.look_up("cudnnDestroyFilterDescriptor", functions.destroy_filter_descriptor);
  library.look_up("cudnnCreateConvolutionDescriptor", functions.create_convolution_descriptor);
  library.look_up("cudnnSetConvolutionNdDescriptor", functions.set_convolution_nd_descriptor);
  library.look_up("cudnnSetConvolutionGroupCount", functions.set_convolution_group_count);
  library.look_up("cudnnSetConvolutionMathType", functions.set_convolution_math_type);
  library.look_up("cudnnDestroyConvolutionDescriptor", functions.destroy_convolution_descriptor);
  library.look_up("cudnnGetConvolutionForwardWorkspaceSize",
                  functions.get_convolution_forward_workspace_size);
  library.look_up("cudnnConvolutionForward", functions.convolution_forward);
  library.look_up("cudnnGetConvolutionBackwardDataWorkspaceSize",
                  functions.get_convolution_backward_data_workspace_size);
  library.look_up("cudnnConvolutionBackwardData", functions.convolution_backward_data);
  return functions;
}

}  // namespace qcal
