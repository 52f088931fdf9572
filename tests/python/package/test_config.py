"""Configurations: from files, dicts and defaults, with the messages that calib_run prints."""
import json

import pytest
import qcal
from conftest import CONFIGS, MODELS, calib_run, commented_json

NETWORK = MODELS / "rn_digits/rn_digits.ts.op13.bn.onnx"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_files_and_dicts_say_the_same(path):
    from_file = qcal.load_config(path)
    assert qcal.load_config(str(path)).to_json() == from_file.to_json()
    assert qcal.load_config(commented_json(path)).to_json() == from_file.to_json()
    assert from_file.target_device == path.stem.upper()


def test_without_a_source_the_default_is_in_force():
    assert qcal.load_config().target_device == "DPU"
    assert str(qcal.load_config()) + "\n" == calib_run("explain")
    assert qcal.load_config(compat="vitis").compat == "vitis"


def test_mistakes_are_a_config_error_with_the_tools_message(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"target_device": "CPU",\n "overall_quantize_config": {"methd": "mse", "bit_width": 99}}')
    with pytest.raises(qcal.ConfigError) as caught:
        qcal.load_config(path)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, qcal.Error)
    printed = calib_run("explain", "--config", path, code=2)
    assert printed == f"error: {caught.value}\n"
    assert str(caught.value).count("\n") == 1 and "config.json:2:30" in str(caught.value)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(qcal.InputError, match="nowhere.json"):
        qcal.load_config(tmp_path / "nowhere.json")


def test_warnings_are_kept_with_their_place():
    warnings = qcal.load_config({"target_device": "CPU", "overall_quantize_config": {"method": "mse"}}).warnings
    assert warnings and all(line.startswith("config:1:") for line in warnings)


def test_options_that_do_not_exist_name_those_that_do():
    with pytest.raises(qcal.InvalidArgument, match='placement: "fusd" .* did you mean fused?'):
        qcal.load_config(placement="fusd")
    with pytest.raises(qcal.InvalidArgument, match="compat: .* allowed: standard, vitis"):
        qcal.load_config(compat="vai")


def test_device_rules_can_be_warnings():
    source = {"target_device": "DPU", "overall_quantize_config": {"scale_type": "float"}}
    with pytest.raises(qcal.ConfigError):
        qcal.load_config(source)
    assert any("DPU" in line for line in qcal.load_config(source, device_rules="warn").warnings)


def test_explains_what_calib_run_explains():
    config = qcal.load_config(CONFIGS[0])
    options = ["explain", "--quiet", "--config", CONFIGS[0]]
    assert qcal.explain(config) + "\n" == calib_run(*options)
    assert qcal.explain(config, as_dict=True) == json.loads(calib_run(*options, "--json"))
    options += ["--model", NETWORK]
    assert qcal.explain(config, NETWORK) == calib_run(*options)
    assert qcal.explain(config, NETWORK, as_dict=True) == json.loads(calib_run(*options, "--json"))
    layer = "/conv1/Conv"
    assert qcal.explain(config, NETWORK, layer=layer) == calib_run(*options, "--layer", layer)
    with pytest.raises(qcal.InvalidArgument, match="/conv9"):
        qcal.explain(config, NETWORK, layer="/conv9")
