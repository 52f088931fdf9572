"""Networks that nobody prepared: built here, run in onnxruntime, recorded, calibrated.

    networks.py CALIB_RUN RECORD.py MODELS
"""
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CALIB_RUN, RECORD, MODELS = sys.argv[1:4]
sys.path.insert(0, os.path.dirname(RECORD))  # for its neighbours


def inputs_of(network):
    """The file of inputs that the shipped network is calibrated on."""
    return os.path.join(MODELS, network, "calib32.npz" if network == "cls" else "calib.npz")


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Workplace(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.random = np.random.default_rng(1)

    def path(self, name):
        return os.path.join(self.folder, name)

    def weights(self, name, *shape):
        return numpy_helper.from_array((self.random.standard_normal(shape) * 0.2).astype(np.float32), name)

    def save(self, nodes, inputs, outputs, initializers, opset, domains=()):
        graph = helper.make_graph(nodes, "net", inputs, outputs, initializers)
        imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid(domain, 1) for domain in domains]
        # onnxruntime takes no newer IR than it knows, and older opsets need none.
        model = helper.make_model(graph, opset_imports=imports, ir_version=10 if opset > 20 else 8)
        path = self.path("net.onnx")
        onnx.save(model, path)
        return path

    def calibrated(self, model, runs, config="cpu.json", format="npy"):
        """{(name, role): tensor} of record -> calibrate, every group quantized."""
        if not isinstance(runs, str):
            np.savez(self.path("inputs.npz"), **{f"{i}|{k}": v for i, feed in enumerate(runs) for k, v in feed.items()})
            runs = self.path("inputs.npz")
        config = os.path.join(MODELS, "configs", config)
        dump, out = self.path("dump_" + format), self.path("out")
        run(sys.executable, RECORD, model, runs, dump, "--config", config, "--placement", "groups",
            "--calib-run", CALIB_RUN, "--format", format)
        run(CALIB_RUN, "calibrate", "--quiet", "--model", model, "--dumps", dump, "--config", config, "--placement",
            "groups", "--out", out)
        with open(os.path.join(out, "quant_params.json"), encoding="utf-8") as file:
            tensors = json.load(file)["tensors"]
        for tensor in tensors:
            self.assertTrue(tensor["scale"], tensor["name"])
            for scale, zero_point in zip(tensor["scale"], tensor["zero_point"]):
                self.assertTrue(math.isfinite(scale) and scale > 0, tensor["name"])
                self.assertTrue(tensor["qmin"] <= zero_point <= tensor["qmax"], tensor["name"])
        return {(tensor["name"], tensor["role"]): tensor for tensor in tensors}

    def explained(self, model):
        return run(CALIB_RUN, "explain", "--model", model, "--config", os.path.join(MODELS, "configs", "cpu.json"),
                   "--placement", "groups")


def info(name, *shape, type=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, type, shape)


