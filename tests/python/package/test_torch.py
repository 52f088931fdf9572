"""qcal.torch on a small network that is trained here: calibrated, fake-quantized, fine-tuned.

Run with Debian's PyTorch 1.13, on request (QCAL_TEST_TORCH=ON tools/test.sh -R Torch) with the newest.
"""
import json
import socket
import warnings

import numpy as np
import onnx
import pytest
from conftest import CONFIGS, calib_run, commented_json, tensors_of, write_dump
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch")
import qcal  # noqa: E402
import qcal.torch  # noqa: E402
from torch import nn  # noqa: E402

pytestmark = pytest.mark.torch


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(8, 8, 1, bias=False)

    def forward(self, x):
        return torch.relu(self.conv2(self.relu(self.conv1(x))) + x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.act = nn.ReLU()
        self.block = Block()
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.fc = nn.Linear(32, 3)

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(self.block(self.act(self.stem(x)))), 1))


def samples(count, seed):
    """Which third of the image is bright."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count,), generator=generator)
    images = torch.randn(count, 1, 9, 9, generator=generator) * 0.7
    for image, label in zip(images, labels):
        image[:, :, 3 * label : 3 * label + 3] += 1.0
    return images, labels


def train(model, steps, rate=1e-2):
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for step in range(steps):
        images, labels = samples(64, step)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def loss_of(model):
    """On samples that it was not trained on."""
    images, labels = samples(512, 10_000)
    with torch.no_grad():
        return float(nn.functional.cross_entropy(model(images), labels))


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    model = Net()
    train(model, 60)
    return model


@pytest.fixture
def model(trained):
    copy = Net()
    copy.load_state_dict(trained.state_dict())
    return copy


LOADER = [samples(16, 100 + batch) for batch in range(4)]


def config_of(path, **more):
    source = commented_json(path) | {"convert_relu6_to_relu": False, "include_cle": False, "include_bias_corr": False}
    return source | more


LAYERS = [
    {"layer_type": "torch.nn.Linear", "quantizable_data_type": ["weights"], "overall_quantize_config": {"bit_width": 6}},
    {"layer_name": "block.conv2", "quantizable_data_type": ["activation"],
     "tensor_quantize_config": {"activation": {"method": "mse"}}},
    {"layer_name": "Net::Net/Conv2d[stem]/input.1", "quantizable_data_type": ["weights"],
     "overall_quantize_config": {"bit_width": 5}},
]


def record(model):
    """What each module of interest reads and gives, by hooks of this test's own."""
    taps = {"stem.input": (model.stem, 0), "act.output": (model.act, 1), "block.relu.output": (model.block.relu, 1),
            "block.conv2.output": (model.block.conv2, 1), "pool.input": (model.pool, 0), "pool.output": (model.pool, 1),
            "fc.output": (model.fc, 1)}
    seen = {name: [] for name in taps}
    handles = []
    for name, (module, gives) in taps.items():
        def hook(module, arguments, result, name=name, gives=gives):
            seen[name].append((result if gives else arguments[0]).detach().clone().numpy())

        handles.append(module.register_forward_hook(hook))
    with torch.no_grad():
        for images, _ in LOADER:
            model.eval()(images)
    for handle in handles:
        handle.remove()
    return seen


