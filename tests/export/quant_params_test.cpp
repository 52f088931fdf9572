#include "engine/export/quant_params.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/dumps/file_test.h"
#include "tests/export/sample_parameters.h"

namespace qcal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using namespace qcal::testing;

ExportContext sample_context() {
  return {.qcal_version = "0.1.0",
          .model_file = "net.onnx",
          .model_sha256 = std::string(64, 'a'),
          .config_json = R"({"target_device": "DPU"})",
          .transforms = {{"convert_relu6_to_relu", "off"}, {"include_cle", "applied", {"1 pair", "a -> b"}}},
          .adjustments = {{"conv1.weight", Role::weights, "/conv1/Conv", "shift_cut", 12, 9}},
          .costly_outputs = {{"/conv2/Conv_output_0", "/conv2/Conv", 12.5, 20.0}},
          .bias_corrections =
              {{"/conv1/Conv", "Conv2d", "conv1.weight", "", true, "", 8, 2, 0.5, 0.25, {-0.125}, {0.5F}}},
          .per_channel_batches = true};
}

class QuantParams : public FileTest<QuantizationParameters> {
 protected:
  QuantParams() : FileTest("quant_params.json", read_quant_params) { subject_ = ":"; }

  // The sample's text with one piece replaced.
  static std::string altered(const std::string& piece, const std::string& by) {
    std::string text = quant_params_json(sample_parameters(), sample_context());
    const std::size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    return text.replace(at, piece.size(), by);
  }
};

TEST_F(QuantParams, HasTheDocumentedLayout) {
  QuantizationParameters parameters{.tensors = {sample_activation()}};
  EXPECT_EQ(quant_params_json(parameters, sample_context()),
            R"({
  "qcal": "0.1.0",
  "model": {
    "path": "net.onnx",
    "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  },
  "config": {
    "target_device": "DPU"
  },
  "transforms": {
    "convert_relu6_to_relu": "off",
    "include_cle": "applied"
  },
  "tensors": [{
      "name": "/conv1/Conv_output_0",
      "role": "activation",
      "layer": "/conv1/Conv",
      "layer_type": "Conv2d",
      "datatype": "int",
      "bit_width": 8,
      "qmin": 0,
      "qmax": 255,
      "signed": false,
      "symmetric": false,
      "granularity": "per_tensor",
      "axis": null,
      "method": "entropy",
      "round_mode": "half_up",
      "scale_type": "float",
      "scale": [0.1],
      "zero_point": [3],
      "amax": [25.2],
      "fix_pos": null,
      "batches": 2,
      "batch_statistic": "median",
      "calib_scope": "per_batch",
      "per_batch": {
        "scale": [0.1, 0.2],
        "zero_point": [3, 4],
        "amax": [25.2, 50.4]
      },
      "elements": 16384,
      "non_finite": 1
    }],
  "transform_details": {
    "include_cle": ["1 pair", "a -> b"]
  },
  "adjustments": [{
      "tensor": "conv1.weight",
      "role": "weights",
      "layer": "/conv1/Conv",
      "rule": "shift_cut",
      "before": 12,
      "after": 9
    }],
  "costly_outputs": [{
      "tensor": "/conv2/Conv_output_0",
      "layer": "/conv2/Conv",
      "sqnr": 12.5,
      "min_output_sqnr": 20.0
    }],
  "bias_correction": [{
      "layer": "/conv1/Conv",
      "layer_type": "Conv2d",
      "weights": "conv1.weight",
      "bias": null,
      "kept": true,
      "reason": null,
      "samples": 8,
      "held_back": 2,
      "error_before": 0.5,
      "error_after": 0.25,
      "added": [-0.125],
      "corrected": [0.5]
    }]
}
)");
}

TEST_F(QuantParams, ReadsBackWhatWasWritten) {
  EXPECT_EQ(read(quant_params_json(sample_parameters(), sample_context())), sample_parameters());
  EXPECT_EQ(read(quant_params_json({}, {})), QuantizationParameters{});
}

TEST_F(QuantParams, ReadsBackItsOrigin) {
  write_bytes(path_, quant_params_json(sample_parameters(), sample_context()));
  const QuantParamsOrigin origin = read_quant_params_origin(path_);
  EXPECT_EQ(origin.model_sha256, sample_context().model_sha256);
  EXPECT_EQ(origin.config_json, R"({"target_device":"DPU"})");
  EXPECT_EQ(origin.bias_corrections, sample_context().bias_corrections);
}

TEST_F(QuantParams, ReadsBackToTheSameBits) {
  QuantizationParameters parameters = sample_parameters();
  parameters.tensors[1].scale = {5e-324, std::numeric_limits<double>::max()};
  parameters.tensors[2].scale = {0.1 + 0.2};
  parameters.tensors[2].elements = ~std::uint64_t{0};
  parameters.tensors[2].qmin = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(read(quant_params_json(parameters, sample_context())), parameters);
}

