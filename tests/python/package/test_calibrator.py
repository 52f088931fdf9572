"""qcal.Calibrator: calib_run's bits, from tensors of every kind, and errors that name the tensor."""
import json
import threading

import numpy as np
import pytest
import qcal
from conftest import CONFIGS, calib_run, commented_json, tensors_of, write_dump

METHODS = ("maxmin", "percentile", "entropy", "mse", "diffs")


def config_of(path=CONFIGS[0], **overall):
    """A shipped configuration with other settings for every tensor."""
    source = commented_json(path)
    source["overall_quantize_config"] |= overall
    for settings in source.get("tensor_quantize_config", {}).values():
        for name in overall:
            settings.pop(name, None)
    return source


def calibrated(config, tensors, **declaration):
    """Parameters of {name: [array, ...]}, all in one role."""
    calibrator = qcal.Calibrator(qcal.load_config(config))
    for name, batches in tensors.items():
        calibrator.declare(name, **declaration)
        for batch in batches:
            calibrator.observe(name, batch)
    return calibrator.finish()


def of_the_tool(config, dump, tmp_path, *options):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    calib_run("tensors", "--quiet", "--dumps", dump, "--config", path, "--out", tmp_path / "out", *options)
    return tmp_path / "out" / "quant_params.json"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", CONFIGS[:2], ids=lambda path: path.name)
def test_same_bits_as_calib_run(dump, tmp_path, path, method):
    check_same_bits(config_of(path, method=method), dump, tmp_path)


@pytest.mark.parametrize("method", ["maxmin", "diffs"])
def test_same_bits_as_calib_run_for_the_dpu(dump, tmp_path, method):
    check_same_bits(config_of(CONFIGS[2], method=method), dump, tmp_path)


def check_same_bits(config, dump, tmp_path):
    parameters = calibrated(config, {name: dump.batches(name) for name in dump})
    written = of_the_tool(config, dump.folder, tmp_path)
    assert json.loads(parameters.to_json())["tensors"] == tensors_of(written)
    parameters.save(tmp_path / "mine.json")
    assert calib_run("diff", tmp_path / "mine.json", written) == "identical\n"


def test_same_bits_per_channel_and_in_every_round_mode(dump, tmp_path):
    for round_mode in ("half_even", "half_up", "half_down", "std_round"):
        config = config_of(CONFIGS[1], round_mode=round_mode, method="diffs", per_channel=True, calib_scope="per_batch")
        name = next(name for name in dump if next(dump.batches(name)).ndim == 4)
        parameters = calibrated(config, {name: dump.batches(name)}, channel_axis=1, role="weights")
        folder = tmp_path / round_mode
        folder.mkdir()
        alone = write_dump(folder / "dump", {name: list(dump.batches(name))})
        written = of_the_tool(config, alone, folder, "--axis", "1", "--role", "weights")
        assert json.loads(parameters.to_json())["tensors"] == tensors_of(written)
        assert len(parameters[name].scale) == next(dump.batches(name)).shape[1]


def test_every_dtype_and_layout_gives_the_bits_of_its_float32_copy(random):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = random.standard_normal((6, 8, 10)).astype(np.float32)
    config = config_of(method="entropy", calib_scope="per_batch")

    def scale(tensor):
        return calibrated(config, {"x": [tensor]})["x"].scale

    for dtype in (np.float16, np.float64, ml_dtypes.bfloat16):
        cast = values.astype(dtype)
        assert scale(cast) == scale(cast.astype(np.float32)), dtype
    read_only = values.copy()
    read_only.flags.writeable = False
    for view in (values[::-1], values[:, ::2], values.transpose(2, 0, 1), np.asfortranarray(values), values[0, 0, 0],
                 np.broadcast_to(values[0], values.shape), values[:, :, 3:4], read_only):
        assert scale(view) == scale(np.array(view, order="C", copy=True))
    assert scale(memoryview(values)) == scale(values)


