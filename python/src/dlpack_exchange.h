// DLPack's C exchange interface, as a type's __dlpack_c_exchange_api__ offers it: data-apis' DLPack 1.2 and
// later.
#pragma once

#include <nanobind/ndarray.h>

#include <cstdint>

namespace qcal::python {

inline constexpr const char* exchange_capsule = "dlpack_exchange_api";
inline constexpr std::uint32_t exchange_major_version = 1;

struct ExchangeHeader {
  std::uint32_t major;
  std::uint32_t minor;
  const ExchangeHeader* previous;
};

// Functions return 0, or -1 with a Python exception set. "No sync": the caller works on the current stream.
struct ExchangeInterface {
  ExchangeHeader header;
  void* allocate;
  void* managed_from_object;
  void* managed_to_object;
  // A view that does not own the tensor; absent in some producers.
  int (*view_of_object)(void* object, nanobind::dlpack::dltensor* view);
  int (*current_stream)(std::int32_t device_type, std::int32_t device_id, void** stream);
};

}  // namespace qcal::python
