"""qcal.onnx and the console script: the files of prepare, record and calib_run, with no dump in between."""
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import qcal
import qcal.onnx
from conftest import CONFIGS, MODELS, ROOT, calib_run
from PIL import Image
from qcal import cli

CPU, GPU, DPU = CONFIGS
RN_DIGITS = MODELS / "rn_digits/rn_digits.ts.op13.bn.onnx"
MBV2_DIGITS = MODELS / "mbv2_digits/mbv2_digits.ts.op13.bn.onnx"


def recorded(tmp_path, model, inputs, config, *options):
    """The folder of results by way of a dump."""
    prepared, dump, out = tmp_path / "prepared.onnx", tmp_path / "dump", tmp_path / "by_dump"
    calib_run("prepare", "--quiet", "--model", model, "--config", config, "--out", prepared)
    subprocess.run([sys.executable, ROOT / "tools/record.py", prepared, inputs, dump, *options], check=True,
                   capture_output=True)
    calib_run("calibrate", "--quiet", "--model", model, "--dumps", dump, "--config", config, "--out", out)
    return out


def assert_same_files(one, other):
    assert {file.name for file in one.iterdir()} == {file.name for file in other.iterdir()}
    for file in one.iterdir():
        assert file.read_bytes() == (other / file.name).read_bytes(), file.name


@pytest.mark.parametrize("model, inputs, config", [
    (RN_DIGITS, "calib.npz", CPU), (RN_DIGITS, "calib.npz", GPU), (MBV2_DIGITS, "calib.npz", CPU),
    (MBV2_DIGITS, "calib.npz", DPU), (MODELS / "cls/cls.onnx", "calib32.npz", CPU),
], ids=["rn cpu", "rn gpu", "mbv2 cpu", "mbv2 dpu", "cls cpu"])
def test_the_bytes_of_prepare_record_and_calibrate(tmp_path, model, inputs, config):
    inputs = model.parent / inputs
    result = qcal.onnx.calibrate(model, inputs, config, out=tmp_path / "direct")
    assert_same_files(tmp_path / "direct", recorded(tmp_path, model, inputs, config))
    assert (tmp_path / "direct/quantized.onnx").read_bytes() == result.quantized
    assert result.parameters.to_json() == (tmp_path / "direct/quant_params.json").read_text()
    onnx.checker.check_model(onnx.load_model_from_string(result.quantized))


def test_images_are_the_recorders(tmp_path, random):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(5):
        Image.fromarray(random.integers(0, 256, (20, 24), dtype=np.uint8)).save(folder / f"{number}.png")
    qcal.onnx.calibrate(RN_DIGITS, folder, CPU, out=tmp_path / "direct", mean=[0.5], std=[0.25], batch=2, size=(8, 8))
    assert_same_files(tmp_path / "direct", recorded(tmp_path, RN_DIGITS, folder, CPU, "--mean", "0.5", "--std", "0.25",
                                                    "--batch", "2", "--size", "8x8"))