def test_layer_entries_are_matched_by_type_name_and_vai_q_pytorch_name():
    config = config_of() | {"layer_quantize_config": [
        {"layer_type": "torch.nn.Linear", "quantizable_data_type": ["activation"],
         "overall_quantize_config": {"bit_width": 6}},
        {"layer_name": "block*", "quantizable_data_type": ["activation"], "overall_quantize_config": {"bit_width": 5}},
        {"layer_name": "Net::Net/Conv2d[head]/input.2", "quantizable_data_type": ["activation"],
         "overall_quantize_config": {"bit_width": 4}}]}
    calibrator = qcal.Calibrator(qcal.load_config(config))
    calibrator.declare("plain", layer_name="other", layer_type="Conv2d")
    calibrator.declare("typed", layer_name="fc", layer_type="Linear")
    calibrator.declare("named", layer_name="block1.conv", layer_type="Conv2d")
    calibrator.declare("vai", layer_name="head", layer_type="Conv2d", module_path="head")
    for name in ("plain", "typed", "named", "vai"):
        calibrator.observe(name, np.ones(3, np.float32))
    assert [tensor.bit_width for tensor in calibrator.finish().tensors] == [8, 6, 5, 4]


def test_a_32_bit_bias_multiplies_the_scales_of_its_factors():
    calibrator = qcal.Calibrator(qcal.load_config(CONFIGS[0]))
    calibrator.declare("x", role="input")
    calibrator.declare("w", role="weights", channel_axis=0)
    calibrator.declare("b", role="bias", channel_axis=0, bias_input="x", bias_weights="w")
    calibrator.observe("x", np.array([0.0, 1.0], np.float32))
    calibrator.observe("w", np.array([[1.0], [2.0]], np.float32))
    calibrator.observe("b", np.array([0.5, 0.25], np.float32))
    parameters = calibrator.finish()
    x, w = np.float32(parameters["x"].scale), np.float32(parameters["w"].scale)
    assert parameters["b"].scale == [float(x[0] * scale) for scale in w]
    with pytest.raises(qcal.InvalidArgument, match='"c": bias_input and bias_weights'):
        qcal.Calibrator(qcal.load_config()).declare("c", role="bias", bias_input="x")


def test_batches_by_index_and_merged_shards_give_the_bits_of_one_run(random):
    batches = [random.standard_normal(500).astype(np.float32) * (i + 1) for i in range(5)]
    config = qcal.load_config(config_of(method="percentile", calib_scope="per_batch", calib_statistic_method="mean"))
    whole = calibrated(config_of(method="percentile", calib_scope="per_batch", calib_statistic_method="mean"),
                       {"x": batches})
    shards = [qcal.Calibrator(config) for _ in range(2)]
    for number, shard in enumerate(shards):
        shard.declare("x")
        for index in range(number, 5, 2):
            shard.observe("x", batches[index], index=index)
    resumed = qcal.Calibrator(config)
    resumed.declare("x")
    for state in (shards[1].save(), shards[0].save()):
        resumed.merge(state)
    with pytest.raises(qcal.InputError, match="state: "):
        resumed.merge(b"no state")
    shards[1].merge(shards[0])
    assert shards[1].finish().to_json() == resumed.finish().to_json() == whole.to_json()
    with pytest.raises(qcal.InvalidArgument, match="merged into another"):
        shards[0].finish()


