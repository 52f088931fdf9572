"""What calib_run prepare writes, against the network that it was given, in onnxruntime; and that a recording of
either gives the same parameters.

    transforms.py CALIB_RUN RECORD.py MODELS VARIANTS
"""
import glob
import json
import os
import sys
import unittest

import numpy as np
import onnx
import onnxruntime
from networks import CALIB_RUN, MODELS, RECORD, Workplace, info, inputs_of, run
from onnx import helper, numpy_helper
from record import read_runs

VARIANTS = sys.argv[4]


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # No fusion: what differs is the network, not the order in which a kernel adds.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def first_runs(network, count=2):
    return read_runs(inputs_of(network), [])[:count]


class Transforms(Workplace):
    def config(self, **switches):
        with open(os.path.join(MODELS, "configs", "cpu.json"), encoding="utf-8") as file:
            text = "\n".join(line for line in file if not line.startswith("//"))
        off = {"convert_relu6_to_relu": False, "include_cle": False, "include_bias_corr": False}
        configuration = json.loads(text) | off | switches
        path = self.path("config.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(configuration, file)
        return path

    def prepared(self, model, name="prepared.onnx", options=(), **switches):
        """The written model and what each switch did."""
        out = self.path(name)
        done = run(CALIB_RUN, "prepare", "--json", "--model", model, "--config", self.config(**switches), "--out", out,
                   *options)
        onnx.checker.check_model(onnx.load(out))
        return out, json.loads(done)["transforms"]

    def outputs(self, model, runs):
        network = session(model)
        return [dict(zip((o.name for o in network.get_outputs()), network.run(None, feed))) for feed in runs]

    def assert_same_outputs(self, model, prepared, runs, tolerance=0.0):
        """Within `tolerance` of each output's largest value."""
        for before, after in zip(self.outputs(model, runs), self.outputs(prepared, runs), strict=True):
            self.assertEqual(list(before), list(after))
            for name, values in before.items():
                difference = np.abs(values.astype(np.float64) - after[name]).max()
                self.assertLessEqual(difference, tolerance * np.abs(values).max(), name)

    def tensors(self, model, config, dump, *options):
        out = self.path("out")
        run(CALIB_RUN, "calibrate", "--quiet", "--model", model, "--dumps", dump, "--config", config, "--out", out,
            *options)
        with open(os.path.join(out, "quant_params.json"), encoding="utf-8") as file:
            return json.load(file)["tensors"]

    def warnings(self, model, config, dump):
        done = run(CALIB_RUN, "calibrate", "--json", "--model", model, "--dumps", dump, "--config", config, "--out",
                   self.path("out"))
        return json.loads(done)["warnings"]

    def record(self, model, inputs, config, name, *options):
        dump = self.path(name)
        run(sys.executable, RECORD, model, inputs, dump, "--config", config, "--calib-run", CALIB_RUN, *options)
        return dump


class ShippedNetworks(Transforms):
    # BatchNorm folded in double and rounded once, where the network rounds at each step: a few units in the last
    # place of every layer, of which these networks have at most 60.
    FOLDING = 60 * 2.0**-22

    def test_equalization_is_exact(self):
        for model in sorted(glob.glob(os.path.join(MODELS, "*", "*.onnx"))):
            with self.subTest(model=os.path.basename(model)):
                network = os.path.basename(os.path.dirname(model))
                folded, _ = self.prepared(model, "folded.onnx")
                equalized, transforms = self.prepared(model, include_cle=True)
                self.assertEqual(transforms["include_cle"]["status"], "applied")
                runs = first_runs(network)
                self.assert_same_outputs(model, folded, runs, self.FOLDING)
                # Powers of two: not a bit changes.
                self.assert_same_outputs(folded, equalized, runs)

    def test_every_variant(self):
        variants = sorted(glob.glob(os.path.join(VARIANTS, "*.onnx")) + glob.glob(os.path.join(VARIANTS, "*", "*.onnx")))
        self.assertGreater(len(variants), 30)
        for model in variants:
            with self.subTest(model=os.path.relpath(model, VARIANTS)):
                network = "mbv2_digits" if "mbv2_digits" in model else "rn_digits"
                equalized, transforms = self.prepared(model, include_cle=True)
                self.assertEqual(transforms["include_cle"]["details"][0],
                                 "10 pairs" if network == "mbv2_digits" else "3 pairs")
                self.assert_same_outputs(model, equalized, first_runs(network), self.FOLDING)

    def test_names_and_everything_else_are_kept(self):
        model = os.path.join(MODELS, "mbv2_digits", "mbv2_digits.ts.op17.fold.onnx")
        before, after = onnx.load(model), onnx.load(self.prepared(model, include_cle=True)[0])
        names = {name for node in after.graph.node for name in node.output}
        for node in before.graph.node:
            if node.op_type in ("Conv", "Clip", "Gemm", "Add"):
                self.assertIn(node.output[0], names)
        self.assertEqual(before.graph.input, after.graph.input)
        self.assertEqual(before.graph.output, after.graph.output)
        self.assertEqual(before.opset_import, after.opset_import)
        convolutions = {node.name: node for node in after.graph.node if node.op_type == "Conv"}
        for node in before.graph.node:
            if node.op_type == "Conv":
                self.assertEqual(node, convolutions[node.name])

    def test_relu6_becomes_relu(self):
        model = os.path.join(MODELS, "mbv2_digits", "mbv2_digits.ts.op17.fold.onnx")
        converted, transforms = self.prepared(model, convert_relu6_to_relu=True)
        self.assertEqual(transforms["convert_relu6_to_relu"]["details"], ["11 ReLU6 became ReLU"])
        self.assertNotIn("Clip", {node.op_type for node in onnx.load(converted).graph.node})
        # The same network with its bounds taken off by hand.
        by_hand = onnx.load(model)
        for node in by_hand.graph.node:
            if node.op_type == "Clip":
                node.op_type = "Relu"
                del node.input[1:]
        onnx.save(by_hand, self.path("by_hand.onnx"))
        runs = first_runs("mbv2_digits")
        self.assert_same_outputs(self.path("by_hand.onnx"), converted, runs)
        self.assertFalse(np.array_equal(*(self.outputs(m, runs)[0]["logits"] for m in (model, converted))))

    def test_relu6_becomes_relu_in_every_variant(self):
        """Spellings of one network: without bounds they compute the same, but for weights rounded to float16."""
        variants = sorted(glob.glob(os.path.join(VARIANTS, "*mbv2_digits*.onnx")) +
                          glob.glob(os.path.join(VARIANTS, "*", "*mbv2_digits*.onnx")) +
                          glob.glob(os.path.join(MODELS, "mbv2_digits", "*.onnx")))
        variants = [model for model in variants if "fp16" not in os.path.basename(model)]
        self.assertGreater(len(variants), 4)
        runs = first_runs("mbv2_digits")
        wanted, _ = self.prepared(variants[-1], "wanted.onnx", convert_relu6_to_relu=True)
        for model in variants:
            with self.subTest(model=os.path.basename(model)):
                converted, transforms = self.prepared(model, convert_relu6_to_relu=True)
                self.assertEqual(transforms["convert_relu6_to_relu"]["details"], ["11 ReLU6 became ReLU"])
                self.assert_same_outputs(wanted, converted, runs, self.FOLDING)

    def test_vitis_recordings_of_either_give_the_same_up_to_rounding(self):
        """Its scales are no powers of two: rescaled values are those of the prepared network up to its rounding."""
        model = os.path.join(MODELS, "rn_digits", "rn_digits.ts.op17.fold.onnx")
        inputs = os.path.join(MODELS, "rn_digits", "calib.npz")
        config = self.config(include_cle=True, tensor_quantize_config={"weights": {"per_channel": True}})
        vitis = ("--compat", "vitis")
        prepared, transforms = self.prepared(model, "vitis.onnx", vitis, include_cle=True)
        self.assertEqual(transforms["include_cle"]["details"][0], "3 pairs")
        rescaled = self.tensors(model, config, self.record(model, inputs, config, "original", *vitis), *vitis)
        recorded = self.tensors(model, config, self.record(prepared, inputs, config, "prepared", *vitis), *vitis)
        self.assertEqual([tensor["name"] for tensor in rescaled], [tensor["name"] for tensor in recorded])
        for one, other in zip(rescaled, recorded):
            if one["role"] == "weights":
                self.assertEqual(one, other)
            elif one["role"] != "bias":  # whose scale is that of its input
                np.testing.assert_allclose(one["amax"], other["amax"], rtol=self.FOLDING, err_msg=one["name"])
        self.assertNotEqual(rescaled, recorded)

    def test_one_recording_serves_for_both(self):
        for network, spelling in (("mbv2_digits", "ts.op17.fold"), ("rn_digits", "dyn.op18.fold")):
            with self.subTest(network=network):
                model = os.path.join(MODELS, network, f"{network}.{spelling}.onnx")
                inputs = os.path.join(MODELS, network, "calib.npz")
                prepared, _ = self.prepared(model, include_cle=True)
                config = self.config(include_cle=True)
                original_dump = self.record(model, inputs, config, "original")
                prepared_dump = self.record(prepared, inputs, config, "recorded")
                rescaled = self.tensors(model, config, original_dump)
                # Powers of two: both ways give the same values, and so the same parameters, bit for bit.
                self.assertEqual(rescaled, self.tensors(model, config, prepared_dump))
                # The prepared model's own plan differs in nothing but what its types are called.
                same = ("name", "layer", "scale", "zero_point", "amax")
                self.assertEqual([[t[key] for key in same] for t in rescaled],
                                 [[t[key] for key in same] for t in self.tensors(prepared, config, prepared_dump)])


    def test_bounds_that_no_value_reaches_are_dropped(self):
        model = os.path.join(MODELS, "mbv2_digits", "mbv2_digits.ts.op17.fold.onnx")
        inputs = os.path.join(MODELS, "mbv2_digits", "calib.npz")
        runs = first_runs("mbv2_digits", None)
        config = self.config(include_cle=True)
        dump = self.record(model, inputs, config, "original")
        bounded, _ = self.prepared(model, "bounded.onnx", include_cle=True)
        dropped, transforms = self.prepared(model, "dropped.onnx", ("--dumps", dump), include_cle=True)
        reached = 0
        with open(os.path.join(dump, "manifest.json"), encoding="utf-8") as file:
            files = json.load(file)["tensors"]
        relu6 = [node.output[0] for node in onnx.load(model).graph.node if node.op_type == "Clip"]
        bounds = [node.output[0] for node in onnx.load(bounded).graph.node if node.op_type == "Min"]
        self.assertEqual((len(relu6), len(bounds)), (11, 10))
        for tensor in bounds:
            reached += max(np.load(os.path.join(dump, batch)).max() for batch in files[tensor]) >= 6
        self.assertEqual(transforms["include_cle"]["details"][0],
                         f"10 pairs; {10 - reached} of 10 ReLU6 bounds dropped, which no recorded value reaches")
        self.assertEqual(sum(node.op_type == "Min" for node in onnx.load(dropped).graph.node), reached)
        self.assertEqual(reached, 5)
        # On the calibration inputs not a bit differs; beyond them the bounds are missed.
        self.assert_same_outputs(bounded, dropped, runs)
        self.assert_same_outputs(self.prepared(model, "folded.onnx")[0], dropped, runs)
        louder = [{"input": 30 * runs[0]["input"]}]
        with self.assertRaises(AssertionError):
            self.assert_same_outputs(bounded, dropped, louder)
        # A recording of any of the three is one of the network, and says the same.
        config = self.config(include_cle=True)
        original = self.tensors(model, config, dump)
        for other in (bounded, dropped):
            self.assertEqual(original, self.tensors(model, config, self.record(other, inputs, config, "again")))
        # Without the switch a recording changes nothing.
        off, _ = self.prepared(model, "off.onnx", ("--dumps", self.record(model, inputs, self.config(), "plain")))
        with open(off, "rb") as after, open(self.path("folded.onnx"), "rb") as before:
            self.assertEqual(before.read(), after.read())

    def test_a_recording_that_relu6_cut_is_a_warning(self):
        """Target DPU: its share is that of the recording, and a recording of the prepared model has none."""
        model = os.path.join(MODELS, "mbv2_digits", "mbv2_digits.ts.op17.fold.onnx")
        inputs = os.path.join(MODELS, "mbv2_digits", "calib.npz")
        config = self.config(convert_relu6_to_relu=True)
        dump = self.record(model, inputs, config, "cut")
        with open(os.path.join(dump, "manifest.json"), encoding="utf-8") as file:
            files = json.load(file)["tensors"]
        relu6 = [node.output[0] for node in onnx.load(model).graph.node if node.op_type == "Clip"]
        values = {name: np.concatenate([np.load(os.path.join(dump, file)).ravel() for file in files[name]])
                  for name in relu6}
        everything = np.concatenate(list(values.values()))
        worst = max(values, key=lambda name: np.mean(values[name] >= 6))
        warning = self.warnings(model, config, dump)[-1]
        self.assertIn(f"{100 * np.mean(everything >= 6):.3g}% of the recorded values of 11 ReLU6 that became ReLU "
                      f"reach 6 ({100 * np.mean(values[worst] >= 6):.3g}% in {worst})", warning)
        self.assertIn("calib_run prepare --model", warning)
        prepared, _ = self.prepared(model, convert_relu6_to_relu=True)
        uncut = self.record(prepared, inputs, config, "uncut")
        self.assertIn("ReLU6 that became ReLU exceed 6", self.warnings(model, config, uncut)[-1])
        self.assertEqual(self.warnings(model, self.config(), self.record(model, inputs, self.config(), "plain")), [])


class GeneratedNetworks(Transforms):
    """Every kind of layer after every kind of layer; all of a chain is equalized, exactly."""

    SPELLINGS = ("clip", "relu-min", "max-min", "min-relu", "relu-clip", "clip-clip")

    def node(self, op, *inputs, **attributes):
        """Appends a node that reads the last output first, with random weights of the given shapes."""
        names = []
        for shape in inputs:
            names.append(f"p{len(self.parameters)}")
            spread = 2.0 ** self.random.integers(-4, 5, (shape[0],) + (1,) * (len(shape) - 1))
            values = self.random.standard_normal(shape) * spread
            self.parameters.append(numpy_helper.from_array(values.astype(np.float32), names[-1]))
        self.nodes.append(helper.make_node(op, [self.last, *names], [f"t{len(self.nodes)}"],
                                           name=f"n{len(self.nodes)}", **attributes))
        self.last = self.nodes[-1].output[0]

    def clamp(self, opset, spelling):
        scalars = {"zero": 0.0, "six": 6.0}
        if spelling == "clip" and opset < 11:
            return self.node("Clip", min=0.0, max=6.0)
        for name, value in scalars.items():
            if name not in {tensor.name for tensor in self.parameters}:
                self.parameters.append(numpy_helper.from_array(np.float32(value), name))
        if spelling == "clip":
            self.node("Clip")
            self.nodes[-1].input.extend(["zero", "six"])
        elif spelling == "relu-min":
            self.node("Relu")
            self.node("Min")
            self.nodes[-1].input.append("six")
        elif spelling == "max-min":
            self.node("Max")
            self.nodes[-1].input.append("zero")
            self.node("Min")
            self.nodes[-1].input.insert(0, "six")
        elif spelling == "min-relu":
            self.node("Min")
            self.nodes[-1].input.append("six")
            self.node("Relu")
        elif spelling == "relu-clip" and opset < 11:
            self.node("Relu")
            self.node("Clip", max=6.0)
        elif spelling == "clip-clip" and opset < 11:
            self.node("Clip", min=0.0)
            self.node("Clip", max=6.0)
        elif spelling == "relu-clip":
            self.node("Relu")
            self.node("Clip")
            self.nodes[-1].input.extend(["", "six"])
        elif spelling == "clip-clip":
            self.node("Clip")
            self.nodes[-1].input.append("zero")
            self.node("Clip")
            self.nodes[-1].input.extend(["", "six"])
        else:
            self.node(spelling)

    def network(self, opset, clamp):
        self.nodes, self.parameters, self.last = [], [], "x"
        self.node("Conv", (6, 3, 3, 3), (6,), pads=[1, 1, 1, 1])
        self.clamp(opset, clamp)
        self.node("Conv", (6, 1, 3, 3), (6,), group=6, pads=[1, 1, 1, 1])  # depthwise
        self.node("Relu")
        self.node("Conv", (12, 1, 3, 3), group=6)  # depthwise, two outputs each
        self.node("LeakyRelu", alpha=0.25)
        self.node("Conv", (8, 6, 1, 1), (8,), group=2)
        self.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
        self.node("ConvTranspose", (8, 3, 2, 2), (6,), group=2, strides=[2, 2])
        self.clamp(opset, clamp)
        self.node("ConvTranspose", (6, 4, 3, 3), (4,))
        self.node("AveragePool", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 0, 0])
        self.node("Conv", (5, 4, 3, 3), (5,), strides=[2, 2])
        self.clamp(opset, clamp)
        self.node("Flatten")
        self.node("Gemm", (7, 20), (7,), transB=1, alpha=0.5, beta=2.0)
        self.node("Relu")
        self.node("Gemm", (7, 3), (3,))
        return self.save(self.nodes, [info("x", "n", 3, 12, 12)], [info(self.last, "n", 3)], self.parameters, opset)

    def test_every_layer_and_spelling(self):
        images = [{"x": (self.random.standard_normal((2, 3, 12, 12)) * 2).astype(np.float32)} for _ in range(2)]
        for opset in (9, 10, 11, 13, 17, 21):
            for clamp in self.SPELLINGS:
                with self.subTest(opset=opset, clamp=clamp):
                    model = self.network(opset, clamp)
                    equalized, transforms = self.prepared(model, include_cle=True)
                    self.assertEqual(transforms["include_cle"]["details"][0], "8 pairs")
                    weights = [{t.name: t for t in onnx.load(m).graph.initializer} for m in (model, equalized)]
                    self.assertNotEqual(weights[0]["p0"], weights[1]["p0"])
                    self.assert_same_outputs(model, equalized, images)

    def test_every_spelling_of_relu6_becomes_relu(self):
        images = [{"x": (self.random.standard_normal((2, 3, 12, 12)) * 2).astype(np.float32)} for _ in range(2)]
        for opset in (9, 10, 11, 13, 17, 21):
            self.random = np.random.default_rng(3)
            wanted = self.outputs(self.network(opset, "Relu"), images)[0]
            for clamp in self.SPELLINGS:
                with self.subTest(opset=opset, clamp=clamp):
                    self.random = np.random.default_rng(3)
                    model = self.network(opset, clamp)
                    converted, transforms = self.prepared(model, convert_relu6_to_relu=True)
                    self.assertEqual(transforms["convert_relu6_to_relu"]["details"], ["3 ReLU6 became ReLU"])
                    np.testing.assert_array_equal(*[next(iter(outputs.values())) for outputs in
                                                    (wanted, self.outputs(converted, images)[0])])
                    self.assertFalse(np.array_equal(next(iter(self.outputs(model, images)[0].values())),
                                                    next(iter(wanted.values()))))

    def test_vitis_rule_is_exact_up_to_rounding(self):
        self.nodes, self.parameters, self.last = [], [], "x"
        for shape, group in (((6, 3, 3, 3), 1), ((6, 1, 3, 3), 6), ((8, 3, 1, 1), 2), ((4, 8, 3, 3), 1)):
            self.node("Conv", shape, (shape[0],), group=group)
            self.node("Relu")
        model = self.save(self.nodes, [info("x", 1, 3, 12, 12)], [info(self.last, 1, 4, 6, 6)], self.parameters, 17)
        prepared = self.path("vitis.onnx")
        done = run(CALIB_RUN, "prepare", "--json", "--compat", "vitis", "--model", model, "--config",
                   self.config(include_cle=True), "--out", prepared)
        self.assertEqual(json.loads(done)["transforms"]["include_cle"]["details"][0], "3 pairs")
        images = [{"x": self.random.standard_normal((1, 3, 12, 12)).astype(np.float32)}]
        # Four layers, each of sums of up to 72 products whose factors are rounded once more.
        self.assert_same_outputs(model, prepared, images, 4 * 72 * 2.0**-24)

    def test_relu6_stays_exact_where_it_cuts(self):
        """A bound a channel: the values above 6 are cut where they were."""
        self.nodes, self.parameters, self.last = [], [], "x"
        self.node("Conv", (4, 3, 3, 3), (4,))
        self.clamp(17, "clip")
        self.node("Conv", (2, 4, 3, 3))
        model = self.save(self.nodes, [info("x", 1, 3, 9, 9)], [info(self.last, 1, 2, 5, 5)], self.parameters, 17)
        images = [{"x": (self.random.standard_normal((1, 3, 9, 9)) * 100).astype(np.float32)}]
        exact, _ = self.prepared(model, include_cle=True)
        self.assertEqual([node.op_type for node in onnx.load(exact).graph.node], ["Conv", "Relu", "Min", "Conv"])
        self.assert_same_outputs(model, exact, images)