def as_onnx(model, path):
    """The network node by node, with the names that qcal.torch gives its tensors."""
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    node = helper.make_node
    nodes = [
        node("Conv", ["stem.input", "stem.weight", "stem.bias"], ["stem"], name="stem", pads=[1] * 4),
        node("Relu", ["stem"], ["act.output"], name="act"),
        node("Conv", ["act.output", "block.conv1.weight", "block.conv1.bias"], ["c1"], name="block.conv1", pads=[1] * 4,
             group=2),
        node("Relu", ["c1"], ["block.relu.output"], name="block.relu"),
        node("Conv", ["block.relu.output", "block.conv2.weight"], ["block.conv2.output"], name="block.conv2"),
        node("Add", ["block.conv2.output", "act.output"], ["sum"], name="add"),
        node("Relu", ["sum"], ["pool.input"], name="add_relu"),
        node("AveragePool", ["pool.input"], ["pool.output"], name="pool", kernel_shape=[5, 5], strides=[4, 4]),
        node("Flatten", ["pool.output"], ["flat"], name="flat"),
        node("Gemm", ["flat", "fc.weight", "fc.bias"], ["fc.output"], name="fc", transB=1),
    ]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("stem.input", TensorProto.FLOAT, ["n", 1, 9, 9])],
        [helper.make_tensor_value_info("fc.output", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(value, name) for name, value in state.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_same_bits_as_calib_run_over_recorded_dumps(model, tmp_path, path):
    layers = LAYERS if path.name != "dpu.json" else []
    # ONNX's node has no module path, so calib_run is told the vai_q_pytorch name's layer by its own.
    as_named_there = [entry | ({"layer_name": "stem"} if "Net::" in entry.get("layer_name", "") else {})
                      for entry in layers]
    config = config_of(path, placement="groups", layer_quantize_config=as_named_there)
    (tmp_path / "config.json").write_text(json.dumps(config))
    as_onnx(model, tmp_path / "net.onnx")
    dump = record(model)
    write_dump(tmp_path / "dump", dump | {"flat": [batch.reshape(len(batch), -1) for batch in dump["pool.output"]]})
    calib_run("calibrate", "--quiet", "--model", tmp_path / "net.onnx", "--dumps", tmp_path / "dump", "--config",
              tmp_path / "config.json", "--out", tmp_path / "out")
    theirs = {tensor["name"]: tensor for tensor in tensors_of(tmp_path / "out/quant_params.json")}
    theirs["pool.output"] = theirs.pop("flat", theirs.get("pool.output"))

    parameters = qcal.torch.calibrate(model, LOADER, config | {"layer_quantize_config": layers})
    mine = {tensor["name"]: tensor for tensor in json.loads(parameters.to_json())["tensors"]}
    assert set(mine) == set(theirs)
    for name, tensor in theirs.items():
        # torch.relu(... + ...) and torch.flatten are no modules, so that other layers own these there.
        ignored = ("name", "layer", "layer_type") if name in ("pool.input", "pool.output") else ("name",)
        compared = {key: value for key, value in tensor.items() if key not in ignored}
        if mine[name]["axis"] == -1:  # counted from the other end
            mine[name]["axis"] = tensor["axis"]
        assert {key: mine[name][key] for key in compared} == compared, name
    if layers:
        bits = {name: mine[name]["bit_width"] for name in ("stem.weight", "block.conv1.weight", "fc.weight")}
        assert bits == {"stem.weight": 5, "block.conv1.weight": 8, "fc.weight": 6}
        assert mine["block.conv2.output"]["method"] == "mse"


def names(parameters, role):
    return {tensor.name for tensor in parameters.tensors if tensor.role == role}


def test_placements_and_choices_of_modules(model):
    def calibrated(placement, **options):
        return qcal.torch.calibrate(model, LOADER, config_of(CONFIGS[0], placement=placement), **options)

    compute = calibrated("compute")
    assert names(compute, "activation") == {"block.conv1.input", "block.conv2.input", "fc.input"}
    assert names(compute, "input") == {"stem.input"}
    fused = calibrated("fused")
    assert names(fused, "activation") == {"act.output", "block.relu.output", "block.conv2.output", "fc.input",
                                          "fc.output"}
    assert names(fused, "weights") == {"stem.weight", "block.conv1.weight", "block.conv2.weight", "fc.weight"}
    for modules in (["torch.nn.Linear"], ["fc"], ["f?"], ["Net::Net/Linear[fc]/ret"]):
        assert names(calibrated("compute", modules=modules), "weights") == {"fc.weight"}, modules
    listed = config_of(CONFIGS[0], layer_quantize_config=LAYERS[:1])
    assert names(qcal.torch.calibrate(model, LOADER, listed, modules="listed"), "weights") == {"fc.weight"}
    with pytest.raises(qcal.InputError, match="choose none"):
        calibrated("compute", modules=["nothing"])


def hooks_of(model):
    return [len(hooks) for module in model.modules()
            for hooks in (module._forward_hooks, module._forward_pre_hooks)]


def test_the_model_is_left_as_it_was_even_after_an_exception(model):
    model.train()
    model.pool.eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    qcal.torch.calibrate(model, LOADER, config_of(CONFIGS[0]))

    def broken():
        yield from LOADER
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qcal.torch.calibrate(model, broken(), config_of(CONFIGS[0]))
    with pytest.raises(qcal.InvalidArgument, match='^tensor "stem.input": batch 0 holds .* NaN'):
        qcal.torch.calibrate(model, [torch.full((1, 1, 9, 9), torch.nan)], config_of(CONFIGS[0], placement="compute"))
    with pytest.raises(qcal.InputError, match="no batch"):
        qcal.torch.calibrate(model, [], config_of(CONFIGS[0]))
    assert not any(hooks_of(model)) and "forward" not in vars(model)
    assert model.training and not model.pool.training and model.fc.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name])


