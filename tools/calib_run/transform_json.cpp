#include "tools/calib_run/transform_json.h"

namespace qcal::tools {

void write_transforms(JsonWriter& writer, const std::vector<TransformStatus>& transforms) {
  writer.begin_object();
  for (const TransformStatus& transform : transforms) {
    writer.key(transform.name);
    writer.begin_object();
    writer.member("status", transform.status);
    writer.key("details");
    writer.begin_array();
    for (const std::string& line : transform.details) writer.string(line);
    writer.end_array();
    writer.end_object();
  }
  writer.end_object();
}

}  // namespace qcal::tools
