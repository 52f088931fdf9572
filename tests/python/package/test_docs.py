"""The examples of python/README.md and python/docs, run as they stand, and the links between the pages."""
import re
import shutil

import pytest
from conftest import CONFIGS, MODELS, ROOT

PAGES = [ROOT / "python/README.md", *sorted((ROOT / "python/docs").glob("*.md"))]


def examples(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.S | re.M)


ALL = [pytest.param(page, number, id=f"{page.stem}-{number}",
                    marks=[pytest.mark.torch] if "import torch" in example else [])
       for page in PAGES for number, example in enumerate(examples(page))]


@pytest.mark.parametrize("page, number", ALL)
def test_examples_run(page, number, tmp_path, monkeypatch):
    """In a folder with the files that they name."""
    example = examples(page)[number]
    if "import torch" in example:
        pytest.importorskip("torch")
    shutil.copy(CONFIGS[0], tmp_path / "config.json")
    shutil.copy(MODELS / "rn_digits/rn_digits.ts.op13.bn.onnx", tmp_path / "net.onnx")
    shutil.copy(MODELS / "rn_digits/calib.npz", tmp_path / "inputs.npz")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, f"{page.name}, example {number}", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page):
    for name in re.findall(r"`((?:bench|tests|tools)/[\w/.]+)`", page.read_text()):
        assert (ROOT / name).exists(), name
