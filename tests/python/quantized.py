"""quantized.onnx in onnxruntime: it loads, runs in integer kernels, and does what the parameters say.

    quantized.py CALIB_RUN RECORD.py MODELS VARIANTS
"""
import collections
import json
import os
import sys
import unittest

import numpy as np
import onnx
import onnxruntime
from networks import CALIB_RUN, MODELS, RECORD, Workplace, info, inputs_of, run
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from evaluate import evaluate, open_session, operators
from record import read_runs

VARIANTS = sys.argv[4]
PLACEMENTS = ("groups", "compute", "fused")
MODEL = {
    "rn_digits": "rn_digits/rn_digits.ts.op17.fold.onnx",
    "mbv2_digits": "mbv2_digits/mbv2_digits.ts.op13.bn.onnx",
    "cls": "cls/cls.onnx",
}


def merged(base, changes):
    result = dict(base)
    for key, value in changes.items():
        result[key] = merged(base.get(key, {}), value) if isinstance(value, dict) else value
    return result


class Quantized(Workplace):
    def quantized(self, model, inputs, config="cpu.json", placement=None, **changes):
        """Path of quantized.onnx and the tensors of quant_params.json."""
        with open(os.path.join(MODELS, "configs", config), encoding="utf-8") as file:
            settings = json.loads("\n".join(line for line in file if not line.startswith("//")))
        path = self.path("config.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(merged(settings, changes), file)
        options = ["--config", path] + (["--placement", placement] if placement else [])
        dump, out = self.path(f"dump{len(os.listdir(self.folder))}"), self.path("out")
        run(sys.executable, RECORD, model, inputs, dump, "--calib-run", CALIB_RUN, *options)
        run(CALIB_RUN, "calibrate", "--quiet", "--model", model, "--dumps", dump, "--out", out, "--device-rules", "warn",
            *options)
        with open(os.path.join(out, "quant_params.json"), encoding="utf-8") as file:
            tensors = {tensor["name"]: tensor for tensor in json.load(file)["tensors"]}
        quantized = os.path.join(out, "quantized.onnx")
        onnx.checker.check_model(onnx.load(quantized))
        return quantized, tensors

    def shipped(self, network, *arguments, **changes):
        model = os.path.join(MODELS, MODEL[network])
        return (model, *self.quantized(model, inputs_of(network), *arguments, **changes))

    def decibels(self, model, quantized, inputs, optimize="all"):
        return next(iter(evaluate(model, quantized, inputs, optimize)["sqnr_db"].values()))


class CostlyOutputs(Quantized):
    """Placement fused leaves the result of a convolution in float where quantizing it would cost too much."""

    def build(self):
        node = helper.make_node
        nodes = [node("Conv", ["x", "wa"], ["a"], name="a", kernel_shape=[1, 1]),
                 node("Conv", ["x", "wb"], ["b"], name="b", kernel_shape=[1, 1]),
                 node("Sum", ["a", "b"], ["s"], name="s"), node("Tanh", ["s"], ["t"], name="t"),
                 node("Conv", ["t", "wy"], ["y"], name="y", kernel_shape=[1, 1])]
        # What the second channel of x holds in one place makes one value of b 300 times as large as others.
        spike = numpy_helper.to_array(self.weights("wb", 4, 2, 1, 1)).copy()
        spike[0, 1] = 60
        weights = [self.weights("wa", 4, 2, 1, 1), numpy_helper.from_array(spike, "wb"), self.weights("wy", 3, 4, 1, 1)]
        return self.save(nodes, [info("x", 1, 2, 32, 32)], [info("y", 1, 3, 32, 32)], weights, 17)

    def inputs(self):
        images = self.random.standard_normal((8, 1, 2, 32, 32)).astype(np.float32)
        images[:, :, 1] = 0
        images[3, 0, 1, 5, 5] = 1
        path = self.path("inputs.npz")
        np.savez(path, **{f"{i}|x": image for i, image in enumerate(images)})
        return path

    def results(self, quantized):
        with open(os.path.join(os.path.dirname(quantized), "quant_params.json"), encoding="utf-8") as file:
            return json.load(file)["costly_outputs"]

    def test_are_left_in_float_and_said(self):
        model, inputs = self.build(), self.inputs()
        quantized, tensors = self.quantized(model, inputs, placement="fused", min_output_sqnr=0)
        self.assertEqual(self.results(quantized), [])
        everything, cost = operators(quantized), self.decibels(model, quantized, inputs)
        quantized, tensors = self.quantized(model, inputs, placement="fused")
        (output,) = self.results(quantized)
        self.assertEqual((output["tensor"], output["layer"], output["min_output_sqnr"]), ("b", "b", 20))
        self.assertLess(output["sqnr"], 20)
        self.assertEqual((tensors["b"]["datatype"], tensors["b"]["scale"]), ("float32", []))
        self.assertTrue(tensors["a"]["scale"])
        names = {node.name for node in onnx.load(quantized).graph.node}
        self.assertIn("a_QuantizeLinear", names)
        self.assertNotIn("b_QuantizeLinear", names)
        self.assertEqual(operators(quantized)["QLinearConv"], everything["QLinearConv"] - 1)
        self.assertGreater(self.decibels(model, quantized, inputs), cost + 3)
        self.check_analysis(model, quantized)

    def check_analysis(self, model, quantized):
        dump = max((entry.path for entry in os.scandir(self.folder) if entry.name.startswith("dump")), key=os.path.getmtime)
        out = os.path.dirname(quantized)
        options = ["--config", self.path("config.json"), "--placement", "fused", "--model", model, "--dumps", dump]
        analysis = json.loads(run(CALIB_RUN, "analyze", "--json", *options, "--params", os.path.join(out, "quant_params.json")))
        (reason,) = (node["reason"] for node in analysis["kernels"] if node["node"] == "b")
        self.assertEqual(reason, "Sum reads its result in float")
        table = run(CALIB_RUN, "calibrate", *options, "--out", self.path("again"))
        self.assertRegex(table, r"\nb +Conv2d +activation +maxmin +float32 +float\n")
        warnings = json.loads(run(CALIB_RUN, "calibrate", "--json", *options, "--out", self.path("again")))["warnings"]
        self.assertRegex("\n".join(warnings),
                         r"b: its result stays in float: quantized it would keep 1\d\.\d dB, and min_output_sqnr is 20")

    def test_are_those_that_compute_leaves_in_float_where_no_cost_is_low_enough(self):
        inputs = inputs_of("rn_digits")
        model = os.path.join(MODELS, MODEL["rn_digits"])
        quantized, tensors = self.quantized(model, inputs, placement="fused", min_output_sqnr=1000)
        self.assertGreater(len(self.results(quantized)), 0)
        integers = {name for name, tensor in tensors.items() if tensor["scale"]}
        _, tensors = self.quantized(model, inputs, placement="compute")
        self.assertEqual(integers, set(tensors))


class ShippedNetworks(Quantized):
    def test_fused_runs_in_integer_kernels(self):
        for network, convolutions in (("rn_digits", 9), ("mbv2_digits", 16), ("cls", 53)):
            with self.subTest(network=network):
                switches = {"include_cle": True, "convert_relu6_to_relu": True} if network == "mbv2_digits" else {}
                _, quantized, _ = self.shipped(network, **switches)
                kernels = operators(quantized)
                self.assertEqual(kernels["QLinearConv"], convolutions)
                self.assertEqual(kernels["Conv"] + kernels["FusedConv"], 0)
                self.assertEqual(kernels["QGemm"], 1)

    def test_analyze_knows_which_nodes_run_in_integer_kernels(self):
        for network, config, placement in (("rn_digits", "gpu.json", "groups"), ("mbv2_digits", "dpu.json", "fused"),
                                           ("cls", "cpu.json", "groups")):
            with self.subTest(network=network, config=config, placement=placement):
                model, quantized, _ = self.shipped(network, config, placement)
                dump = max((entry.path for entry in os.scandir(self.folder) if entry.name.startswith("dump")), key=os.path.getmtime)
                params = os.path.join(os.path.dirname(quantized), "quant_params.json")
                analysis = json.loads(run(CALIB_RUN, "analyze", "--json", "--batches", "1", "--worst", "0", "--model", model,
                                          "--dumps", dump, "--params", params, "--placement", placement))
                said = collections.Counter(node["kernel"] for node in analysis["kernels"] if node["kernel"])
                chosen = {kernel: count for kernel, count in operators(quantized).items()
                          if kernel.startswith("QLinear") or kernel in ("QGemm", "MatMulIntegerToFloat")}
                self.assertEqual(said, chosen)
                self.assertTrue(all(node["reason"] for node in analysis["kernels"] if not node["kernel"]))

    def test_onnxruntime_quantizes_as_the_parameters_say(self):
        """To the last bit: half_even, optimizations off, every quantizer of every placement and several widths."""
        widths = {"activation": {"bit_width": 4}, "input": {"bit_width": 12}}
        for config, placement, changes in (("cpu.json", "groups", {}), ("cpu.json", "fused", {}),
                                           ("gpu.json", "compute", {}),
                                           ("cpu.json", "groups", {"tensor_quantize_config": widths}),
                                           ("dpu.json", "groups", {"include_cle": False}),
                                           ("cpu.json", "groups", {"overall_quantize_config": {"narrow_range": True}})):
            with self.subTest(config=config, placement=placement, changes=changes):
                _, quantized, tensors = self.shipped("rn_digits", config, placement, **changes)
                self.check_quantizers(quantized, tensors, inputs_of("rn_digits"))

    def check_quantizers(self, quantized, tensors, inputs):
        model = onnx.load(quantized)
        quantizers = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
        clips = {node.output[0]: node.input[0] for node in model.graph.node
                 if node.op_type == "Clip" and node.output[0].endswith("_clipped")}
        pairs = {}
        for node in model.graph.node:
            if node.op_type == "DequantizeLinear" and node.input[0] in quantizers:
                source = quantizers[node.input[0]]
                pairs[node.output[0]] = clips.get(source, source)
        self.assertGreaterEqual(len(pairs), 5)
        names = sorted(set(pairs) | set(pairs.values()))
        known = {value.name for value in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
        exposed = self.path("exposed.onnx")
        onnx.save(model, exposed)
        session = open_session(exposed, "off")
        for feed in read_runs(inputs, ["input"])[:2]:
            values = dict(zip(names, session.run(names, feed))) | feed
            for result, source in pairs.items():
                name = result.removesuffix("_dequantized") if result not in tensors else result
                tensor = tensors[name]
                scale = np.float32(tensor["scale"][0])
                low, high = (np.float32(tensor[q] - tensor["zero_point"][0]) for q in ("qmin", "qmax"))
                expected = np.rint(np.clip(values[source] / scale, low, high)) * scale
                np.testing.assert_array_equal(values[result], expected, err_msg=name)

    def test_layers_kept_in_float_cost_nothing(self):
        """Where a float layer read a DequantizeLinear, onnxruntime would quantize its weights by itself."""
        for switch in ("keep_first_last_layer_accuracy", "keep_add_layer_accuracy"):
            for placement in PLACEMENTS:
                with self.subTest(switch=switch, placement=placement):
                    model, quantized, _ = self.shipped("rn_digits", "cpu.json", placement, **{switch: True})
                    optimized, plain = (
                        self.decibels(model, quantized, inputs_of("rn_digits"), level) for level in ("all", "off"))
                    # Integer kernels round a few sums to the other side; requantized weights cost 2 dB.
                    self.assertAlmostEqual(optimized, plain, delta=0.7)

    def test_placements_trade_accuracy_for_kernels(self):
        measured = {}
        for placement in PLACEMENTS:
            model, quantized, _ = self.shipped("rn_digits", "cpu.json", placement)
            measured[placement] = self.decibels(model, quantized, inputs_of("rn_digits"))
        self.assertGreater(measured["compute"], measured["fused"])
        self.assertGreater(measured["fused"], 33)

    def test_names_stay(self):
        for placement in PLACEMENTS:
            model, quantized, _ = self.shipped("mbv2_digits", "cpu.json", placement)
            before, after = onnx.load(model).graph, onnx.load(quantized).graph
            for field in ("input", "output"):
                self.assertEqual([v.name for v in getattr(before, field)], [v.name for v in getattr(after, field)])
            made = [name for node in after.node for name in node.output]
            made += [tensor.name for tensor in after.initializer]
            self.assertEqual(len(made), len(set(made)))

    def test_every_spelling_is_as_accurate(self):
        for network in ("rn_digits", "mbv2_digits"):
            model, quantized, _ = self.shipped(network, include_cle=True)
            wanted = self.decibels(model, quantized, inputs_of(network))
            for spelling in ("fp16_cast", "external", "if_wrapped", "weird_names", "shared_bias", "unnamed", "matmul_add"):
                with self.subTest(network=network, spelling=spelling):
                    variant = os.path.join(VARIANTS, f"{network}.{spelling}.onnx")
                    quantized, _ = self.quantized(variant, inputs_of(network), include_cle=True)
                    # One rounding more or less in the float network moves some values to the next integer.
                    self.assertAlmostEqual(self.decibels(variant, quantized, inputs_of(network)), wanted, delta=1.5)


class GeneratedNetworks(Quantized):
    def network(self, opset=17):
        """Every kind of weights, with channels of very different ranges, so that a wrong axis is loud."""
        def spread(name, axis, *shape):
            extents = [1] * len(shape)
            extents[axis] = shape[axis]
            factors = (4.0 ** -np.arange(shape[axis])).reshape(extents)
            return numpy_helper.from_array((self.random.standard_normal(shape) * factors).astype(np.float32), name)

        nodes = [
            helper.make_node("Conv", ["x", "wc", "bc"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("ConvTranspose", ["p", "wt"], ["t"], strides=[2, 2], group=2),
            helper.make_node("Flatten", ["t"], ["f"]),
            helper.make_node("Gemm", ["f", "wg"], ["g"], transB=1),
            helper.make_node("Gemm", ["g", "wh", "bh"], ["h"]),
            helper.make_node("MatMul", ["h", "wm"], ["y"]),
        ]
        weights = [
            spread("wc", 0, 4, 2, 3, 3), self.weights("bc", 4), spread("wt", 1, 4, 3, 2, 2), spread("wg", 0, 4, 384),
            spread("wh", 1, 4, 4), self.weights("bh", 4), spread("wm", 1, 4, 4)]
        return self.save(nodes, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2, 8, 8])],
                         [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])], weights, opset)

    def inputs(self):
        path = self.path("inputs.npz")
        np.savez(path, **{f"{i}|x": self.random.standard_normal((4, 2, 8, 8)).astype(np.float32) for i in range(8)})
        return path

    def test_every_kind_of_weights_has_its_axis(self):
        model, inputs = self.network(), self.inputs()
        for placement in PLACEMENTS:
            with self.subTest(placement=placement):
                quantized, tensors = self.quantized(model, inputs, "cpu.json", placement, include_cle=False)
                self.assertEqual({name: tensors[name]["axis"] for name in ("wc", "wt", "wg", "wh", "wm")},
                                 {"wc": 0, "wt": 1, "wg": 0, "wh": 1, "wm": 1})
                self.check_weights(model, quantized)

    def check_weights(self, model, quantized):
        """Each is within half a step of its own channel, which a wrong axis would miss by up to 4 ** 3."""
        original = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(model).graph.initializer}
        graph = onnx.load(quantized).graph
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        checked = set()
        for node in graph.node:
            name = node.output[0].removesuffix("_dequantized")
            if node.op_type != "DequantizeLinear" or name not in original or original[name].ndim < 2:
                continue
            integers, scale, zero_point = (constants[part] for part in node.input)
            extents = [1] * integers.ndim
            extents[node.attribute[0].i] = -1
            steps = (integers.astype(np.float64) - zero_point.reshape(extents)) * scale.reshape(extents)
            error = np.abs(steps - original[name]) / scale.reshape(extents)
            self.assertLessEqual(error.max(), 0.5 + 1e-5, name)
            checked.add(name)
        self.assertEqual(checked, {"wc", "wt", "wg", "wh", "wm"})

    def test_a_maximum_stays_in_integers(self):
        quantized, tensors = self.quantized(self.network(), self.inputs(), "cpu.json", "fused")
        self.assertEqual(tensors["p"]["scale"], tensors["r"]["scale"])
        self.assertEqual(operators(quantized)["QLinearConv"], 1)

    def test_every_width_loads_and_more_bits_are_better(self):
        model, inputs = self.network(), self.inputs()
        previous = -100.0
        for width in (2, 3, 4, 5, 8, 12, 16):
            with self.subTest(width=width):
                quantized, _ = self.quantized(model, inputs, "cpu.json", "compute", overall_quantize_config={"bit_width": width})
                ratio = self.decibels(model, quantized, inputs, "off")
                if width >= 4:  # fewer leave nothing of a network that was not trained for it
                    self.assertGreater(ratio, previous)
                previous = ratio
                opset = next(entry.version for entry in onnx.load(quantized).opset_import if not entry.domain)
                self.assertEqual(opset, 17 if width <= 8 else 21)

    def test_float_types_are_casts(self):
        model, inputs = self.network(), self.inputs()
        for datatype, least in (("float16", 50), ("bfloat16", 30)):
            with self.subTest(datatype=datatype):
                quantized, _ = self.quantized(model, inputs, "cpu.json", "groups", overall_quantize_config={"datatype": datatype})
                self.assertEqual(operators(quantized, "off")["QuantizeLinear"], 0)
                self.assertGreater(self.decibels(model, quantized, inputs, "off"), least)
        quantized, _ = self.quantized(model, inputs, "cpu.json", "groups", overall_quantize_config={"datatype": "float32"})
        self.assertGreater(self.decibels(model, quantized, inputs, "off"), 100)

    def test_old_opsets_are_raised(self):
        for opset in (9, 10, 11, 12):
            with self.subTest(opset=opset):
                nodes = [
                    helper.make_node("Conv", ["x", "w"], ["c"]),
                    helper.make_node("ReduceSum", ["c"], ["s"], axes=[3], keepdims=0),
                    helper.make_node("Unsqueeze", ["s"], ["u"], axes=[3]),
                    helper.make_node("Squeeze", ["u"], ["q"], axes=[3]),
                    helper.make_node("Split", ["q"], ["a", "b"], axis=1),
                    helper.make_node("Softmax", ["a"], ["y"], axis=2),
                ]
                model = self.save(nodes, [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 2, 8, 8])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 2, 8])],
                                  [self.weights("w", 4, 2, 1, 1)], opset)
                quantized, _ = self.quantized(model, self.inputs(), "cpu.json", "groups")
                self.assertGreater(self.decibels(model, quantized, self.inputs(), "off"), 25)


