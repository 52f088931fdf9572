// Result files that appear whole or not at all.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace qcal {

// A set of files for one directory. Nothing touches the disk before commit(), which writes everything aside,
// flushes it to the device, and only then renames it into place. After an exception the directory is as it
// was before.
//
//   AtomicOutput output("results/rn_digits");
//   output.add("quant_params.json", text);
//   output.commit();
//
// A directory that does not exist yet appears by one rename, with all its files. One that exists keeps its
// other files; the new ones are written aside inside it (its parent may be another file system, or not
// writable) and take the place of their predecessors one by one. Should one of these renames fail, the
// earlier ones are taken back. Of several processes (or threads) that write one directory at once, each puts
// its files in place while the others wait, so that the files that stay are those of one of them. A power
// failure between them can leave old and new files side by side, each of them whole.
class AtomicOutput {
 public:
  // Finds out early whether the directory can be written: a calibration may take hours. Creates nothing.
  // Throws InputError where the path cannot be a directory, IoError where the system refuses.
  explicit AtomicOutput(const std::filesystem::path& directory);

  // `name` has no directories. Throws InvalidArgument for such a name or for one added before.
  void add(const std::string& name, std::string contents);

  // Throws IoError. To be called once.
  void commit();

  const std::filesystem::path& directory() const { return directory_; }

 private:
  std::filesystem::path directory_;
  std::map<std::string, std::string> files_;
};

// The same for a single file. A target that is a device or a pipe, such as /dev/stdout, is written directly.
// Through a symbolic link the file behind it is replaced. Throws InputError or IoError.
void write_file_atomically(const std::filesystem::path& file, std::string_view contents);

}  // namespace qcal