def test_threads_observe_different_tensors_at_once(random):
    tensors = {f"t{i}": [random.standard_normal(200_000).astype(np.float32) for _ in range(3)] for i in range(4)}
    config = config_of(method="mse", calib_scope="per_batch")
    expected = calibrated(config, tensors)
    calibrator = qcal.Calibrator(qcal.load_config(config))
    for name in tensors:
        calibrator.declare(name)

    def work(name):
        for batch in tensors[name]:
            calibrator.observe(name, batch)

    threads = [threading.Thread(target=work, args=[name]) for name in tensors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calibrator.finish().to_json() == expected.to_json()


def test_the_gil_is_released_while_a_tensor_is_read(random):
    values = random.standard_normal(1 << 24).astype(np.float32)
    calibrator = qcal.Calibrator(qcal.load_config(config_of(method="mse", calib_scope="per_batch")))
    calibrator.declare("x")
    inside = threading.Event()
    done = threading.Event()
    ticks = 0

    def work():
        inside.set()
        calibrator.observe("x", values)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    while not done.is_set():
        ticks += 1
    thread.join()
    # With the GIL held this loop would turn only until the call begins: at most one switch interval of 5 ms.
    assert ticks > 20_000


@pytest.mark.parametrize("tensor, why", [
    (np.arange(3), "its dtype is not float32"),
    (np.ones(3, ">f4"), "native byte order"),
    (np.ones(3, np.complex64), "its dtype is not float32"),
    ([1.0, 2.0], "list offers no tensor"),
    ("text", "str offers no tensor"),
], ids=["int64", "big endian", "complex", "list", "str"])
def test_what_is_no_tensor_is_a_type_error_naming_it(tensor, why):
    calibrator = qcal.Calibrator(qcal.load_config())
    calibrator.declare("x")
    with pytest.raises(TypeError, match=f'^tensor "x": .*{why}'):
        calibrator.observe("x", tensor)


def test_what_the_settings_cannot_take_names_tensor_and_batch():
    calibrator = qcal.Calibrator(qcal.load_config(CONFIGS[0]))
    calibrator.declare("x")
    with pytest.raises(qcal.InvalidArgument, match='^tensor "y" was not declared'):
        calibrator.observe("y", np.ones(3, np.float32))
    with pytest.raises(qcal.InvalidArgument, match='"x" was already declared'):
        calibrator.declare("x")
    with pytest.raises(qcal.InvalidArgument, match='role: "wieghts" .* did you mean weights?'):
        calibrator.declare("z", role="wieghts")
    with pytest.raises(qcal.InvalidArgument, match='"z": per_channel is asked for'):
        calibrator.declare("z", role="weights")
    with pytest.raises(qcal.InvalidArgument, match='tensor "x": declared, but no batch'):
        calibrator.finish()
    calibrator.observe("x", np.ones(3, np.float32), index=4)
    with pytest.raises(qcal.InvalidArgument, match='^tensor "x", batch 4: batch 4 was already observed'):
        calibrator.observe("x", np.ones(3, np.float32), index=4)
    calibrator.complete("x")
    with pytest.raises(qcal.InvalidArgument, match='"x" is complete'):
        calibrator.observe("x", np.ones(3, np.float32))
    calibrator.finish()
    with pytest.raises(qcal.InvalidArgument, match="the calibrator is finished"):
        calibrator.finish()


def test_nan_is_refused_skipped_or_ignored():
    config = qcal.load_config(config_of(CONFIGS[1], method="maxmin", calib_scope="per_batch"))
    batches = [np.array([1, np.nan], np.float32), np.array([0.5, 0.25], np.float32)]

    def amax(**options):
        calibrator = qcal.Calibrator(config, **options)
        calibrator.declare("x")
        for batch in batches:
            calibrator.observe("x", batch)
        return calibrator.finish()["x"].amax

    with pytest.raises(qcal.InvalidArgument, match='^tensor "x", batch 0: .*1 NaN or infinite'):
        amax()
    assert amax(non_finite="skip-batch") == [0.5]
    assert amax(non_finite="ignore") == [1.0]
    with pytest.raises(qcal.InvalidArgument, match="non_finite: .* allowed: error, skip-batch, ignore"):
        amax(non_finite="drop")


def test_the_back_end_says_which_it_is_and_why():
    config = qcal.load_config()
    assert qcal.Calibrator(config, backend="cpu").backend == "cpu: asked for"
    assert qcal.Calibrator(config).backend.partition(":")[0] in ("cpu", "cuda")
    with pytest.raises(qcal.InvalidArgument, match='backend: "gpu" .* allowed: auto, cpu, cuda'):
        qcal.Calibrator(config, backend="gpu")