def noise_ratio(quantized, model, inputs):
    """Signal to noise of the first output in dB."""
    sessions = [onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"]) for network in (str(model), quantized)]
    name = sessions[0].get_inputs()[0].name
    archive = np.load(inputs)
    signal, quantized_signal = (np.concatenate([session.run(None, {name: archive[key]})[0] for key in archive.files if "|" in key])
                                for session in sessions)
    return 10 * np.log10(np.square(signal).sum() / np.square(signal - quantized_signal).sum())


def test_biases_are_corrected_on_the_inputs_of_the_quantized_network(tmp_path):
    inputs = RN_DIGITS.parent / "calib.npz"
    on_float_inputs = qcal.onnx.calibrate(RN_DIGITS, inputs, DPU)
    sequential = qcal.onnx.calibrate(RN_DIGITS, inputs, DPU, sequential=True, out=tmp_path / "out")
    assert sequential.transforms["include_bias_corr"][1] == ["10 of 10 layers, on inputs of the quantized network"]
    # What each layer leaves the next one takes back: errors of powers of two do not add up any more.
    assert noise_ratio(sequential.quantized, RN_DIGITS, inputs) > noise_ratio(on_float_inputs.quantized, RN_DIGITS, inputs) + 0.3
    weights = [name for name in on_float_inputs.parameters if on_float_inputs.parameters[name].role == "weights"]
    assert all(sequential.parameters[name].scale == on_float_inputs.parameters[name].scale for name in weights)
    again = qcal.onnx.calibrate(RN_DIGITS, inputs, DPU, sequential=True)
    assert again.quantized == (tmp_path / "out/quantized.onnx").read_bytes()


def test_sequential_correction_goes_through_the_inputs_again():
    archive = np.load(RN_DIGITS.parent / "calib.npz")
    with pytest.raises(qcal.InvalidArgument, match="more than once"):
        qcal.onnx.calibrate(RN_DIGITS, (archive[key] for key in archive.files if "|" in key), DPU, sequential=True)
    with pytest.raises(qcal.InvalidArgument, match="include_bias_corr is false"):
        qcal.onnx.calibrate(RN_DIGITS, RN_DIGITS.parent / "calib.npz", {"target_device": "CPU", "include_bias_corr": False, "overall_quantize_config": {}}, sequential=True)


def test_runs_come_from_anything_that_yields_them():
    archive = np.load(RN_DIGITS.parent / "calib.npz")
    (name,) = (value.name for value in onnx.load(RN_DIGITS).graph.input)
    from_file = qcal.onnx.calibrate(RN_DIGITS, RN_DIGITS.parent / "calib.npz", CPU)
    keys = sorted((key for key in archive.files if "|" in key), key=lambda key: int(key.partition("|")[0]))
    for runs in ([archive[key] for key in keys], ({name: archive[key]} for key in keys)):
        assert qcal.onnx.calibrate(RN_DIGITS, runs, CPU).parameters.to_json() == from_file.parameters.to_json()


def test_bad_input_is_named(tmp_path):
    (tmp_path / "no.npz").write_text("nothing")
    with pytest.raises(qcal.InputError, match=r"no\.npz: no npz of inputs"):
        qcal.onnx.calibrate(RN_DIGITS, tmp_path / "no.npz", CPU)
    with pytest.raises(qcal.InputError, match="run 0: inputs .*other"):
        qcal.onnx.calibrate(RN_DIGITS, [{"other": np.ones(3, np.float32)}], CPU)
    with pytest.raises(qcal.InputError, match="no batch was observed of these tensors"):
        qcal.onnx.calibrate(RN_DIGITS, [], CPU)
    with pytest.raises(qcal.InputError, match="gone.onnx"):
        qcal.onnx.calibrate(tmp_path / "gone.onnx", [], CPU)
    with pytest.raises(qcal.InputError, match="0 images, fewer than a batch"):
        (tmp_path / "empty").mkdir()
        qcal.onnx.calibrate(RN_DIGITS, tmp_path / "empty", CPU, size=(8, 8))
    with pytest.raises(qcal.InvalidArgument, match='align: "conv" is not allowed'):
        qcal.onnx.calibrate(RN_DIGITS, [], DPU, align=["conv"])
    archive = np.load(RN_DIGITS.parent / "calib.npz")
    bad = np.full_like(archive[next(key for key in archive.files if "|" in key)], np.nan)
    with pytest.raises(qcal.InvalidArgument, match='^tensor "input": batch 0 holds 1024 NaN or infinite'):
        qcal.onnx.calibrate(RN_DIGITS, [bad], CPU)
    with pytest.raises((qcal.InputError, qcal.IoError), match="no.npz"):
        qcal.onnx.calibrate(RN_DIGITS, [bad], CPU, out=tmp_path / "no.npz")


def test_the_console_script_does_the_same(tmp_path, capsys):
    inputs = RN_DIGITS.parent / "calib.npz"
    arguments = ["calibrate", str(RN_DIGITS), str(inputs), "--config", str(CPU), "--out"]
    assert cli.main([*arguments, str(tmp_path / "script")]) == 0
    assert "tensors written to" in capsys.readouterr().out
    qcal.onnx.calibrate(RN_DIGITS, inputs, CPU, out=tmp_path / "call")
    assert_same_files(tmp_path / "script", tmp_path / "call")
    assert cli.main(["calibrate", "gone.onnx", str(inputs), "--out", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err.startswith("error: gone.onnx")
    assert not (tmp_path / "x").exists()
    (tmp_path / "names.json").write_text("[]")
    assert cli.main([*arguments, str(tmp_path / "x"), "--names", str(tmp_path / "names.json")]) == 2
    assert "names.json" in capsys.readouterr().err
