"""Histograms, the scales that methods choose for them, and tensors as their quantized form reads."""
import numpy as np
import pytest
import qcal
from conftest import CONFIGS, commented_json


def parameters_of(values, role="activation", **overall):
    source = commented_json(CONFIGS[1])
    source["overall_quantize_config"] |= {"calib_scope": "per_batch"} | overall
    source["tensor_quantize_config"] = {}
    calibrator = qcal.Calibrator(qcal.load_config(source))
    calibrator.declare("x", role=role, channel_axis=1)
    calibrator.observe("x", values)
    return calibrator.finish()


@pytest.mark.parametrize("method", ["maxmin", "percentile", "entropy", "mse"])
@pytest.mark.parametrize("symmetry", [True, False])
def test_search_gives_the_scale_of_a_calibration(random, method, symmetry):
    values = random.standard_normal((4, 3, 50)).astype(np.float32)
    settings = {"method": method, "symmetry": symmetry, "signed": symmetry, "bit_width": 7}
    found = qcal.search(qcal.histogram(values, symmetric=symmetry), **settings)
    expected = parameters_of(values, per_channel=False, **settings)["x"]
    assert ([found.scale], [found.zero_point], [found.amax]) == (expected.scale, expected.zero_point, expected.amax)
    assert (found.qmin, found.qmax, found.signed) == (expected.qmin, expected.qmax, expected.signed)
    assert found.low == found.scale * (found.qmin - found.zero_point)


def test_histograms_count_what_numpy_counts(random):
    values = random.standard_normal(10_000).astype(np.float32)
    histogram = qcal.histogram(values)
    assert histogram.counts.dtype == np.uint64 and histogram.counts.sum() == values.size
    assert histogram.edges[0] == 0 and histogram.edges[-1] == np.abs(values).max() == max(-histogram.min, histogram.max)
    counts, edges = np.histogram(np.abs(values), bins=2048, range=(0, float(np.abs(values).max())))
    # A value at an edge may fall to either side: numpy rounds in float64, qcal by torch.histc's float32 formula.
    assert np.abs(np.cumsum(counts) - np.cumsum(histogram.counts.astype(np.int64))).max() <= 2
    np.testing.assert_allclose(histogram.edges, edges, rtol=1e-6)
    mine = qcal.Histogram(counts, 0.0, float(edges[-1]))
    assert qcal.search(mine, method="maxmin").scale == qcal.search(histogram, method="maxmin").scale


def test_zeros_have_a_scale_and_no_bins():
    histogram = qcal.histogram(np.zeros(5, np.float32))
    assert histogram.counts.size == histogram.edges.size == 0
    assert qcal.search(histogram, method="entropy").scale == 2**-18


def test_settings_come_from_a_configuration_too(random):
    values = random.standard_normal(1000).astype(np.float32)
    config = qcal.load_config(CONFIGS[1])
    found = qcal.search(qcal.histogram(values), config, role="weights")
    assert found.scale == float(np.abs(values).max()) / 127
    with pytest.raises(TypeError, match="method beside a configuration"):
        qcal.search(qcal.histogram(values), config, method="mse")
    with pytest.raises(qcal.ConfigError, match="did you mean method?"):
        qcal.search(qcal.histogram(values), methd="mse")
    with pytest.raises(qcal.InvalidArgument, match="histogram of magnitudes"):
        qcal.search(qcal.histogram(values, symmetric=False), method="mse")
    with pytest.raises(qcal.InvalidArgument, match="0 must lie in its range"):
        qcal.Histogram([1, 2], 1.0, 2.0)


def test_fake_quantize_is_onnx_arithmetic_per_channel_and_in_any_layout(random):
    values = random.standard_normal((4, 3, 50)).astype(np.float32)
    tensor = parameters_of(values, role="weights", per_channel=True, method="maxmin", round_mode="half_even")["x"]
    scale = np.float32(tensor.scale).reshape(3, 1)
    expected = np.clip(np.rint(values / scale), tensor.qmin, tensor.qmax) * scale
    np.testing.assert_array_equal(qcal.fake_quantize(values, tensor), expected)
    transposed = values.transpose(2, 1, 0)
    np.testing.assert_array_equal(qcal.fake_quantize(transposed, tensor), expected.transpose(2, 1, 0))
    result = qcal.fake_quantize(values.astype(np.float16), tensor)
    assert result.dtype == np.float32 and result.shape == values.shape
    with pytest.raises(qcal.InvalidArgument, match='tensor "x": axis 1 has 5 channels, and there are 3 scales'):
        qcal.fake_quantize(np.ones((2, 5), np.float32), tensor)
    with pytest.raises(TypeError, match='tensor "x": '):
        qcal.fake_quantize(np.ones((2, 3), np.int32), tensor)
    with pytest.raises(qcal.InvalidArgument, match="compat"):
        qcal.fake_quantize(values, tensor, compat="vai")
