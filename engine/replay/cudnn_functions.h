// The functions of cuDNN that the replay calls, looked up at run time.
#pragma once

#include <cudnn.h>

namespace qcal {

// Named as in cudnn.h, without the prefix.
struct CudnnFunctions {
  decltype(&cudnnGetVersion) get_version;
  decltype(&cudnnGetErrorString) get_error_string;
  decltype(&cudnnCreate) create;
  decltype(&cudnnDestroy) destroy;
  decltype(&cudnnCreateTensorDescriptor) create_tensor_descriptor;
  decltype(&cudnnSetTensorNdDescriptor) set_tensor_nd_descriptor;
  decltype(&cudnnDestroyTensorDescriptor) destroy_tensor_descriptor;
  decltype(&cudnnCreateFilterDescriptor) create_filter_descriptor;
  decltype(&cudnnSetFilterNdDescriptor) set_filter_nd_descriptor;
  decltype(&cudnnDestroyFilterDescriptor) destroy_filter_descriptor;
  decltype(&cudnnCreateConvolutionDescriptor) create_convolution_descriptor;
  decltype(&cudnnSetConvolutionNdDescriptor) set_convolution_nd_descriptor;
  decltype(&cudnnSetConvolutionGroupCount) set_convolution_group_count;
  decltype(&cudnnSetConvolutionMathType) set_convolution_math_type;
  decltype(&cudnnDestroyConvolutionDescriptor) destroy_convolution_descriptor;
  decltype(&cudnnGetConvolutionForwardWorkspaceSize) get_convolution_forward_workspace_size;
  decltype(&cudnnConvolutionForward) convolution_forward;
  decltype(&cudnnGetConvolutionBackwardDataWorkspaceSize) get_convolution_backward_data_workspace_size;
  decltype(&cudnnConvolutionBackwardData) convolution_backward_data;
};

// Throws MissingLibrary where the library cannot be opened or lacks one of them.
CudnnFunctions open_cudnn();

}  // namespace qcal
