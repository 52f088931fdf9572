// Recorded tensors that lie in memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/dumps/dump_source.h"
#include "engine/graph/graph.h"

namespace qcal::testing {

class MemoryDump final : public DumpSource {
 public:
  MemoryDump& add(const std::string& name, Shape shape, std::vector<float> values) {
    if (!contains(name)) names_.push_back(name);
    batches_[name].push_back(std::make_unique<Batch>(std::move(shape), std::move(values)));
    return *this;
  }

  const std::vector<std::string>& names() const override { return names_; }
  bool contains(const std::string& name) const override { return batches_.contains(name); }
  std::size_t batches(const std::string& name) const override { return batches_.at(name).size(); }
  std::uint64_t bytes(const std::string& name) const override {
    std::uint64_t bytes = 0;
    for (const auto& batch : batches_.at(name)) bytes += batch->values.size() * sizeof(float);
    return bytes;
  }
  std::unique_ptr<DumpBatch> open(const std::string&, std::size_t) const override { return nullptr; }
  std::unique_ptr<TensorParts> parts(const std::string& name, std::size_t index) const override {
    return std::make_unique<WholeTensor>(batches_.at(name).at(index)->view);
  }
  std::optional<std::string> model_sha256() const override { return std::nullopt; }
  std::string description() const override { return "in memory"; }

 private:
  struct Batch {
    Batch(Shape shape, std::vector<float> numbers)
        : values(std::move(numbers)), view{values.data(), DType::f32, std::move(shape), Memory::host, {}} {}
    std::vector<float> values;
    TensorView view;
  };

  std::vector<std::string> names_;
  std::map<std::string, std::vector<std::unique_ptr<Batch>>> batches_;
};

}  // namespace qcal::testing
