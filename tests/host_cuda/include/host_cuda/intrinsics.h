// Arithmetic intrinsics. Build with -ffp-contract=off: the _rn forms never fuse.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace host_cuda {

[[noreturn]] void report_misaligned(const void* address, std::size_t alignment);

// A vector load traps on the device unless its address is a multiple of its size.
template <class T>
inline T* aligned(T* address) {
  if (reinterpret_cast<std::uintptr_t>(address) % alignof(T) != 0) report_misaligned(address, alignof(T));
  return address;
}

}  // namespace host_cuda

template <class T>
inline T __ldg(const T* address) {
  return *host_cuda::aligned(address);
}
template <class T>
inline T __ldcs(const T* address) {
  return *host_cuda::aligned(address);
}
template <class T>
inline T __ldcg(const T* address) {
  return *host_cuda::aligned(address);
}
template <class T>
inline void __stcs(T* address, T value) {
  *host_cuda::aligned(address) = value;
}

#define HOST_CUDA_ARITHMETIC(name, type, result) \
  inline type name(type a, type b) {             \
    return result;                               \
  }
HOST_CUDA_ARITHMETIC(__fadd_rn, float, a + b)
HOST_CUDA_ARITHMETIC(__fsub_rn, float, a - b)
HOST_CUDA_ARITHMETIC(__fmul_rn, float, a* b)
HOST_CUDA_ARITHMETIC(__fdiv_rn, float, a / b)
HOST_CUDA_ARITHMETIC(__dadd_rn, double, a + b)
HOST_CUDA_ARITHMETIC(__dsub_rn, double, a - b)
HOST_CUDA_ARITHMETIC(__dmul_rn, double, a* b)
HOST_CUDA_ARITHMETIC(__ddiv_rn, double, a / b)
#undef HOST_CUDA_ARITHMETIC

inline float __fsqrt_rn(float x) {
  return std::sqrt(x);
}
inline double __dsqrt_rn(double x) {
  return std::sqrt(x);
}
inline float __fmaf_rn(float a, float b, float c) {
  return std::fma(a, b, c);
}
inline double __fma_rn(double a, double b, double c) {
  return std::fma(a, b, c);
}

// The exact residual of the nearest sum tells whether it was rounded up.
inline float __fadd_rd(float a, float b) {
  const float sum = a + b;
  const float b_part = sum - a;
  const float residual = (a - (sum - b_part)) + (b - b_part);
  return residual < 0 ? std::nextafter(sum, -std::numeric_limits<float>::infinity()) : sum;
}
inline float __fadd_ru(float a, float b) {
  return -__fadd_rd(-a, -b);
}
// The product is exact in double, and so is what the float sum leaves of it and c.
inline float __fmaf_rd(float a, float b, float c) {
  const float sum = std::fma(a, b, c);
  const double product = static_cast<double>(a) * b;
  const double wide = product + c;
  const double c_part = wide - product;
  const double residual = (product - (wide - c_part)) + (c - c_part);
  const bool rounded_up = (wide - sum) + residual < 0;
  return rounded_up ? std::nextafter(sum, -std::numeric_limits<float>::infinity()) : sum;
}

namespace host_cuda {

// The device's conversions saturate; NaN gives 0. `whole` has no fraction.
template <class Integer, class Real>
inline Integer saturate(Real whole) {
  const Real end = std::ldexp(Real{1}, std::numeric_limits<Integer>::digits);
  if (std::isnan(whole)) return 0;
  if (whole >= end) return std::numeric_limits<Integer>::max();
  if (whole < (std::is_signed_v<Integer> ? -end : Real{0})) return std::numeric_limits<Integer>::min();
  return static_cast<Integer>(whole);
}

}  // namespace host_cuda

#define HOST_CUDA_CONVERSIONS(name, type, integer)          \
  inline integer __##name##_rn(type x) {                    \
    return host_cuda::saturate<integer>(std::nearbyint(x)); \
  }                                                         \
  inline integer __##name##_rz(type x) {                    \
    return host_cuda::saturate<integer>(std::trunc(x));     \
  }                                                         \
  inline integer __##name##_rd(type x) {                    \
    return host_cuda::saturate<integer>(std::floor(x));     \
  }                                                         \
  inline integer __##name##_ru(type x) {                    \
    return host_cuda::saturate<integer>(std::ceil(x));      \
  }
HOST_CUDA_CONVERSIONS(float2int, float, int)
HOST_CUDA_CONVERSIONS(float2uint, float, unsigned)
HOST_CUDA_CONVERSIONS(float2ll, float, long long)
HOST_CUDA_CONVERSIONS(double2int, double, int)
HOST_CUDA_CONVERSIONS(double2uint, double, unsigned)
HOST_CUDA_CONVERSIONS(double2ll, double, long long)
#undef HOST_CUDA_CONVERSIONS

inline float __int2float_rn(int x) {
  return static_cast<float>(x);
}
inline float __uint2float_rn(unsigned x) {
  return static_cast<float>(x);
}
inline double __uint2double_rn(unsigned x) {
  return x;
}
inline float __double2float_rn(double x) {
  return static_cast<float>(x);
}

inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
inline float __int_as_float(int x) {
  return std::bit_cast<float>(x);
}
inline long long __double_as_longlong(double x) {
  return std::bit_cast<long long>(x);
}
inline double __longlong_as_double(long long x) {
  return std::bit_cast<double>(x);
}

inline int __popc(unsigned x) {
  return std::popcount(x);
}
inline int __popcll(unsigned long long x) {
  return std::popcount(x);
}
inline int __clz(int x) {
  return std::countl_zero(static_cast<unsigned>(x));
}
inline int __clzll(long long x) {
  return std::countl_zero(static_cast<unsigned long long>(x));
}
inline int __ffs(int x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1;
}
inline int __ffsll(long long x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(x)) + 1;
}
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= ((x >> bit) & 1u) << (31 - bit);
  return reversed;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(a) * b) >> 32);
}

// Of floating-point values, the one that is not NaN, as in CUDA.
template <class A, class B>
requires std::is_arithmetic_v<A> && std::is_arithmetic_v<B>
constexpr std::common_type_t<A, B> min(A left, B right) {
  const std::common_type_t<A, B> a = static_cast<std::common_type_t<A, B>>(left);
  const std::common_type_t<A, B> b = static_cast<std::common_type_t<A, B>>(right);
  return b < a || a != a ? b : a;
}
template <class A, class B>
requires std::is_arithmetic_v<A> && std::is_arithmetic_v<B>
constexpr std::common_type_t<A, B> max(A left, B right) {
  const std::common_type_t<A, B> a = static_cast<std::common_type_t<A, B>>(left);
  const std::common_type_t<A, B> b = static_cast<std::common_type_t<A, B>>(right);
  return a < b || a != a ? b : a;
}