TEST_F(QuantParams, PerChannelBatchesAreWrittenOnRequest) {
  ExportContext context = sample_context();
  context.per_channel_batches = false;
  QuantizationParameters expected = sample_parameters();
  expected.tensors[1].per_batch = {};
  EXPECT_EQ(read(quant_params_json(sample_parameters(), context)), expected);
}

TEST_F(QuantParams, NamesMayHoldAnything) {
  QuantizationParameters parameters = sample_parameters();
  parameters.tensors[0].name = std::string("a\0\n\"\\/é\x7f", 10);
  EXPECT_EQ(read(quant_params_json(parameters, sample_context())), parameters);
}

TEST_F(QuantParams, RefusesNumbersThatAreNotFinite) {
  QuantizationParameters parameters = sample_parameters();
  parameters.tensors[1].scale[1] = std::numeric_limits<double>::infinity();
  EXPECT_THAT(message_of<InvalidArgument>([&] { quant_params_json(parameters, sample_context()); }),
              AllOf(HasSubstr("tensor \"conv1.weight\""), HasSubstr("inf cannot be written")));
}

TEST_F(QuantParams, UnknownModelIsNull) {
  EXPECT_THAT(quant_params_json({}, {}), AllOf(HasSubstr("\"path\": null"), HasSubstr("\"sha256\": null")));
}

TEST_F(QuantParams, RefusesMalformedFiles) {
  EXPECT_THAT(error(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(error("[]"), HasSubstr("the file: must be an object"));
  EXPECT_THAT(error("{}"), HasSubstr("no \"tensors\""));
  EXPECT_THAT(error(R"({"tensors": {}})"), HasSubstr("tensors: must be a list"));
  EXPECT_THAT(error(R"({"tensors": [7]})"), HasSubstr("tensors[0]: must be an object"));
  EXPECT_THAT(error(altered("\"role\": \"weights\"", "\"role\": \"weight\"")),
              HasSubstr("tensors[1].role: unknown value \"weight\""));
  EXPECT_THAT(error(altered("\"role\": \"weights\"", "\"role\": 1")),
              HasSubstr("tensors[1].role: must be a string"));
  EXPECT_THAT(error(altered("[0.25, 0.5]", "[0.25, \"0.5\"]")),
              HasSubstr("tensors[1].scale[1]: must be a number"));
  EXPECT_THAT(error(altered("[0.25, 0.5]", "[0.25]")), HasSubstr("tensors[1]: \"scale\", \"zero_point\""));
  EXPECT_THAT(error(altered("\"bit_width\": 4", "\"bit_width\": 4.5")), HasSubstr("must be an integer"));
  EXPECT_THAT(error(altered("\"elements\": 72", "\"elements\": -72")),
              HasSubstr("must be an integer, 0 or more"));
  EXPECT_THAT(error(altered("\"signed\": true", "\"signed\": 1")), HasSubstr("must be true or false"));
  EXPECT_THAT(error(altered("\"layer\"", "\"layers\"")), HasSubstr("tensors[0]: no \"layer\""));
  EXPECT_THAT(error(altered("\"bfloat16\"", "\"int\"")), HasSubstr("tensors[0]: no scale"));
  EXPECT_THAT(error(altered("\"granularity\": \"per_channel\"", "\"granularity\": \"per_tensor\"")),
              HasSubstr("per_batch.scale[0]: must be a number"));
  const QuantizationParameters twice{.tensors = {sample_weights(), sample_weights()}};
  EXPECT_THAT(error(quant_params_json(twice, {})),
              HasSubstr("tensors[1]: tensor \"conv1.weight\" is listed twice"));
}

TEST_F(QuantParams, RefusesHostileText) {
  EXPECT_THAT(error(std::string(1'000'000, '[')), HasSubstr("nested deeper than 64"));
  EXPECT_THAT(error(altered("[0.25, 0.5]", "[0.25, 1e999]")), HasSubstr("Number too big"));
  EXPECT_THAT(error(altered("\"bit_width\": 4", "\"bit_width\": 4294967300")),
              HasSubstr("must be an integer"));
  EXPECT_THAT(error(altered("\"conv1.weight\"", "\"conv1.\xff\"")), HasSubstr("not valid JSON"));
  EXPECT_THAT(error(altered("\"bit_width\": 4", "\"bit_width\": 4, \"bit_width\": 8")),
              HasSubstr("the key \"tensors\"[1].\"bit_width\" stands twice"));
}

TEST_F(QuantParams, SurvivesAnyChangedByte) {
  change_every_byte<InputError>(quant_params_json({.tensors = {sample_weights()}}, sample_context()),
                                [&](const std::string& bytes) { read(bytes); });
}

TEST_F(QuantParams, RefusesEveryTruncation) {
  const std::string text = quant_params_json({.tensors = {sample_weights()}}, sample_context());
  for (std::size_t length = 0; length + 1 < text.size(); ++length) error(text.substr(0, length));
}

}  // namespace
}  // namespace qcal
