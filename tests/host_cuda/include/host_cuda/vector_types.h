// CUDA's small structs, with the alignments that its vector loads need.
#pragma once

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned width = 1, unsigned height = 1, unsigned depth = 1)
      : x(width), y(height), z(depth) {}
};

#define HOST_CUDA_VECTORS(scalar, name, bytes)                               \
  struct alignas(2 * bytes) name##2 {                                        \
    scalar x, y;                                                             \
  };                                                                         \
  struct alignas(4 * bytes > 16 ? 16 : 4 * bytes) name##4 {                  \
    scalar x, y, z, w;                                                       \
  };                                                                         \
  constexpr name##2 make_##name##2(scalar x, scalar y) {                     \
    return {x, y};                                                           \
  }                                                                          \
  constexpr name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) { \
    return {x, y, z, w};                                                     \
  }

HOST_CUDA_VECTORS(unsigned char, uchar, 1)
HOST_CUDA_VECTORS(short, short, 2)
HOST_CUDA_VECTORS(unsigned short, ushort, 2)
HOST_CUDA_VECTORS(int, int, 4)
HOST_CUDA_VECTORS(unsigned, uint, 4)
HOST_CUDA_VECTORS(float, float, 4)
HOST_CUDA_VECTORS(long long, longlong, 8)
HOST_CUDA_VECTORS(unsigned long long, ulonglong, 8)
HOST_CUDA_VECTORS(double, double, 8)
#undef HOST_CUDA_VECTORS