class WhatEachSwitchDoes(Transforms):
    def test_explain_lists_the_pairs_of_each_network(self):
        for network, file, pairs in (("rn_digits", "rn_digits.ts.op13.bn.onnx", 3),
                                     ("mbv2_digits", "mbv2_digits.ts.op13.bn.onnx", 10), ("cls", "cls.onnx", 15)):
            with self.subTest(network=network):
                explained = run(CALIB_RUN, "explain", "--json", "--model", os.path.join(MODELS, network, file), "--config",
                                self.config(include_cle=True))
                details = json.loads(explained)["transform_status"]["include_cle"]["details"]
                self.assertEqual(details[0], f"{pairs} pairs")
                self.assertEqual(sum(" before, " in line and " after" in line for line in details), pairs)

    def test_the_table_in_the_readme_is_that_of_the_script(self):
        tools = os.path.dirname(RECORD)
        printed = run(sys.executable, os.path.join(tools, "switches.py"), "--calib-run", CALIB_RUN, "--python",
                      sys.executable)
        rows = [line for line in printed.splitlines() if line.startswith("|")]
        self.assertEqual(len(rows), 2 + 6)
        with open(os.path.join(os.path.dirname(tools), "README.md"), encoding="utf-8") as file:
            readme = file.read().splitlines()
        for row in rows:
            # cls is recorded here, and another processor's onnxruntime may round otherwise.
            if not row.startswith("| cls"):
                self.assertIn(row, readme)