class TransformerBlock(Workplace):
    """Embedding, LayerNorm, one head of attention, Gelu, residuals."""

    def build(self):
        width, words = 16, 50
        node = helper.make_node
        nodes = [
            node("Gather", ["embedding", "tokens"], ["embedded"], name="embed"),
            node("LayerNormalization", ["embedded", "ln.weight", "ln.bias"], ["normed"], name="ln", axis=-1),
            node("MatMul", ["normed", "q.weight"], ["q0"], name="q"),
            node("Add", ["q0", "q.bias"], ["query"], name="q_add"),
            node("MatMul", ["normed", "k.weight"], ["key"], name="k"),
            node("MatMul", ["normed", "v.weight"], ["value"], name="v"),
            node("Transpose", ["key"], ["key_t"], name="key_transpose", perm=[0, 2, 1]),
            node("MatMul", ["query", "key_t"], ["scores"], name="scores_matmul"),
            node("Mul", ["scores", "root"], ["scaled"], name="scale"),
            node("Softmax", ["scaled"], ["attention"], name="softmax", axis=-1),
            node("MatMul", ["attention", "value"], ["context"], name="context_matmul"),
            node("Add", ["embedded", "context"], ["residual"], name="residual_add"),
            node("MatMul", ["residual", "mlp.weight"], ["up0"], name="mlp"),
            node("Gelu", ["up0"], ["up"], name="gelu"),
            node("MatMul", ["up", "down.weight"], ["down"], name="down"),
            node("Erf", ["down"], ["out"], name="erf"),
        ]
        initializers = [
            self.weights("embedding", words, width), self.weights("ln.weight", width), self.weights("ln.bias", width),
            self.weights("q.weight", width, width), self.weights("q.bias", width),
            self.weights("k.weight", width, width), self.weights("v.weight", width, width),
            self.weights("mlp.weight", width, 4 * width), self.weights("down.weight", 4 * width, width),
            numpy_helper.from_array(np.float32(0.25), "root"),
        ]
        tokens = info("tokens", "batch", "length", type=TensorProto.INT64)
        return self.save(nodes, [tokens], [info("out", "batch", "length", width)], initializers, opset=20)

    def test_records_and_calibrates(self):
        model = self.build()
        # Sentences of different lengths: batches of different shapes.
        runs = [{"tokens": self.random.integers(0, 50, (2, length))} for length in (5, 9, 3)]
        tensors = self.calibrated(model, runs)
        # Both inputs of both products of two activations.
        for name in ("query", "key_t", "attention", "value"):
            self.assertIn((name, "activation"), tensors)
        self.assertIn(("ln.weight", "weights"), tensors)
        self.assertIn(("ln.bias", "bias"), tensors)
        self.assertIn(("q.bias", "bias"), tensors)
        for name in ("q.weight", "k.weight", "v.weight", "mlp.weight", "down.weight"):
            self.assertEqual(tensors[name, "weights"]["axis"], 1, name)
        self.assertIn("softmax", {tensor["layer"] for tensor in tensors.values()})
        self.assertIn("gelu", {tensor["layer"] for tensor in tensors.values()})
        explained = self.explained(model)
        self.assertIn("Erf", explained)
        self.assertIn("stay in float", explained)

    def test_both_layouts_of_dumps_give_the_same(self):
        model = self.build()
        runs = [{"tokens": self.random.integers(0, 50, (2, 4))} for _ in range(3)]
        self.assertEqual(self.calibrated(model, runs, format="npy"), self.calibrated(model, runs, format="safetensors"))


class EveryOpset(Workplace):
    """Conv with auto_pad, Clip with attributes or inputs, a Resize with omitted inputs, two inputs, two outputs."""

    def build(self, opset, image="image/with:odd;name.[0]"):
        node = helper.make_node
        clip_inputs = ["c0"] if opset < 11 else ["c0", "", "six"]
        clip_attributes = {"max": 6.0} if opset < 11 else {}
        nodes = [
            node("Conv", [image, "conv.weight", "conv.bias"], ["c0"], auto_pad="SAME_UPPER", strides=[2, 2]),
            node("Clip", clip_inputs, ["c1"], **clip_attributes),
            node("BatchNormalization", ["c1", "bn.scale", "bn.shift", "bn.mean", "bn.var"], ["c2"]),
            node("Add", ["c2", "bias map"], ["c3"]),
            node("GlobalAveragePool", ["c3"], ["pooled"]),
            node("Flatten", ["pooled"], ["flat"]),
            node("Gemm", ["flat", "fc.weight", "fc.bias"], ["logits"], transB=1),
            node("Gather", ["c3", "row"], ["\N{GREEK SMALL LETTER ALPHA}\n"], axis=2),
        ]
        initializers = [
            self.weights("conv.weight", 4, 3, 3, 3), self.weights("conv.bias", 4), self.weights("fc.weight", 5, 4),
            self.weights("fc.bias", 5),
            self.weights("bn.scale", 4), self.weights("bn.shift", 4), self.weights("bn.mean", 4),
            numpy_helper.from_array(np.ones(4, np.float32), "bn.var"),
        ]
        if opset >= 11:
            initializers.append(numpy_helper.from_array(np.float32(6.0), "six"))
        if opset >= 13:  # the first in which Resize may omit its region
            nodes.append(node("Resize", ["c3", "", "scales"], ["large"], mode="nearest"))
            initializers.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales"))
        inputs = [info(image, "n", 3, 9, 9), info("bias map", "n", 4, 5, 5), info("row", type=TensorProto.INT64)]
        outputs = [info("logits", "n", 5), info("\N{GREEK SMALL LETTER ALPHA}\n", "n", 4, 5)]
        return self.save(nodes, inputs, outputs, initializers, opset)

    def test_plans_and_calibrates_alike(self):
        image = "image/with:odd;name.[0]"
        counts = {}
        for opset in range(9, onnx.defs.onnx_opset_version() + 1):
            with self.subTest(opset=opset):
                model = self.build(opset)
                runs = [{image: self.random.standard_normal((2, 3, 9, 9)).astype(np.float32),
                         "bias map": self.random.standard_normal((2, 4, 5, 5)).astype(np.float32),
                         "row": np.int64(1)} for _ in range(2)]
                tensors = self.calibrated(model, runs)
                self.assertIn((image, "input"), tensors)
                self.assertIn(("bias map", "input"), tensors)
                self.assertNotIn(("row", "input"), tensors)
                self.assertEqual(len(tensors["conv.weight", "weights"]["scale"]), 4)
                self.assertIn("conv.bias", {name for name, role in tensors if role == "bias"})
                without_resize = [t for t in tensors.values() if t["layer_type"] not in ("Resize", "Upsample")]
                counts[opset] = len(without_resize)
        self.assertEqual(len(set(counts.values())), 1, counts)

    def test_operators_of_other_domains_stay_in_float(self):
        nodes = [helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
                 helper.make_node("Sparkle", ["c"], ["s"], name="custom", domain="com.example"),
                 helper.make_node("Relu", ["s"], ["y"], name="relu")]
        model = self.save(nodes, [info("x", 1, 3, 8, 8)], [info("y", None)], [self.weights("w", 4, 3, 3, 3)], 17,
                          domains=["com.example"])
        explained = self.explained(model)
        self.assertIn("activation of conv (Conv2d)", explained)
        self.assertIn("com.example.Sparkle", explained)


