"""Every Python block of the documents runs as it is printed."""

import re
from pathlib import Path

import numpy as np
import pytest

import napari_denoise as nd
from napari_denoise.data.synthetic.scenes import movie

ROOT = Path(__file__).parents[2]
BLOCKS = {
    path.name: re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}


@pytest.fixture
def names(tmp_path, monkeypatch, rng, make_napari_viewer):
    """What the documents take for granted: images in variables, and one in a file."""
    monkeypatch.chdir(tmp_path)
    # The same viewer, but closed at the end of the test.
    monkeypatch.setattr("napari.Viewer", make_napari_viewer)
    clean = 200 * movie((2, 48, 48), rng=rng, kind="nuclei")
    noisy = rng.poisson(clean).astype(np.uint16)
    nd.write_image("noisy.tif", noisy, axes="ZYX")
    return {"array": noisy, "reference": clean, "film": clean}


@pytest.mark.gui
@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if blocks])
def test_the_blocks_of_a_page_run_as_they_are_printed(page, names):
    for block in BLOCKS[page]:
        exec(compile(block, page, "exec"), names)


def test_the_readme_says_how_it_is_done_in_python():
    assert len(BLOCKS["README.md"]) == 1