class Refusals(Transforms):
    def fails(self, *command):
        with self.assertRaises(AssertionError) as failure:
            run(*command)
        return str(failure.exception)

    def test_networks_of_other_types_are_refused(self):
        half = [numpy_helper.from_array(self.random.standard_normal(shape).astype(np.float16), name)
                for name, shape in (("w", (2, 2, 1, 1)), ("v", (2, 2, 1, 1)), ("mean", (2,)), ("var", (2,)))]
        nodes = [helper.make_node("Conv", ["x", "w"], ["c"]),
                 helper.make_node("BatchNormalization", ["c", "mean", "mean", "mean", "var"], ["y"])]
        type = onnx.TensorProto.FLOAT16
        model = self.save(nodes, [info("x", 1, 2, 4, 4, type=type)], [info("y", 1, 2, 4, 4, type=type)], half, 15)
        message = self.fails(CALIB_RUN, "prepare", "--model", model, "--config", self.config(), "--out", self.path("p.onnx"))
        self.assertIn("exit 2", message)
        self.assertIn("only float32 networks can be written", message)
        self.assertFalse(os.path.exists(self.path("p.onnx")))

    def test_the_model_is_not_overwritten(self):
        model = os.path.join(MODELS, "rn_digits", "rn_digits.ts.op17.fold.onnx")
        self.assertIn("exit 2", self.fails(CALIB_RUN, "prepare", "--model", model, "--out", model))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
