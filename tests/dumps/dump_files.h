// Writes dump files byte by byte, so that the readers meet every variant and every defect.
#pragma once

#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace qcal::testing {

// A directory of its own for one test, removed afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(test->test_suite_name()) + "." + test->name();
    for (char& character : name) {
      if (character == '/') character = '_';
    }
    path_ = std::filesystem::temp_directory_path() / ("qcal." + std::to_string(::getpid()) + "." + name);
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <class Number>
std::string bytes_of(const std::vector<Number>& values) {
  std::string bytes(values.size() * sizeof(Number), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

inline std::string little_endian(std::uint64_t value, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

// An npy file with the dictionary as given.
inline std::string npy(std::string_view dictionary, std::string_view values, int version = 1) {
  std::string bytes("\x93NUMPY", 6);
  bytes += static_cast<char>(version);
  bytes += '\0';
  bytes += little_endian(dictionary.size(), version == 1 ? 2 : 4);
  bytes += dictionary;
  bytes += values;
  return bytes;
}

inline std::string npy_f32(std::string_view shape, const std::vector<float>& values) {
  return npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + std::string(shape) + ", }\n",
             bytes_of(values));
}

// A safetensors file with the header as given.
inline std::string safetensors(std::string_view header, std::string_view buffer) {
  return little_endian(header.size(), 8) + std::string(header) + std::string(buffer);
}

// The message of the exception of type Exception that `action` throws; a failure where it throws none or
// another.
template <class Exception, class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const Exception& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what();
    return {};
  }
  ADD_FAILURE() << "no exception";
  return {};
}

// Calls `read` with every single byte of `whole` replaced in several ways. It may return or throw Error;
// whatever else happens (a crash, another exception, a sanitizer's report) fails the test.
template <class Error, class Read>
void change_every_byte(const std::string& whole, Read&& read) {
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int by :
         {0x00, 0xff, int{'"'}, int{'9'}, int{'{'}, int{']'}, static_cast<unsigned char>(whole[i]) ^ 1}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(by);
      try {
        read(changed);
      } catch (const Error&) {
        continue;
      }
    }
  }
}

}  // namespace qcal::testing
