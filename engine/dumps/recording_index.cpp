#include "engine/dumps/recording_index.h"

#include <map>
#include <utility>

#include "engine/dumps/in_quotes.h"
#include "engine/dumps/sha256.h"
#include "engine/error.h"

namespace qcal {
namespace {

class DumpsElsewhere final : public DumpSource {
 public:
  explicit DumpsElsewhere(RecordingIndex index) : index_(std::move(index)) {
    for (std::size_t i = 0; i < index_.tensors.size(); ++i) {
      names_.push_back(index_.tensors[i].name);
      places_.emplace(names_.back(), i);
    }
  }

  const std::vector<std::string>& names() const override { return names_; }
  bool contains(const std::string& name) const override { return places_.contains(name); }
  std::size_t batches(const std::string& name) const override { return tensor(name).batches; }
  std::uint64_t bytes(const std::string& name) const override { return tensor(name).bytes; }
  std::optional<std::string> model_sha256() const override { return index_.model_sha256; }
  std::string description() const override { return index_.description; }

  std::unique_ptr<DumpBatch> open(const std::string& name, std::size_t) const override { refuse(name); }
  std::unique_ptr<TensorParts> parts(const std::string& name, std::size_t) const override { refuse(name); }

 private:
  const RecordedTensor& tensor(const std::string& name) const {
    const auto found = places_.find(name);
    if (found == places_.end()) throw InputError(description() + ": does not hold tensor " + in_quotes(name));
    return index_.tensors[found->second];
  }

  [[noreturn]] void refuse(const std::string& name) const {
    throw InputError(description() + ": tensor " + in_quotes(name) +
                     " is wanted, but only its state is here");
  }

  RecordingIndex index_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace

RecordingIndex index_of(const DumpSource& dumps) {
  RecordingIndex index;
  for (const std::string& name : dumps.names())
    index.tensors.push_back({name, dumps.batches(name), dumps.bytes(name)});
  index.model_sha256 = dumps.model_sha256();
  index.description = dumps.description();
  return index;
}

std::string fingerprint(const RecordingIndex& index) {
  ByteWriter bytes;
  write_index(bytes, {index.tensors, index.model_sha256, ""});
  return sha256_of(bytes.bytes()).substr(0, 16);
}

void write_index(ByteWriter& to, const RecordingIndex& index) {
  to.text(index.description);
  to.text(index.model_sha256.value_or(""));
  to.whole(index.tensors.size());
  for (const RecordedTensor& tensor : index.tensors) {
    to.text(tensor.name);
    to.whole(tensor.batches);
    to.whole(tensor.bytes);
  }
}

RecordingIndex read_index(ByteReader& from) {
  constexpr std::uint64_t most_batches = std::uint64_t{1} << 48;
  RecordingIndex index;
  index.description = from.text();
  if (const std::string_view sha256 = from.text(); !sha256.empty()) index.model_sha256 = sha256;
  const std::size_t tensors = from.count(3, "recorded tensors");
  for (std::size_t i = 0; i < tensors; ++i) {
    RecordedTensor& tensor = index.tensors.emplace_back();
    tensor.name = from.text();
    tensor.batches = from.whole(most_batches, "a number of batches");
    tensor.bytes = from.whole(most_batches, "a size");
  }
  return index;
}

std::unique_ptr<DumpSource> dumps_elsewhere(RecordingIndex index) {
  return std::make_unique<DumpsElsewhere>(std::move(index));
}

}  // namespace qcal
