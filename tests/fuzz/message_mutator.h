// Random changes of a protobuf message that keep it one: changed bytes seldom make a network.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace qcal::testing {

class MessageMutator {
  using Message = google::protobuf::Message;
  using Field = google::protobuf::FieldDescriptor;

 public:
  // Strings come from the message itself and from `words`.
  MessageMutator(unsigned seed, std::vector<std::string> words) : random_(seed), words_(std::move(words)) {}

  // One to four changes, each of any field, set or not, of any message inside.
  void mutate(Message& message) {
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      messages_.clear();
      collect(message);
      Message& chosen = *messages_[below(messages_.size())];
      const auto* type = chosen.GetDescriptor();
      if (type->field_count() > 0) change(chosen, type->field(int(below(std::size_t(type->field_count())))));
    }
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }

  void collect(Message& message) {
    messages_.push_back(&message);
    std::vector<const Field*> fields;
    const auto* reflection = message.GetReflection();
    reflection->ListFields(message, &fields);
    for (const Field* field : fields) {
      if (field->cpp_type() == Field::CPPTYPE_STRING && words_.size() < most_words) {
        if (!field->is_repeated()) words_.push_back(reflection->GetString(message, field));
        for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); ++i)
          words_.push_back(reflection->GetRepeatedString(message, field, i));
      }
      if (field->cpp_type() != Field::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) collect(*reflection->MutableMessage(&message, field));
      for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); ++i)
        collect(*reflection->MutableRepeatedMessage(&message, field, i));
    }
  }

  void change(Message& message, const Field* field) {
    const auto* reflection = message.GetReflection();
    if (!field->is_repeated()) {
      if (below(4) == 0) return reflection->ClearField(&message, field);
      return set(message, field);
    }
    const int size = reflection->FieldSize(message, field);
    if (size == 0 || below(3) == 0) return add(message, field);
    if (below(2) == 0) return reflection->RemoveLast(&message, field);
    reflection->SwapElements(&message, field, int(below(std::size_t(size))), int(below(std::size_t(size))));
  }

  std::int64_t integer() {
    using Limits = std::numeric_limits<std::int64_t>;
    static constexpr std::array<std::int64_t, 10> odd{-1,
                                                      Limits::max(),
                                                      Limits::min(),
                                                      std::int64_t{1} << 62,
                                                      std::int64_t{1} << 40,
                                                      std::int64_t{1} << 31,
                                                      1024,
                                                      -2,
                                                      255,
                                                      65536};
    return below(2) == 0 ? odd[below(odd.size())] : std::int64_t(below(20));
  }
  float real() {
    using Limits = std::numeric_limits<float>;
    static constexpr std::array<float, 8> odd{
        0, 1, -1, 6, Limits::quiet_NaN(), Limits::infinity(), Limits::max(), Limits::denorm_min()};
    return odd[below(odd.size())];
  }
  std::string text() { return words_.empty() ? "" : words_[below(words_.size())]; }
  int enumerator(const Field* field) {
    return field->enum_type()->value(int(below(std::size_t(field->enum_type()->value_count()))))->number();
  }
  // A message of that type somewhere else, or an empty one.
  std::unique_ptr<Message> like(const Message& prototype) {
    std::unique_ptr<Message> made(prototype.New());
    const Message& other = *messages_[below(messages_.size())];
    if (other.GetDescriptor() == made->GetDescriptor()) made->CopyFrom(other);
    return made;
  }

  void set(Message& message, const Field* field) {
    const auto* reflection = message.GetReflection();
    switch (field->cpp_type()) {
      case Field::CPPTYPE_INT32:
        return reflection->SetInt32(&message, field, std::int32_t(integer()));
      case Field::CPPTYPE_INT64:
        return reflection->SetInt64(&message, field, integer());
      case Field::CPPTYPE_UINT64:
        return reflection->SetUInt64(&message, field, std::uint64_t(integer()));
      case Field::CPPTYPE_FLOAT:
        return reflection->SetFloat(&message, field, real());
      case Field::CPPTYPE_DOUBLE:
        return reflection->SetDouble(&message, field, real());
      case Field::CPPTYPE_ENUM:
        return reflection->SetEnumValue(&message, field, enumerator(field));
      case Field::CPPTYPE_STRING:
        return reflection->SetString(&message, field, text());
      case Field::CPPTYPE_MESSAGE: {
        // Made first: to set one of several alternatives deletes the others.
        const std::unique_ptr<Message> made = like(reflection->GetMessage(message, field));
        reflection->MutableMessage(&message, field)->CopyFrom(*made);
        return;
      }
      default:
        return;
    }
  }

  void add(Message& message, const Field* field) {
    const auto* reflection = message.GetReflection();
    switch (field->cpp_type()) {
      case Field::CPPTYPE_INT32:
        return reflection->AddInt32(&message, field, std::int32_t(integer()));
      case Field::CPPTYPE_INT64:
        return reflection->AddInt64(&message, field, integer());
      case Field::CPPTYPE_FLOAT:
        return reflection->AddFloat(&message, field, real());
      case Field::CPPTYPE_STRING:
        return reflection->AddString(&message, field, text());
      case Field::CPPTYPE_MESSAGE: {
        const int size = reflection->FieldSize(message, field);
        if (size == 0 || below(3) == 0) {
          reflection->AddMessage(&message, field);
          return;
        }
        const Message& original =
            reflection->GetRepeatedMessage(message, field, int(below(std::size_t(size))));
        const std::unique_ptr<Message> copy(original.New());
        copy->CopyFrom(original);
        reflection->AddMessage(&message, field)->CopyFrom(*copy);
        return;
      }
      default:
        return;
    }
  }

  static constexpr std::size_t most_words = 500;
  std::minstd_rand random_;
  std::vector<std::string> words_;
  std::vector<Message*> messages_;
};

}  // namespace qcal::testing
