"""Tensors in a GPU's memory are read where they lie, on their framework's stream, and give the host's bits."""
import numpy as np
import pytest
import qcal
from conftest import CONFIGS


@pytest.fixture(scope="module", autouse=True)
def device():
    try:
        qcal.Calibrator(qcal.load_config(), backend="cuda")
    except qcal.CudaError as error:
        pytest.skip(f"no CUDA device answers: {error}")


@pytest.fixture(params=["torch", "cupy"])
def on_device(request):
    """Copies an array to the device, as a tensor of that framework."""
    framework = pytest.importorskip(request.param)
    return framework.asarray if request.param == "cupy" else lambda values: framework.from_numpy(values).cuda()


def found(batches, backend, **settings):
    config = {"target_device": "CPU", "quantizable_data_type": ["activation"],
              "overall_quantize_config": {"symmetry": True, "signed": True, "scale_type": "float"} | settings}
    calibrator = qcal.Calibrator(qcal.load_config(config), backend=backend)
    calibrator.declare("x", channel_axis=1)
    for batch in batches:
        calibrator.observe("x", batch)
    return calibrator.finish().to_json()


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
@pytest.mark.parametrize("method", ["maxmin", "percentile", "mse", "entropy", "diffs"])
def test_the_hosts_bits(on_device, random, method, dtype):
    batches = [random.standard_normal((4, 3, 50, 7)).astype(dtype) for _ in range(3)]
    settings = {"method": method, "scale_type": "power_of_two" if method == "diffs" else "float"}
    assert found(map(on_device, batches), "cuda", **settings) == found(batches, "cpu", **settings)


@pytest.mark.parametrize("view", [
    lambda x: x[:, ::2], lambda x: x[1:, :, 3:], lambda x: x.swapaxes(1, 3), lambda x: x[:0], lambda x: x[0, 0, 0, 0]],
    ids=["every second", "part", "swapped axes", "nothing", "scalar"])
def test_any_strides(on_device, random, view):
    values = random.standard_normal((4, 6, 11, 7)).astype(np.float32)
    there = view(on_device(values))
    here = there.get() if hasattr(there, "get") else there.cpu().numpy()
    ends = np.ones((2, 3), np.float32)
    settings = {"method": "percentile"}
    expected = found([np.ascontiguousarray(here), ends], "cpu", **settings)
    assert found([there, on_device(ends)], "cuda", **settings) == expected


def test_channels(on_device, random):
    values = random.standard_normal((8, 5, 16, 16)).astype(np.float32)
    config = qcal.load_config(CONFIGS[0])

    def of(weights, backend):
        calibrator = qcal.Calibrator(config, backend=backend)
        calibrator.declare("w", role="weights", layer_name="conv", layer_type="Conv", channel_axis=0)
        calibrator.observe("w", weights)
        return calibrator.finish()["w"].scale

    assert len(of(values, "cpu")) == 8
    assert np.array_equal(of(on_device(values), "cuda"), of(values, "cpu"))


def test_bfloat16(random):
    torch = pytest.importorskip("torch")
    values = torch.from_numpy(random.standard_normal((64, 100)).astype(np.float32)).bfloat16()
    assert found([values.cuda()], "cuda", method="percentile") == found([values], "cpu", method="percentile")


def test_histogram(on_device, random):
    values = random.standard_normal(100_000).astype(np.float32)
    here, there = qcal.histogram(values, backend="cpu"), qcal.histogram(on_device(values), backend="cuda")
    assert np.array_equal(here.counts, there.counts) and np.array_equal(here.edges, there.edges)


def calibrator_of_x():
    calibrator = qcal.Calibrator(qcal.load_config(CONFIGS[0]), backend="cuda")
    calibrator.declare("x")
    return calibrator


# What precedes on the stream is waited for; what follows may overwrite.
def test_torchs_current_stream():
    torch = pytest.importorskip("torch")
    calibrator = calibrator_of_x()
    values = torch.zeros(1 << 20, device="cuda")
    torch.cuda.synchronize()
    with torch.cuda.stream(torch.cuda.Stream()):
        torch.cuda._sleep(100_000_000)  # cycles: some 50 ms
        values.fill_(3.0)
        calibrator.observe("x", values)
        values.fill_(100.0)
    assert calibrator.finish()["x"].amax == [3.0]


def test_cupys_current_stream():
    cupy = pytest.importorskip("cupy")
    calibrator = calibrator_of_x()
    values, work = cupy.zeros(1 << 20, cupy.float32), cupy.random.random(1 << 24)
    cupy.cuda.Device().synchronize()
    with cupy.cuda.Stream(non_blocking=True):
        for _ in range(20):
            work = cupy.sort(work[::-1])
        values.fill(3.0)
        calibrator.observe("x", values)
        values.fill(100.0)
    assert calibrator.finish()["x"].amax == [3.0]


def test_a_model_on_the_device():
    torch = pytest.importorskip("torch")
    import qcal.torch

    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = False
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 3))
    loader = [torch.randn(4, 3, 12, 12) for _ in range(3)]
    config = {"target_device": "CPU", "overall_quantize_config": {"method": "mse", "scale_type": "float"}}
    here = qcal.torch.calibrate(model, loader, config, backend="cpu", progress=False)
    there = qcal.torch.calibrate(model.cuda(), loader, config, backend="cuda", progress=False)
    assert list(there) == list(here)
    for name in here:
        # Weights are the same numbers. What is computed from them differs by the order of sums, which can move a
        # threshold by a bin of 2048.
        tolerance = 0.0 if name.endswith("weight") else 2 / 2048
        assert there[name].scale == pytest.approx(here[name].scale, rel=tolerance, abs=0.0)
    batch = loader[0].cuda()
    with torch.no_grad():
        expected = model(batch)
        with qcal.torch.apply_fake_quant(model, there):
            noise = model(batch) - expected
    assert 0.0 < float(noise.square().sum() / expected.square().sum()) < 1e-3  # 30 dB