def test_modules_of_exceptions_and_of_no_known_kind_are_refused():
    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide = nn.Conv2d(3, 4, 1)
            self.narrow = nn.Conv2d(1, 4, 1)

        def forward(self, x):
            try:
                return self.wide(x)
            except RuntimeError:
                return self.narrow(x)

    images = LOADER[0][0]
    with pytest.raises(qcal.InvalidArgument, match='^module "wide" raised an exception, which the model caught'):
        qcal.torch.calibrate(Tries(), [images], config_of(CONFIGS[0]))
    with pytest.raises(qcal.InputError, match="no module of the model is quantized"):
        qcal.torch.calibrate(torch.jit.trace(Net(), images), [images], config_of(CONFIGS[0]))


def test_calls_the_model_on_what_loaders_yield(model):
    expected = qcal.torch.calibrate(model, LOADER, config_of(CONFIGS[0])).to_json()
    for loader in ([images for images, _ in LOADER], [{"x": images} for images, _ in LOADER], iter(LOADER)):
        assert qcal.torch.calibrate(model, loader, config_of(CONFIGS[0])).to_json() == expected
    forward = lambda model, batch: model(batch["image"])  # noqa: E731
    loader = [{"image": images, "label": labels} for images, labels in LOADER]
    assert qcal.torch.calibrate(model, loader, config_of(CONFIGS[0]), forward=forward).to_json() == expected


