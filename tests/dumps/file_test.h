// A fixture for readers of one file: what they make of it, and how they refuse it.
#pragma once

#include <gmock/gmock.h>

#include <functional>

#include "engine/error.h"
#include "tests/dumps/dump_files.h"

namespace qcal::testing {

template <class Value>
class FileTest : public ::testing::Test {
 protected:
  using Reader = std::function<Value(const std::filesystem::path&)>;

  FileTest(const char* file, Reader reader) : path_(directory_ / file), reader_(std::move(reader)) {}

  Value read(const std::string& bytes) {
    write_bytes(path_, bytes);
    return reader_(path_);
  }

  // How `bytes` are refused: with the name of the file and `subject_` first.
  std::string error(const std::string& bytes) {
    const std::string message = message_of<InputError>([&] { read(bytes); });
    EXPECT_THAT(message, ::testing::StartsWith(path_.string() + subject_));
    return message;
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_;
  std::string subject_ = {};

 private:
  Reader reader_;
};

}  // namespace qcal::testing
