"""Every Python block of the documents runs as it is printed."""

import re
from pathlib import Path

import numpy as np
import pytest

import napari_denoise as nd
from napari_denoise.data.synthetic.scenes import movie

ROOT = Path(__file__).parents[2]
BLOCKS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
    )
]


@pytest.fixture
def names(tmp_path, monkeypatch, rng):
    """What the documents take for granted: images in variables, and one in a file."""
    monkeypatch.chdir(tmp_path)
    clean = 200 * movie((2, 48, 48), rng=rng, kind="nuclei")
    noisy = rng.poisson(clean).astype(np.uint16)
    nd.write_image("noisy.tif", noisy, axes="ZYX")
    return {"array": noisy, "reference": clean, "film": clean}


def test_the_documents_have_code():
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs_as_it_is_printed(block, names):
    exec(compile(block, "<document>", "exec"), names)