class Recorder(Quantized):
    def network(self, *shape):
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
        return self.save(nodes, [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                         [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                         [self.weights("w", 2, 3, 1, 1)], 17)

    def images(self, count):
        folder = self.path("images")
        os.makedirs(folder)
        pixels = self.random.integers(0, 256, (count, 6, 4, 3), np.uint8)
        for index, image in enumerate(pixels):
            Image.fromarray(image).save(os.path.join(folder, f"{index:02}.png"))
        return folder, pixels

    def test_images_become_normalised_batches(self):
        folder, pixels = self.images(5)
        dump = self.path("dump")
        run(sys.executable, RECORD, self.network("n", 3, 6, 4), folder, dump, "--batch", "2", "--mean", "0.5,0.25,0",
            "--std", "2")
        with open(os.path.join(dump, "manifest.json"), encoding="utf-8") as file:
            files = json.load(file)["tensors"]["x"]
        self.assertEqual(len(files), 2, "the fifth image fills no batch")
        recorded = np.concatenate([np.load(os.path.join(dump, file)) for file in files])
        mean = np.array([0.5, 0.25, 0], np.float32).reshape(3, 1, 1)
        expected = (pixels[:4].transpose(0, 3, 1, 2) / np.float32(255) - mean) / np.float32(2)
        np.testing.assert_array_equal(recorded, expected)

    def test_what_images_cannot_feed_is_said(self):
        folder, _ = self.images(3)
        for shape, options, said in ((("n", 3, "h", "w"), (), "give --size HEIGHTxWIDTH"),
                                     ((8, 3, 6, 4), (), "3 images, fewer than a batch of 8"),
                                     (("n", 5, 6, 4), (), "1 or 3 channels"),
                                     (("n", 3, 6, 4), ("--mean", "1,2"), "--mean: 2 numbers for 3 channels")):
            with self.subTest(said=said):
                with self.assertRaisesRegex(AssertionError, said):
                    run(sys.executable, RECORD, self.network(*shape), folder, self.path("out"), "--batch", "1", *options)


if __name__ == "__main__":
    onnxruntime.set_default_logger_severity(3)
    unittest.main(argv=sys.argv[:1])
