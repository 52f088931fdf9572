#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: make_corpus.py tests/fuzz/corpus

Small files in which every feature of each format occurs, so that the fuzzers start behind the first checks. Files
that a fuzzer found (crash-*, found-*) stand beside them and are left alone.
Needs the packages of tests/python/requirements.txt.
"""
import hashlib
import io
import json
import pathlib
import struct
import sys
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HASH = "0123456789abcdef" * 4


def npy(array, version=(1, 0)):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version=version)
    return file.getvalue()


def raw_npy(dictionary, values=b"", version=1):
    length = struct.pack("<H" if version == 1 else "<I", len(dictionary))
    return b"\x93NUMPY" + bytes([version, 0]) + length + dictionary.encode() + values


def npy_seeds():
    f32 = np.arange(6, dtype="<f4")
    yield "v1", npy(f32.reshape(2, 3))
    yield "v2", npy(f32, (2, 0))
    yield "v3", npy(f32, (3, 0))
    yield "v9", b"\x93NUMPY\x09\x00" + npy(f32)[8:]
    yield "fortran", npy(np.asfortranarray(f32.reshape(2, 3)))
    yield "scalar", npy(np.float64(1.5))
    yield "empty", npy(np.zeros((0, 3), "<f2"))
    yield "trailing", npy(f32) + b"more"
    yield "truncated", npy(f32)[:-1]
    for dtype in (">f4", "<i4", "|b1", "<c8", "<U3", "|V2", "|O", "<f16", "<M8[s]", [("a", "<f4"), ("b", "<i2", (2,))]):
        name = "structured" if isinstance(dtype, list) else dtype.strip("<>|").replace("[", "_").replace("]", "")
        array = np.zeros(2, dtype)
        header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": (2,)}
        yield "dtype_" + name, raw_npy(str(header), bytes(2 * array.itemsize))
    shape = "{'descr': '<f4', 'fortran_order': False, 'shape': %s}"
    for name, text in {"python2": "(1L, 1L)", "no_comma": "(1)", "overflow": "(99999999999999999999,)",
                       "product": "(4294967296, 4294967296, 16)", "negative": "(-1,)", "gap": "(1 2)",
                       "dimensions": "(" + "1," * 70 + ")"}.items():
        yield "shape_" + name, raw_npy(shape % text, bytes(4))
    for name, text in {
            "twice": "{'descr': '<f4', 'descr': '<f4'}", "order": "{'fortran_order': 1}", "open": "{'descr': '<f4",
            "order_twice": "{'fortran_order': True, 'fortran_order': True}",
            "shape_twice": "{'shape': (), 'shape': ()}",
            "key": "{'colour': 1}", "no_descr": "{}", "no_shape": "{'descr': '<f4', 'fortran_order': True}",
            "no_order": "{'descr': '<f4'}", "list": "{'descr': [('a', '<f4')", "escape": "{'descr': '\\\\x'}",
            "behind": "{'descr': '<f4', 'fortran_order': False, 'shape': ()} and"}.items():
        yield "dict_" + name, raw_npy(text, bytes(4))


def zip_of(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return file.getvalue()


def npz_seeds():
    one = npy(np.arange(4, dtype="<f4"))
    plain = [("input.npy", one), ("conv1.npy", npy(np.ones((2, 3), "<f2")))]
    yield "stored", zip_of(plain)
    yield "deflated", zip_of(plain, zipfile.ZIP_DEFLATED)
    yield "hash", zip_of(plain + [("__model_sha256__.npy", npy(np.array(HASH)))])
    yield "hash_bytes", zip_of([("__model_sha256__.npy", npy(np.array(HASH.encode())))])
    yield "hash_integer", zip_of([("__model_sha256__.npy", npy(np.int32(7)))])
    yield "hash_short", zip_of([("__model_sha256__.npy", npy(np.array("abc")))])
    yield "integers", zip_of([("labels.npy", npy(np.arange(3)))], zipfile.ZIP_DEFLATED)
    yield "fortran", zip_of([("a.npy", npy(np.asfortranarray(np.eye(3, dtype="<f4"))))], zipfile.ZIP_DEFLATED)
    yield "text_member", zip_of([("readme.txt", b"hello")])
    yield "bzip2", zip_of(plain[:1], zipfile.ZIP_BZIP2)
    yield "empty", zip_of([])
    encrypted = bytearray(zip_of(plain[:1]))
    encrypted[6] |= 1
    encrypted[encrypted.rindex(b"PK\x01\x02") + 8] |= 1
    yield "encrypted", bytes(encrypted)
    bomb = bytearray(zip_of(plain[:1], zipfile.ZIP_DEFLATED))
    at = bomb.rindex(b"PK\x01\x02") + 24
    bomb[at:at + 4] = b"\xff\xff\xff\x7f"
    yield "bomb", bytes(bomb)
    damaged = bytearray(zip_of(plain[:1]))
    damaged[damaged.index(b"NUMPY") + 130] ^= 1
    yield "checksum", bytes(damaged)
    twice = bytearray(zip_of([("a.npy", one), ("b.npy", one)]))
    yield "same_name", bytes(twice.replace(b"b.npy", b"a.npy"))
    yield "huge", zip_of([("a.npy", npy(np.zeros(1 << 16, "<f4")))], zipfile.ZIP_DEFLATED)


def safetensors(header, values=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


def safetensors_seeds():
    def entry(dtype="F32", shape=(2,), begin=0, end=8):
        return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}

    yield "two", safetensors({"__metadata__": {"model_sha256": HASH}, "a": entry(), "b": entry("BF16", (2, 2), 8, 16)},
                             bytes(16))
    yield "others", safetensors({"a": entry("I64", (1,)), "b": entry("F4_NEW", (16,), 8, 16)}, bytes(16))
    yield "halves", safetensors({"a": entry("F64", (1,)), "b": entry("F16", (), 8, 10),
                                 "c": entry("F16", (0,), 10, 10)}, bytes(10))
    yield "empty", safetensors({})
    yield "gap", safetensors({"a": entry(begin=1, end=9)}, bytes(9))
    yield "overlap", safetensors({"a": entry(), "b": entry(begin=4, end=12)}, bytes(12))
    yield "rest", safetensors({"a": entry()}, bytes(9))
    yield "beyond", safetensors({"a": entry(end=80)}, bytes(8))
    yield "size", safetensors({"a": entry(shape=(3,))}, bytes(8))
    yield "product", safetensors({"a": entry(shape=(1 << 62, 1 << 62))}, bytes(8))
    yield "twice", safetensors(b'{"a": 1, "a": 2}')
    yield "list", safetensors(b"[]")
    yield "metadata", safetensors({"__metadata__": 1})
    yield "hash", safetensors({"__metadata__": {"model_sha256": "x"}})
    yield "no_hash", safetensors({"__metadata__": {}})
    yield "no_object", safetensors({"a": 1})
    yield "no_dtype", safetensors({"a": {}})
    yield "dtype", safetensors({"a": {"dtype": 1}})
    yield "no_shape", safetensors({"a": {"dtype": "F32"}})
    yield "shape", safetensors({"a": {"dtype": "F32", "shape": [-1, 0.5, 1e999]}})
    yield "offsets", safetensors({"a": {"dtype": "F32", "shape": [], "data_offsets": [1]}})
    yield "depth", safetensors(b"[" * 100)
    yield "zero", safetensors(b"{}\0")
    yield "syntax", safetensors(b'{"a\\"": [1, }')
    yield "long", b"\xff\xff\xff\x7f\xff\xff\xff\x7f{}"
    yield "truncated", b"\x40\0\0\0\0\0\0\0{}"
    yield "short", b"\x40\0\0"


JSON_DEFECTS = {
    "empty": "", "open": "{", "depth": "[" * 100, "number": "1e999", "zero": "{}\0", "latin1": "{\"\udcff\": 1}",
    "surrogate": "{\"\\ud800\": 1}", "twice": "{\"a\": 1, \"a\": 2}", "list": "[1, 2]", "behind": "{} {}",
    "digits": "{\"a\": " + "9" * 400 + "}"}


def json_defects():
    for name, text in JSON_DEFECTS.items():
        yield "json_" + name, text.encode(errors="surrogateescape")


def manifest_seeds():
    tensors = {"conv1.output": ["0.npy", "a/1.npy"], "x": []}
    yield "whole", json.dumps({"model_sha256": HASH, "tensors": tensors}).encode()
    yield "null_hash", b'{"model_sha256": null, "tensors": {}, "more": [{"x": 1.5}]}'
    for name, text in {"hash": '{"model_sha256": "12"}', "no_tensors": "{}", "tensors": '{"tensors": []}',
                       "no_name": '{"tensors": {"": []}}', "files": '{"tensors": {"a": 1}}',
                       "file": '{"tensors": {"a": [1]}}', "no_file": '{"tensors": {"a": [""]}}',
                       "absolute": '{"tensors": {"a": ["/etc/passwd"]}}',
                       "outside": '{"tensors": {"a": ["b/../../c"]}}',
                       "same": '{"tensors": {"a": [], "a": []}}', "zero_name": '{"tensors": {"a": ["b\\u0000c"]}}'
                       }.items():
        yield name, text.encode()
    yield from json_defects()


def quant_params_seeds():
    tensor = {"name": "conv1", "role": "activation", "layer": "conv1", "layer_type": "Conv2d", "datatype": "int",
              "bit_width": 8, "qmin": -128, "qmax": 127, "signed": True, "symmetric": True,
              "granularity": "per_tensor", "axis": None, "method": "diffs", "round_mode": "half_up",
              "scale_type": "power_of_two", "scale": [0.5], "zero_point": [0], "amax": [1.25], "fix_pos": [1],
              "batches": 2, "batch_statistic": "modal", "calib_scope": "per_batch",
              "per_batch": {"scale": [0.5, 0.5], "zero_point": [0, 0], "amax": [1.0, 1.25]}, "elements": 64,
              "non_finite": 0}
    channels = tensor | {"name": "conv1.weight", "role": "weights", "granularity": "per_channel", "axis": 0,
                         "scale": [0.1, 3e-39], "zero_point": [0, 1], "amax": [1, 2], "fix_pos": None,
                         "per_batch": {"scale": [[0.1, 3e-39]], "zero_point": [[0, 1]], "amax": [[1, 2]]}}
    correction = {"layer": "conv1", "layer_type": "Conv2d", "weights": "conv1.weight", "bias": "conv1.bias",
                  "kept": True, "reason": None, "samples": 96, "held_back": 32, "error_before": 0.5,
                  "error_after": 0.25, "added": [0.1, -0.1], "corrected": [1, 0.1]}
    refused = correction | {"bias": None, "kept": False, "reason": "no better", "added": [], "corrected": []}
    origin = {"model": {"path": "a.onnx", "sha256": HASH}, "config": {"target_device": "DPU"}, "tensors": []}
    yield "whole", json.dumps({"qcal": "1", "tensors": [tensor, channels]}).encode()
    yield "twice", json.dumps({"tensors": [tensor, tensor]}).encode()
    yield "corrections", json.dumps(origin | {"bias_correction": [correction, refused]}).encode()
    for name, change in {"correction": {"layer": 1}, "samples": {"samples": -1}, "added": {"added": ["x"]},
                         "corrected": {"corrected": [1e300]}}.items():
        yield name, json.dumps(origin | {"bias_correction": [correction | change]}).encode()
    yield "no_config", json.dumps({"model": {"sha256": None}, "tensors": [], "bias_correction": []}).encode()
    for name, change in {"lengths": {"amax": []},
                         "no_scale": {"scale": [], "zero_point": [], "amax": [], "fix_pos": []},
                         "word": {"role": "colour"}, "string": {"name": 1}, "boolean": {"signed": 1},
                         "integer": {"bit_width": 1 << 40}, "long": {"qmin": 0.5}, "count": {"elements": -1},
                         "number": {"scale": ["0.5"]}, "list": {"scale": 1}, "history": {"per_batch": []},
                         "float": {"datatype": "float32", "scale": [], "zero_point": [], "amax": [], "fix_pos": None},
                         "several": {"scale": [1, 2], "zero_point": [0, 0], "amax": [1, 2], "fix_pos": None}}.items():
        yield name, json.dumps({"tensors": [tensor | change]}).encode()
    yield from json_defects()


def config_seeds(repository):
    for file in sorted((repository / "tests/data/config").glob("*.json")):
        if file.name == "config_resolution.json":
            for number, case in enumerate(json.loads(file.read_text())[:12]):
                yield f"resolution_{number}", json.dumps(case["json"]).encode()
        else:
            yield file.stem, file.read_bytes()
    for file in sorted((repository / "models/configs").glob("*.json")):
        yield "model_" + file.stem, file.read_bytes()
    for name, text in {
            "comments": '{ // device\n "target_device": "CPU", /* all */ '
                        '"overall_quantize_config": {"bit_width": 4,}, }',
            "misspelt": '{"target_devise": "DPU", "overall_quantize_config": {"methd": "mse", "bit_width": "8"}}',
            "values": '{"target_device": "TPU", "overall_quantize_config": {"bit_width": 77, "percentage": -1, '
                      '"method": "best", "symmetry": 3, "search_start": "never", "datatype": "int9"}}',
            "layers": '{"target_device": "GPU", "layer_quantize_config": [{"layer_type": "Conv", '
                      '"quantizable_data_type": ["weights", "colour"], "overall_quantize_config": {"bit_width": 4}}, '
                      '{"layer_name": "fc*", "tensor_quantize_config": {"weights": {"datatype": "float32", '
                      '"percentage": 99.9, "search_start": 700, "signed": "auto"}}}, {}, 7]}',
            "literals": '{"target_device": None, "x": True}', "string": '"\\q"', "newline": '{"a\n": 1}',
            "control": '{"a\t": 1}', "bom": "\ufeff{}", "fraction": "[1.]", "exponent": "[1e]", "hex": '"\\u12x4"',
            "colon": '{"a" 1}', "comma": '{"a": 1 "b": 2}', "element": "[1 2]", "name": "{1: 2}", "comment": "{} /* ",
            "slash": "{} / ", "unclosed": '{"a": "b', "space": " \n",
            "odd_keys": '{"a b": 1, "$schema": 1, "\\"": [{}]}'
            }.items():
        yield name, text.encode()
    yield "utf16", '{"a": 1}'.encode("utf-16")
    yield from json_defects()


def floats(name, *shape):
    return numpy_helper.from_array(np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape), name)


def integers(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def scalar(name, value):
    return numpy_helper.from_array(np.array(value), name)


def model(nodes, inputs, outputs, constants=(), opset=17, **more):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs], list(constants), **more)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def every_storage():
    """Tensors of every type, raw and in fields."""
    for number, values in {TensorProto.FLOAT: [0.5], TensorProto.DOUBLE: [0.5], TensorProto.FLOAT16: [0.5],
                           TensorProto.BFLOAT16: [0.5], TensorProto.BOOL: [True], TensorProto.UINT8: [1],
                           TensorProto.INT8: [-1], TensorProto.UINT16: [1], TensorProto.INT16: [-1],
                           TensorProto.INT32: [-1], TensorProto.UINT32: [1], TensorProto.INT64: [-1],
                           TensorProto.UINT64: [1], TensorProto.STRING: [b"s"]}.items():
        tensor = helper.make_tensor(f"t{number}", number, [1], values)
        yield tensor
        if number != TensorProto.STRING:
            raw = TensorProto()
            raw.name, raw.data_type = f"raw{number}", number
            raw.dims.append(1)
            raw.raw_data = numpy_helper.to_array(tensor).tobytes()
            yield raw


def external(**entries):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 2, 1, 1], data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def onnx_models():
    node = helper.make_node
    image = [("x", [1, 2, 4, 4])]
    yield "conv", model(
        [node("Conv", ["x", "w", "b"], ["c"], "conv", pads=[1, 1, 1, 1]),
         node("BatchNormalization", ["c", "s", "h", "m", "v"], ["n"], "bn"), node("Clip", ["n", "", "six"], ["r"]),
         node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
         node("GlobalAveragePool", ["p"], ["g"]), node("Flatten", ["g"], ["f"]),
         node("Gemm", ["f", "fc", "fb"], ["y"], "fc", transB=1)], image, ["y"],
        [floats("w", 4, 2, 3, 3), floats("b", 4), floats("s", 4), floats("h", 4), floats("m", 4), floats("v", 4),
         floats("six"), floats("fc", 3, 4), floats("fb", 3)])
    yield "fold", model(
        [node("Constant", [], ["w0"], value=floats("", 4, 2, 1, 1)), node("Identity", ["w0"], ["w1"]),
         node("Constant", [], ["k"], value_float=2.0), node("Mul", ["w1", "k"], ["w"]),
         node("Pad", ["x", "pads"], ["xp"]), node("Conv", ["xp", "w"], ["c"]), node("Add", ["c", "cb"], ["y0"]),
         node("Dropout", ["y0"], ["y1"]), node("ReduceMean", ["y1"], ["y"], axes=[2, 3])], image, ["y"],
        [integers("pads", 0, 0, 1, 1, 0, 0, 1, 1), floats("cb", 4, 1, 1)])
    yield "shapes", model(
        [node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"]), node("Unsqueeze", ["n", "axis"], ["n1"]),
         node("Concat", ["n1", "rest"], ["to"], axis=0), node("Reshape", ["x", "to"], ["r"]),
         node("MatMul", ["r", "m"], ["mm"]), node("Add", ["mm", "mb"], ["a"]), node("Softmax", ["a"], ["y"])],
        image, ["y"], [scalar("zero", np.int64(0)), integers("axis", 0), integers("rest", -1),
                       floats("m", 32, 5), floats("mb", 5)])
    yield "constants", model(
        [node("ConstantOfShape", ["sh"], ["z"]), node("Range", ["r0", "r1", "r2"], ["r"]),
         node("Expand", ["k", "sh"], ["e"]), node("Tile", ["e", "sh"], ["t"]), node("Transpose", ["t"], ["tt"]),
         node("Slice", ["tt", "axis", "two"], ["sl"]), node("Cast", ["r"], ["rf"], to=1),
         node("ReduceSum", ["sl"], ["rs"]), node("Where", ["cond", "rs", "k"], ["wh"]), node("Mul", ["x", "wh"], ["m"]),
         node("Split", ["m"], ["p", "q"], axis=1), node("Squeeze", ["z"], ["zs"]), node("Add", ["q", "rf"], ["y"])],
        image, ["y", "p", "zs"],
        [integers("sh", 2, 2), scalar("r0", np.int64(0)), scalar("r1", np.int64(4)), scalar("r2", np.int64(1)),
         floats("k"), integers("axis", 0), integers("two", 2),
         scalar("cond", np.bool_(True))])
    yield "transposed", model(
        [node("ConvTranspose", ["x", "w"], ["c"], strides=[2, 2], group=2), node("PRelu", ["c", "slope"], ["p"]),
         node("Resize", ["p", "", "scales"], ["r"], mode="nearest"), node("Concat", ["r", "r"], ["k"], axis=1),
         node("LayerNormalization", ["k", "ls"], ["l"]), node("HardSwish", ["l"], ["y"])], image, ["y"],
        [floats("w", 2, 3, 2, 2), floats("slope", 6, 1, 1), floats("scales", 4), floats("ls", 16)])
    branch = [helper.make_graph([node("Conv", ["x", "w"], [out])], out,
                                [], [helper.make_tensor_value_info(out, TensorProto.FLOAT, None)]) for out in "ab"]
    yield "if_constant", model(
        [node("If", ["yes"], ["y"], then_branch=branch[0], else_branch=branch[1])], image, ["y"],
        [floats("w", 4, 2, 1, 1), scalar("yes", np.bool_(True))])
    yield "if", model(
        [node("ReduceMax", ["x"], ["m"], keepdims=0), node("Cast", ["m"], ["yes"], to=9),
         node("If", ["yes"], ["y"], then_branch=branch[0], else_branch=branch[1])], image, ["y"],
        [floats("w", 4, 2, 1, 1)])
    named = model([node("Conv", ["x", "w"], ["y"], "/layer1/layer1.0/conv1/Conv"),
                   node("Custom", ["y", ""], ["z", ""], domain="com.example", f=[1.0], s="t", strings=["a"])],
                  [("x", ["N", 2, 4, 4]), ("unused", None)], ["z"], [floats("w", 4, 2, 1, 1)],
                  value_info=[helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 4, 4])])
    named.graph.node[0].metadata_props.add(key="pkg.torch.onnx.name_scopes",
                                           value="['', 'layer1', 'layer1.0', 'layer1.0.conv1']")
    yield "names", named
    yield "storages", model([node("Relu", ["x"], ["y"])], image, ["y"], list(every_storage()))
    relu = [node("Relu", ["x"], ["y"])]
    conv = [node("Conv", ["x", "w"], ["y"])]
    yield "external", model(conv, image, ["y"], [external(location="weights.bin", offset="4", length="32")])
    for name, entries in {"escape": {"location": "../fuzz_onnx.cpp"}, "absolute": {"location": "/etc/passwd"},
                          "missing": {"location": "none.bin"}, "directory": {"location": "."}, "nowhere": {},
                          "beyond": {"location": "weights.bin", "offset": "99"},
                          "offset": {"location": "weights.bin", "offset": "x"},
                          "length": {"location": "weights.bin", "length": "1"}}.items():
        yield "external_" + name, model(conv, image, ["y"], [external(**entries)])
    for name, change in {"negative": {"dims": [-1]}, "elements": {"dims": [1 << 40, 2]},
                         "zero": {"dims": [0, 1 << 62, 1 << 62]},
                         "raw": {"dims": [2], "raw_data": b"1"}, "field": {"dims": [2], "float_data": [1.0]},
                         "segment": {"dims": [], "segment": TensorProto.Segment(begin=0, end=1)}}.items():
        yield "tensor_" + name, model(relu, image, ["y"], [TensorProto(name="w", data_type=1, **change)])
    yield "old", model(relu, image, ["y"], opset=8)
    yield "cycle", model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])], image, ["b"])
    yield "undefined", model([node("Add", ["x", "nothing"], ["y"])], image, ["y"])
    yield "twice", model(relu + relu, image, ["y"])
    yield "twice_constant", model(relu, image, ["y"], [floats("w", 1), floats("w", 1)])
    no_opset = model(relu, image, ["y"])
    del no_opset.opset_import[:]
    yield "no_opset", no_opset
    yield "no_nodes", model([], image, ["x"])
    unsorted = model([node("Relu", ["a"], ["y"]), node("Neg", ["x"], ["a"])], image, ["y"])
    yield "unsorted", unsorted
    yield "constant_kinds", model(
        [node("Constant", [], ["a"], value_ints=[1, 2]), node("Constant", [], ["b"], value_floats=[1.0, 2.0]),
         node("Constant", [], ["c"], value_int=3), node("Constant", [], ["d"], value_string="s"),
         node("Constant", [], ["e"]), node("Add", ["x", "b"], ["y"])], image, ["y"])


def onnx_seeds():
    for name, made in onnx_models():
        yield name, made.SerializeToString(deterministic=True)
    yield "empty", b""
    yield "text", b"not a model"


def whole(value):
    data = b""
    while value >= 0x80:
        data += bytes([value & 0x7f | 0x80])
        value >>= 7
    return data + bytes([value])


def integer(value):
    return whole(2 * value if value >= 0 else -2 * value - 1)


def text(value):
    return whole(len(value)) + value


def counted(parts):
    return whole(len(parts)) + b"".join(parts)


def wholes(*values):
    return b"".join(map(whole, values))


def indices(*runs):
    return counted([integer(first) + whole(more) for first, more in runs])


def choice(scale=0.5, zero_point=0, amax=2.0, low=-1.0, high=1.0):
    return struct.pack("<d", scale) + integer(zero_point) + struct.pack("<dff", amax, low, high)


def value_range(least, most, elements, non_finite=0):
    return struct.pack("<ff", least, most) + wholes(elements, non_finite)


def found(channels=((0.5, 0, 2.0),), batches=2, qmin=-128, qmax=127):
    row = b"".join(struct.pack("<d", s) + integer(z) + struct.pack("<d", a) for s, z, a in channels)
    return (wholes(1, 1, 1, 0) + integer(qmin) + integer(qmax) + wholes(batches, 8, 1, len(channels)) + row +
            whole(batches) + batches * row)


# engine/state/README.md has the format. The first byte is for fuzz_state.cpp.
def state_seeds():
    nan, infinity = float("nan"), float("inf")
    gathered = whole(0) + indices((0, 1))
    two = gathered + wholes(8, 0, 2)
    yield "per_batch", b"0" + two + b"".join(integer(i) + wholes(0, 1) + choice() for i in (0, 1))
    yield "batch_unseen", b"0" + two + integer(7) + wholes(0, 1) + choice() + bytes(40)
    yield "batch_twice", b"0" + two + 2 * (integer(0) + wholes(0, 1) + choice())
    yield "no_choice", b"0" + two + integer(0) + wholes(0, 0) + bytes(60)
    for name, values in {"scale": (nan,), "negative_scale": (-1.0,), "zero_point": (1.0, 1 << 40), "amax": (1.0, 0, infinity),
                         "low": (1.0, 0, 1.0, nan), "high": (1.0, 0, 1.0, 0.0, nan)}.items():
        yield "choice_" + name, b"0" + gathered + wholes(8, 0, 1) + integer(0) + wholes(0, 1) + choice(*values)
    yield "per_channel", b"1" + gathered + wholes(8, 0, 2) + b"".join(
        integer(i) + whole(i) + (counted([choice(), choice()]) if i == 0 else whole(0)) + counted([choice(), choice()])
        for i in (0, 1))
    yield "two_channels", b"0" + gathered + wholes(8, 0, 1) + integer(0) + wholes(0, 2) + choice() + choice()
    bins = wholes(*([3] + 1023 * [0] + [1]))
    one_channel = whole(0) + indices((0, 0), (5, 2)) + wholes(2, 4, 0, 1)
    yield "bins", b"2" + one_channel + value_range(-1.0, 0.5, 4) + bins
    yield "bins_few", b"2" + one_channel + value_range(-1.0, 0.5, 5) + bins
    yield "bins_many", b"2" + one_channel + value_range(-1.0, 0.5, 3) + bins
    yield "range", b"3" + one_channel + value_range(-1.0, 0.5, 4)
    yield "range_backwards", b"3" + one_channel + value_range(1.0, 0.5, 4)
    yield "range_none", b"3" + one_channel + value_range(infinity, -infinity, 4, 4)
    yield "range_too_much", b"3" + one_channel + value_range(0.0, 1.0, 4, 5)
    yield "no_channels", b"3" + whole(0) + indices((0, 0)) + wholes(2, 4, 0, 0)
    edges = b"".join(struct.pack("<f", i / 1024) for i in range(2049))
    yield "vitis", b"4" + one_channel + value_range(0.0, 2.0, 4) + whole(2048) + edges + bytes(2047) + b"\x04"
    yield "vitis_unordered", b"4" + one_channel + value_range(0.0, 2.0, 4) + whole(2048) + edges[::-1] + bytes(2048)
    yield "vitis_flat", b"4" + one_channel + value_range(0.0, 2.0, 4) + whole(2048) + bytes(8192) + edges[4:8] + bytes(2048)
    yield "vitis_few", b"4" + one_channel + value_range(0.0, 2.0, 4) + whole(3) + bytes(30)
    yield "vitis_none", b"4" + one_channel + value_range(infinity, -infinity, 4, 4) + whole(0)
    yield "found", b"0" + found()
    yield "found_channels", b"1" + found(3 * ((0.25, 0, 1.0),))
    yield "found_two", b"0" + found(2 * ((0.25, 0, 1.0),))
    yield "found_integers", b"0" + found(qmin=1)
    yield "indices_unordered", b"0" + whole(0) + indices((5, 0), (3, 0))
    yield "indices_long", b"0" + whole(0) + indices((-5, (1 << 64) - 1))
    yield "flag", b"0\x02"
    yield "long_number", b"0\x00" + 10 * b"\xff"
    yield "trailing", b"0" + found() + b"more"

    def totals(samples, sums):
        return wholes(samples, 9 * samples) + counted([struct.pack("<d", value) for value in sums])

    def watched(*counts):
        bins = counted([wholes(bin, count) for bin, count in counts])
        return b"w" + wholes(9, 3, 1) + value_range(-1.0, 0.5, 4) + bins

    seen = watched((1032, 1), (3040, 3))
    yield "watched", seen + text(b"") + totals(4, [1.0, 2.0, 3.0, 4.0]) + totals(1, [1.0] * 4)
    yield "watched_none", seen + text(b"its shape") + totals(0, []) + totals(0, [])
    yield "watched_misfit", seen + text(b"") + totals(4, [1.0]) + totals(1, [1.0])
    yield "watched_nan", seen + text(b"") + totals(3, [nan] * 4) + totals(0, [])
    yield "watched_few", watched((1032, 1))
    yield "watched_many", watched((1032, 1), (3040, 4))
    yield "watched_twice", watched((1032, 1), (1032, 3))
    yield "watched_far", watched((4096, 4))

    index = text(b"in memory") + text(b"") + counted([text(b"x") + wholes(2, 16), text(b"y") + wholes(1, 4)])

    def origin(axis=0, role=3):
        return text(b"note") + text(b"") + wholes(role, axis and 1) + integer(axis) + wholes(0, 0, 0, 1, 0) + index

    def item(name, runs, watched=b""):
        return text(text(name) + indices(*runs) + text(b"") + text(watched))

    yield "run", b"r" + origin() + counted([item(b"x", [(0, 1)]), item(b"y", [(0, 0)])])
    yield "run_axis", b"r" + origin(axis=1) + counted([])
    yield "run_far_axis", b"r" + origin(axis=1000) + counted([])
    yield "run_role", b"r" + origin(role=9)
    yield "run_twice", b"r" + origin() + counted(2 * [item(b"x", [(0, 0)])])
    yield "run_unknown", b"r" + origin() + counted([item(b"z", [(0, 0)])])
    yield "run_batches", b"r" + origin() + counted([item(b"x", [(1, 7)])])
    yield "run_watched", b"r" + origin() + counted([item(b"x", [(0, 0)], b"more")])
    yield "run_more", b"r" + origin() + counted([]) + b"more"

    def sealed(contents, version=1):
        data = b"\x89QCAL\r\n\x1a" + struct.pack("<IQ", version, len(contents)) + contents
        return data + hashlib.sha256(data).hexdigest().encode()

    yield "sealed", sealed(counted([text(b"kind of state") + text(b"calib_run tensors")]))
    yield "sealed_calibrator", sealed(counted([text(b"version of qcal") + text(b"0")]))
    yield "sealed_version", sealed(b"", 2)
    yield "sealed_other", sealed(b"\x00")
    yield "sealed_changed", sealed(b"a").replace(b"a", b"b")
    yield "sealed_cut", sealed(b"a")[:-1]
    yield "sealed_short", sealed(b"")[:20]
    yield "empty", b""
    yield "text", b"{}"


def main():
    corpus = pathlib.Path(sys.argv[1])
    repository = pathlib.Path(__file__).resolve().parents[2]
    for reader, seeds in {"config": config_seeds(repository), "manifest": manifest_seeds(), "npy": npy_seeds(),
                          "npz": npz_seeds(), "onnx": onnx_seeds(), "quant_params": quant_params_seeds(),
                          "safetensors": safetensors_seeds(), "state": state_seeds()}.items():
        folder = corpus / reader
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
