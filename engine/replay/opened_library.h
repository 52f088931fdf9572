// A shared library that is opened at run time.
#pragma once

#include <string>

namespace qcal {

// It stays open for as long as the process lives: the threads that it starts run its code.
class OpenedLibrary {
 public:
  // Throws MissingLibrary where it cannot be opened: `purpose` ("oneDNN computes the layers"), why, and
  // `remedy`.
  OpenedLibrary(std::string name, const std::string& purpose, const std::string& remedy);

  // Throws MissingLibrary where it has no such function.
  template <class Function>
  void look_up(const char* function, Function*& address) const {
    address = reinterpret_cast<Function*>(required(function));
  }
  // Null where it has none.
  template <class Function>
  void look_up_if_there(const char* function, Function*& address) const {
    address = reinterpret_cast<Function*>(found(function));
  }

 private:
  void* required(const char* function) const;
  void* found(const char* function) const;

  std::string name_;
  void* handle_;
};

}  // namespace qcal
