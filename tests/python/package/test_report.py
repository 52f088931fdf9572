"""The page of a calibration, opened in a browser where there is one, and the figures."""
import json
import re
import shutil
import subprocess

import matplotlib
import numpy as np
import pytest
import qcal
from conftest import CONFIGS, MODELS, calib_run, commented_json
from qcal import cli

matplotlib.use("agg")
import qcal.plot  # noqa: E402

NETWORK = MODELS / "rn_digits/rn_digits.ts.op13.bn.onnx"
DUMP = MODELS / "rn_digits/dump"
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Without equalization, which would show tensors other than the recorded ones."""
    path = tmp_path_factory.mktemp("config") / "config.json"
    path.write_text(json.dumps(commented_json(CONFIGS[1]) | {"include_cle": False}))
    return path


@pytest.fixture(scope="module")
def params(tmp_path_factory, config):
    out = tmp_path_factory.mktemp("report") / "out"
    calib_run("calibrate", "--quiet", "--model", NETWORK, "--dumps", DUMP, "--config", config, "--out", out)
    return out / "quant_params.json"


@pytest.fixture(scope="module")
def page(params, config):
    path = params.parent / "report.html"
    calib_run("report", "--quiet", "--model", NETWORK, "--dumps", DUMP, "--params", params, "--config", config, "--out", path)
    return path


def data_of(page):
    return json.loads(re.search(r"^const data = (.*?);\nconst make", page.read_text(), re.S | re.M).group(1))


def test_the_page_holds_what_it_shows(page, params, config):
    data = data_of(page)
    assert data["params"]["tensors"] == json.loads(params.read_text())["tensors"]
    assert data["config"] == json.loads(calib_run("explain", "--json", "--config", config))
    analysis = json.loads(calib_run("analyze", "--json", "--model", NETWORK, "--dumps", DUMP, "--params", params))
    assert data["analysis"]["layers"] == analysis["layers"]
    assert data["warnings"] == analysis["warnings"]
    assert analysis == qcal.analyze(NETWORK, DUMP, params)


def test_distributions_count_every_recorded_value(page, dump):
    for entry in data_of(page)["distributions"]:
        if entry["role"] in ("weights", "bias"):
            continue
        values = np.concatenate([batch.ravel() for batch in dump.batches(entry["name"])])
        assert sum(entry["counts"]) == values.size
        assert entry["low"] <= values.min() and values.max() <= entry["high"]
        counts, _ = np.histogram(values, bins=len(entry["counts"]), range=(entry["low"], entry["high"]))
        assert counts.tolist() == entry["counts"], entry["name"]


def test_the_page_needs_no_network_and_no_tag_ends_it(page):
    text = page.read_text()
    assert set(re.findall(r"https?://[^\"'\s)]+", text)) == {"http://www.w3.org/2000/svg"}  # a name, not a place
    assert text.count("</script") == 1


def test_python_and_script_write_the_same_page(page, params, config, tmp_path):
    assert qcal.report(NETWORK, DUMP, params, qcal.load_config(config)) == page.read_text()
    out = tmp_path / "page.html"
    assert cli.main(["report", str(NETWORK), str(DUMP), str(params), "--config", str(config), "--out", str(out)]) == 0
    assert out.read_text() == page.read_text()
    assert "quant_params.json: config" in qcal.report(NETWORK, DUMP, params), "provenance without a configuration file"
    with pytest.raises(qcal.InputError, match="quant_params.json: 17 tensors that are not quantized"):
        qcal.report(MODELS / "mbv2_digits/mbv2_digits.ts.op13.bn.onnx", DUMP, params)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: tools/install_packages.sh tests/python/packages.txt")
def test_the_page_sorts_and_filters_in_chromium(page, tmp_path):
    """--dump-dom gives what the page's own script has made of it, after what a reader would do."""

    def shown(steps):
        copy = tmp_path / "page.html"
        copy.write_text(page.read_text().replace("</body>", f"<script>{steps}</script></body>"))
        done = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
             "--dump-dom", copy.as_uri()], check=True, capture_output=True, text=True, timeout=120)
        assert 'data-ready="yes"' in done.stdout, done.stderr
        body = re.search(r'<table id="tensors">.*?<tbody>(.*?)</tbody>', done.stdout, re.S).group(1)
        return done.stdout, re.findall(r'<td class="name"><span>([^<]+)<', body)

    names = [tensor["name"] for tensor in data_of(page)["params"]["tensors"]]
    html, in_order = shown("")
    assert in_order == names
    assert html.count('<svg class="spark"') == len(names) and "Worst layers" in html and "Warnings" in html
    click = "[...document.querySelectorAll('#tensors button')].find(b => b.textContent === 'Tensor').click();"
    assert shown(click)[1] == sorted(names)
    assert shown(click * 2)[1] == sorted(names, reverse=True)
    search = "const box = document.getElementById('filter'); box.value = 'FC'; box.dispatchEvent(new Event('input'));"
    html, filtered = shown(search)
    assert {"fc.weight"} <= set(filtered) < set(names)
    assert f"{len(filtered)} of {len(names)}" in html


def test_figures_show_every_method_and_layer(params, random, tmp_path):
    values = random.standard_normal(5000).astype(np.float32)
    axes = qcal.plot.distribution(values, bit_width=6, title="x")
    lines = {line.get_label().partition(":")[0]: line.get_xdata()[0] for line in axes.lines}
    for method in qcal.plot.METHODS:
        assert lines[method] == qcal.search(qcal.histogram(values), method=method, bit_width=6).high
    axes.figure.savefig(tmp_path / "distribution.png")
    both = qcal.plot.distribution(values, methods=["mse"], symmetry=False, signed=False)
    found = qcal.search(qcal.histogram(values, symmetric=False), method="mse", symmetry=False, signed=False)
    assert [line.get_xdata()[0] for line in both.lines] == [found.low, found.high]
    analysis = qcal.analyze(NETWORK, DUMP, params)
    axes = qcal.plot.layers(analysis)
    assert [label.get_text() for label in axes.get_yticklabels()] == [layer["layer"] for layer in analysis["layers"]]
    assert [bar.get_width() for bar in axes.containers[0]] == [layer["sqnr_db"]["both"] for layer in analysis["layers"]]
    axes.figure.savefig(tmp_path / "layers.png")
    with pytest.raises(qcal.InvalidArgument, match="no layers"):
        qcal.plot.layers({"layers": []})
