#include "engine/state/calibrator_identity.h"

#include <fmt/format.h>


#include "config/describe.h"
#include "engine/dumps/sha256.h"
#include "engine/version.h"

namespace qcal {
namespace {

std::string name_of(NonFinite policy) {
  switch (policy) {
    case NonFinite::reject:
      return "error";
    case NonFinite::skip:
      return "skip-batch";
    case NonFinite::ignore:
      return "ignore";
  }
  return "";
}

}  // namespace

Identity calibrator_identity(const Configuration& configuration, NonFinite non_finite) {
  const bool vitis = configuration.compatibility == Compatibility::vitis;
  return {{"version of qcal", version()},
          {"preset (--compat)", vitis ? "vitis" : "standard"},
          {"configuration", configuration_json(configuration)},
          {"policy for NaN and infinities (--non-finite)", name_of(non_finite)}};
}

std::string settings_fingerprint(const TensorSettings& settings, const TensorContext& context) {
  const std::string axis = context.channel_axis ? std::to_string(*context.channel_axis) : "none";
  const std::string text =
      fmt::format("{} {} {} {} {} {}", static_cast<int>(context.role), axis, static_cast<int>(context.target),
                  static_cast<int>(context.compatibility), static_cast<int>(context.non_finite),
                  compact_settings_json(settings));
  return sha256_of(text).substr(0, 16);
}

void write_identity(ByteWriter& to, const Identity& identity) {
  to.whole(identity.size());
  for (const auto& [what, value] : identity) {
    to.text(what);
    to.text(value);
  }
}

Identity read_identity(ByteReader& from) {
  Identity identity;
  const std::size_t count = from.count(2, "properties");
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view what = from.text();
    identity.emplace_back(what, from.text());
  }
  return identity;
}

}  // namespace qcal
