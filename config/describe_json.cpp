#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "config/describe.h"
#include "config/overrides.h"
#include "config/setting_names.h"
#include "config/setting_table.h"
#include "config/utf8.h"
#include "config/value_text.h"

namespace qcal {
namespace {

// Writes JSON in the configuration's own spelling.
class JsonWriter {
 public:
  // A file name may hold any bytes; JSON may not.
  void string(std::string_view text) {
    std::string valid;
    for (std::size_t bad = first_invalid_utf8(text); bad < text.size(); bad = first_invalid_utf8(text)) {
      valid.append(text.substr(0, bad)).append("\uFFFD");
      text.remove_prefix(bad + 1);
    }
    valid.append(text);
    writer_.String(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
  }
  void key(std::string_view name) { writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size())); }
  void null() { writer_.Null(); }

  void value(bool setting) { writer_.Bool(setting); }
  void value(int setting) { writer_.Int(setting); }
  void value(double setting) { writer_.Double(setting); }
  void value(Signedness setting) {
    if (setting == Signedness::automatic)
      string(value_text(setting));
    else
      writer_.Bool(setting == Signedness::is_signed);
  }
  void value(SearchStart setting) {
    if (setting.kind == SearchStart::Kind::bins)
      writer_.Int(setting.bins);
    else
      string(value_text(setting));
  }
  template <Spelled Enum>
  void value(Enum setting) {
    string(spelling(setting));
  }

  template <class Value>
  void sourced(const Sourced<Value>& setting) {
    object([&] {
      key("value");
      value(setting.value);
      key("source");
      string(setting.source.text());
    });
  }

  template <class Members>
  void object(const Members& members) {
    writer_.StartObject();
    members();
    writer_.EndObject();
  }
  template <class Elements>
  void array(const Elements& elements) {
    writer_.StartArray();
    elements();
    writer_.EndArray();
  }

  std::string text() const { return {buffer_.GetString(), buffer_.GetSize()}; }

 private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

void write_settings_with_sources(const TensorSettings& settings, JsonWriter& out) {
  out.object([&] {
    for_each_tensor_setting([&](const auto& setting) {
      out.key(setting.key);
      out.sourced(settings.*setting.resolved);
    });
  });
}

void write_settings(const TensorSettings& settings, JsonWriter& out) {
  out.object([&] {
    for_each_tensor_setting([&](const auto& setting) {
      out.key(setting.key);
      out.value((settings.*setting.resolved).value);
    });
  });
}

void write_overrides(const TensorOverrides& overrides, JsonWriter& out) {
  out.object([&] {
    for_each_tensor_setting([&](const auto& setting) {
      const auto& value = overrides.*setting.overriding;
      if (!value) return;
      out.key(setting.key);
      out.value(value->value);
    });
  });
}

// What the entry's layers get, as long as no other entry selects them too.
void describe_entry(const Configuration& configuration, const LayerEntry& entry, JsonWriter& out) {
  out.object([&] {
    if (entry.layer_type) {
      out.key(keys::layer_type);
      out.string(entry.layer_type->value);
    }
    if (entry.layer_name) {
      out.key(keys::layer_name);
      out.string(entry.layer_name->value);
    }
    out.key("source");
    out.string(entry.source.text());
    out.key("tensor_settings");
    out.object([&] {
      for (const Role role : all_roles) {
        if (!entry.overrides_role[role]) continue;
        TensorSettings settings = configuration.tensor_settings[role];
        lay_over(entry, role, configuration.compatibility, settings);
        out.key(spelling(role));
        write_settings_with_sources(settings, out);
      }
    });
  });
}

template <class IsListed>
void write_role_list(const IsListed& is_listed, JsonWriter& out) {
  out.array([&] {
    for (const Role role : all_roles)
      if (is_listed(role)) out.string(spelling(role));
  });
}

void write_entry(const LayerEntry& entry, JsonWriter& out) {
  const auto selector = [&](std::string_view key, const std::optional<Sourced<std::string>>& name) {
    out.key(key);
    if (name)
      out.string(name->value);
    else
      out.null();
  };
  out.object([&] {
    selector(keys::layer_type, entry.layer_type);
    selector(keys::layer_name, entry.layer_name);
    out.key(keys::quantizable_data_type);
    write_role_list([&](Role role) { return entry.overrides_role[role]; }, out);
    out.key(keys::overall);
    write_overrides(entry.overall, out);
    out.key(keys::per_tensor);
    out.object([&] {
      for (const Role role : all_roles) {
        if (!entry.overrides_role[role] || empty(entry.per_tensor[role])) continue;
        out.key(spelling(role));
        write_overrides(entry.per_tensor[role], out);
      }
    });
  });
}

// The model settings that say what becomes of the network before it is quantized.
bool is_transform(std::string_view key) {
  return key != "target_device" && key != "placement" && key != "min_output_sqnr";
}

}  // namespace

std::string settings_json(const TensorSettings& settings) {
  JsonWriter out;
  write_settings_with_sources(settings, out);
  return out.text();
}

std::string compact_settings_json(const TensorSettings& settings) {
  JsonWriter out;
  write_settings(settings, out);
  return out.text();
}

std::string describe_json(const Configuration& configuration, std::string_view more_members) {
  JsonWriter out;
  out.object([&] {
    out.key("target_device");
    out.value(configuration.target_device.value);
    out.key("target_device_source");
    out.string(configuration.target_device.source.text());
    out.key("transforms");
    out.object([&] {
      for_each_model_setting([&](const auto& setting) {
        if (!is_transform(setting.key)) return;
        out.key(setting.key);
        out.sourced(configuration.*setting.value);
      });
    });
    out.key("placement");
    out.sourced(configuration.placement);
    out.key("min_output_sqnr");
    out.sourced(configuration.min_output_sqnr);
    out.key(keys::quantizable_data_type);
    out.object([&] {
      for (const Role role : all_roles) {
        out.key(spelling(role));
        out.sourced(configuration.quantizable[role]);
      }
    });
    out.key("tensor_settings");
    out.object([&] {
      for (const Role role : all_roles) {
        out.key(spelling(role));
        write_settings_with_sources(configuration.tensor_settings[role], out);
      }
    });
    out.key("layers");
    out.array([&] {
      for (const LayerEntry& entry : configuration.layers) describe_entry(configuration, entry, out);
    });
  });
  std::string text = out.text();
  if (!more_members.empty()) {
    text.pop_back();
    text.append(",").append(more_members).append("}");
  }
  return text;
}

std::string configuration_json(const Configuration& configuration) {
  JsonWriter out;
  out.object([&] {
    for_each_model_setting([&](const auto& setting) {
      out.key(setting.key);
      out.value((configuration.*setting.value).value);
    });
    out.key(keys::quantizable_data_type);
    write_role_list([&](Role role) { return configuration.quantizable[role].value; }, out);
    out.key(keys::per_tensor);
    out.object([&] {
      for (const Role role : all_roles) {
        out.key(spelling(role));
        write_settings(configuration.tensor_settings[role], out);
      }
    });
    out.key(keys::layers);
    out.array([&] {
      for (const LayerEntry& entry : configuration.layers) write_entry(entry, out);
    });
  });
  return out.text();
}

}  // namespace qcal
