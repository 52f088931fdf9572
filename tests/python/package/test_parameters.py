"""qcal.Parameters: read, written, and what vai_q_pytorch's layout makes of them."""
import json

import numpy as np
import pytest
import qcal
from conftest import CONFIGS, MODELS, calib_run


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "out"
    network = MODELS / "rn_digits"
    calib_run("calibrate", "--quiet", "--model", network / "rn_digits.ts.op13.bn.onnx", "--dumps", network / "dump",
              "--config", CONFIGS[2], "--out", out)
    return out


def test_reads_what_calib_run_writes(results):
    parameters = qcal.Parameters.load(results / "quant_params.json")
    written = json.loads((results / "quant_params.json").read_text())
    assert len(parameters) == len(written["tensors"]) == len(parameters.names)
    for tensor, expected in zip(parameters.tensors, written["tensors"]):
        for key, value in expected.items():
            found = getattr(tensor, key)
            if key == "per_batch" and tensor.granularity == "per_tensor":
                found = {name: [batch[0] for batch in batches] for name, batches in found.items()}
            assert found == value, (tensor.name, key)
    assert json.loads(parameters.to_json())["tensors"] == written["tensors"]
    assert parameters.quant_info() == (results / "quant_info.json").read_text()


def test_looks_like_a_mapping(results):
    parameters = qcal.Parameters.load(results / "quant_params.json")
    assert list(parameters) == parameters.names
    name = parameters.names[0]
    assert name in parameters and "nothing" not in parameters
    assert parameters[name].name == name
    assert name in repr(parameters[name])
    with pytest.raises(KeyError, match="nothing"):
        parameters["nothing"]
    tensor = parameters[name]
    del parameters
    assert tensor.name == name  # which keeps what it is part of


def test_names_are_mapped_in_quant_info(results):
    parameters = qcal.Parameters.load(results / "quant_params.json")
    weights = next(tensor for tensor in parameters.tensors if tensor.role == "weights")
    info = json.loads(parameters.quant_info(names={weights.name: "conv.weight"}))
    assert info["param"]["conv.weight"] == [[weights.bit_width, weights.fix_pos[0]]]


def test_files_that_are_none_say_what_is_wrong(tmp_path):
    (tmp_path / "broken.json").write_text('{"tensors": [{"name": 3}]}')
    with pytest.raises(qcal.InputError, match=r"broken\.json"):
        qcal.Parameters.load(tmp_path / "broken.json")
    calibrator = qcal.Calibrator(qcal.load_config())
    calibrator.declare("x")
    calibrator.observe("x", np.ones(2, np.float32))
    with pytest.raises((qcal.InputError, qcal.IoError)):
        calibrator.finish().save(tmp_path / "broken.json" / "x.json")
