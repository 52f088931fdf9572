// A handle of a C library, destroyed with the object that holds it.
#pragma once

#include <utility>

namespace qcal {

template <class Handle, class Status>
class OwnedHandle {
 public:
  OwnedHandle() = default;
  OwnedHandle(Handle handle, Status (*destroy)(Handle)) : handle_(handle), destroy_(destroy) {}
  ~OwnedHandle() {
    if (handle_ != nullptr) destroy_(handle_);
  }
  OwnedHandle(OwnedHandle&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), destroy_(other.destroy_) {}
  OwnedHandle& operator=(OwnedHandle&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(destroy_, other.destroy_);
    return *this;
  }

  Handle get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
  Status (*destroy_)(Handle) = nullptr;
};

}  // namespace qcal