class HalfPrecision(Workplace):
    """A network in float16 throughout: weights, activations and their dumps."""

    def build(self, real, name):
        kernel, shift = np.random.default_rng(2).standard_normal((2, 4, 3, 3, 3)).astype(np.float16)
        initializers = [numpy_helper.from_array(kernel.astype(real), "w"),
                        numpy_helper.from_array(shift[:, 0, 0, 0].astype(real), "b")]
        nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], auto_pad="SAME_LOWER"),
                 helper.make_node("Relu", ["c"], ["y"])]
        type = helper.np_dtype_to_tensor_dtype(np.dtype(real))
        model = self.save(nodes, [info("x", 1, 3, 8, 8, type=type)], [info("y", 1, 4, 8, 8, type=type)], initializers, 17)
        os.rename(model, self.path(name))
        return self.path(name)

    def test_gives_the_weights_of_single_precision(self):
        images = self.random.standard_normal((3, 1, 3, 8, 8)).astype(np.float16)
        half = self.calibrated(self.build(np.float16, "half.onnx"), [{"x": image} for image in images])
        single = self.calibrated(self.build(np.float32, "single.onnx"), [{"x": image.astype(np.float32)} for image in images])
        self.assertEqual(half.keys(), single.keys())
        for exact in (("w", "weights"), ("x", "input")):
            self.assertEqual(half[exact], single[exact])
        # Computed in 11 bits: the largest output is off by a few units in the last place.
        self.assertAlmostEqual(half["y", "activation"]["amax"][0] / single["y", "activation"]["amax"][0], 1, delta=0.01)


class ShippedNetwork(Workplace):
    """PP-OCR's text-direction classifier on its own calibration inputs."""

    def test_every_convolution(self):
        model = os.path.join(MODELS, "cls", "cls.onnx")
        for config in ("cpu.json", "gpu.json", "dpu.json"):
            with self.subTest(config=config):
                tensors = self.calibrated(model, os.path.join(MODELS, "cls", "calib32.npz"), config)
                convolutions = [t for t in tensors.values() if t["layer_type"] == "Conv2d"]
                self.assertEqual(sum(t["role"] == "weights" for t in convolutions), 53)
                biases = 0 if config == "gpu.json" else 53  # which TensorRT wants in float
                self.assertEqual(sum(t["role"] == "bias" for t in convolutions), biases)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