def test_switches_that_need_a_graph_are_a_warning(model):
    with pytest.warns(UserWarning, match="not applied.*include_cle"):
        qcal.torch.calibrate(model, LOADER, CONFIGS[0])
    with pytest.warns(UserWarning, match="not applied.*: the DPU's rules for fix positions$"):
        qcal.torch.calibrate(model, LOADER, config_of(CONFIGS[2]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        qcal.torch.calibrate(model, LOADER, config_of(CONFIGS[0]))


def test_half_precision_models_are_observed_as_they_are(model):
    parameters = qcal.torch.calibrate(model.bfloat16(), [images.bfloat16() for images, _ in LOADER],
                                      config_of(CONFIGS[1]))
    expected = torch.stack([images.bfloat16() for images, _ in LOADER]).float().abs().max()
    assert parameters["stem.input"].elements == sum(images.numel() for images, _ in LOADER)
    assert parameters["stem.input"].amax[0] <= float(expected)
    with qcal.torch.apply_fake_quant(model, parameters):
        assert model(LOADER[0][0].bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("compat", ["standard", "vitis"])
@pytest.mark.parametrize("round_mode", ["half_even", "half_up", "half_down", "std_round"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_fake_quantize_gives_the_engines_bits(compat, round_mode, per_channel):
    config = commented_json(CONFIGS[1])
    config["overall_quantize_config"] |= {"round_mode": round_mode, "per_channel": per_channel, "method": "maxmin"}
    config["tensor_quantize_config"] = {}
    calibrator = qcal.Calibrator(qcal.load_config(config, compat=compat))
    calibrator.declare("w", role="weights", channel_axis=1)
    values = torch.randn(4, 3, 1000, generator=torch.Generator().manual_seed(3))
    calibrator.observe("w", values)
    tensor = calibrator.finish()["w"]
    values[0, 0, :4] = torch.tensor([torch.nan, torch.inf, -torch.inf, -0.0])
    scale = torch.tensor(tensor.scale, dtype=torch.float32).reshape(-1, 1)[-1]
    values[0, -1, :64] = (torch.arange(64) - 31.5) * scale  # ties
    mine = qcal.torch.fake_quantize(values, tensor, compat=compat)
    np.testing.assert_array_equal(mine.numpy(), qcal.fake_quantize(values.numpy(), tensor, compat=compat))
    assert not torch.signbit(mine[mine == 0]).any()


def test_fake_quantized_models_compute_what_the_parameters_say(model):
    parameters = qcal.torch.calibrate(model, LOADER, config_of(CONFIGS[0], placement="groups"))
    images = LOADER[0][0]
    with torch.no_grad():
        before = model(images)

        def q(name, value):
            return torch.from_numpy(qcal.fake_quantize(value.numpy(), parameters[name]))

        def conv(path, value, **options):
            layer = model.get_submodule(path)
            bias = None if layer.bias is None else q(f"{path}.bias", layer.bias)
            return nn.functional.conv2d(value, q(f"{path}.weight", layer.weight), bias, **options)

        stem = q("act.output", conv("stem", q("stem.input", images), padding=1).relu())
        inner = q("block.relu.output", conv("block.conv1", stem, padding=1, groups=2).relu())
        summed = torch.relu(q("block.conv2.output", conv("block.conv2", inner)) + stem)
        pooled = q("pool.output", nn.functional.adaptive_avg_pool2d(q("pool.input", summed), 2))
        expected = q("fc.output", nn.functional.linear(pooled.flatten(1), q("fc.weight", model.fc.weight),
                                                       q("fc.bias", model.fc.bias)))
        with qcal.torch.apply_fake_quant(model, parameters):
            assert torch.equal(model(images), expected)
        assert torch.equal(model(images), before)
        assert not any(hooks_of(model)) and set(dict(model.named_parameters())) == set(dict(Net().named_parameters()))


def test_quantization_costs_little_and_fine_tuning_wins_it_back(model):
    in_float = loss_of(model)
    eight = qcal.torch.calibrate(model, LOADER, config_of(CONFIGS[0]))
    with qcal.torch.apply_fake_quant(model, eight):
        assert loss_of(model) < in_float + 0.01
    coarse = config_of(CONFIGS[0])
    coarse["tensor_quantize_config"]["weights"] = {"bit_width": 2, "per_channel": False}
    before = {name: value.clone() for name, value in model.named_parameters()}
    with qcal.torch.apply_fake_quant(model, qcal.torch.calibrate(model, LOADER, coarse)):
        lost = loss_of(model) - in_float
        train(model, 40, rate=5e-3)
        assert loss_of(model) - in_float < lost / 2
    assert any(not torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_gradients_pass_straight_through_what_is_not_clipped(random):
    calibrator = qcal.Calibrator(qcal.load_config(config_of(CONFIGS[1])))
    calibrator.declare("w", role="weights", channel_axis=0)
    calibrator.observe("w", np.array([[1.0, -1.0]], np.float32))
    tensor = calibrator.finish()["w"]
    values = torch.tensor([[0.3, -0.7, 1.5, -2.0]], requires_grad=True)
    qcal.torch.fake_quantize(values, tensor).backward(torch.tensor([[2.0, 3.0, 4.0, 5.0]]))
    assert values.grad.tolist() == [[2.0, 3.0, 0.0, 0.0]]


def test_parameters_of_another_model_are_named(model):
    parameters = qcal.torch.calibrate(model, LOADER, config_of(CONFIGS[0]))
    with pytest.raises(qcal.InvalidArgument, match='tensor "stem.input": the model has no module "stem"'):
        qcal.torch.apply_fake_quant(nn.Sequential(nn.Linear(2, 2)), parameters)
    model.stem = nn.Conv2d(1, 4, 3)
    with pytest.raises(qcal.InvalidArgument, match='tensor "stem.weight": .* 8 channels along axis 0'):
        qcal.torch.apply_fake_quant(model, parameters)
    assert not any(hooks_of(model))


def test_batch_norm_is_folded_or_warned_of():
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(196, 5),
                          nn.BatchNorm1d(5))
    images = samples(8, 3)[0]
    model.train()
    model(images)
    expected = model.eval()(images)
    with pytest.warns(UserWarning, match="2 BatchNorm are not folded, 1 among them"):
        qcal.torch.calibrate(model, [images], config_of(CONFIGS[0]))
    assert qcal.torch.fold_batch_norm(model, images) is model
    assert isinstance(model[1], nn.Identity) and isinstance(model[5], nn.Identity)
    torch.testing.assert_close(model(images), expected)
    parameters = qcal.torch.calibrate(model, [images], config_of(CONFIGS[0], placement="groups"))
    assert names(parameters, "activation") == {"3.output", "5.output"}


def calibrate_as_rank(rank, ranks, weights, port, folder):
    torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=ranks)
    model = Net()
    model.load_state_dict(weights)
    batches = [samples(8, seed)[0] for seed in range(7)][rank::ranks]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parameters = qcal.torch.calibrate(model, batches, CONFIGS[2], group=torch.distributed.group.WORLD, progress=False)
    (folder / f"{rank}.json").write_text(parameters.to_json())
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_that_share_a_calibration_find_what_one_process_finds(model, tmp_path, ranks):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(calibrate_as_rank, (ranks, model.state_dict(), port, tmp_path), nprocs=ranks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = qcal.torch.calibrate(model, [samples(8, seed)[0] for seed in range(7)], CONFIGS[2], progress=False)
    for rank in range(ranks):
        assert (tmp_path / f"{rank}.json").read_text() == alone.to_json()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device answers")
def test_device_tensors_give_the_hosts_bits(model):
    expected = qcal.torch.calibrate(model, LOADER, config_of(CONFIGS[0]), modules=["stem"])
    calibrator = qcal.Calibrator(qcal.load_config(config_of(CONFIGS[0])))
    calibrator.declare("x", role="input")
    for images, _ in LOADER:
        calibrator.observe("x", images.cuda())
    assert calibrator.finish()["x"].scale == expected["stem.input"].scale
