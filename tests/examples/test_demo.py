"""The demo: the main job from end to end, with a picture of the real window."""

import numpy as np
import pytest
import tifffile
import typer
from imageio.v3 import imread

import demo
from napari_denoise.filters import Gaussian

pytestmark = pytest.mark.gui


@pytest.fixture
def quick(monkeypatch):
    """Filters alone: training has its own tests."""
    monkeypatch.setattr(demo, "_METHODS", (Gaussian(sigma=1.0),))


def test_the_demo_prints_a_table_and_writes_its_window(tmp_path, quick, capsys):
    picture = tmp_path / "new" / "window.png"
    demo.main(screenshot=picture, seed=1)
    printed = capsys.readouterr().out
    assert "Gaussian" in printed
    assert "PSNR" in printed
    assert str(picture) in printed
    pixels = imread(picture)
    assert pixels.shape[0] > 500
    assert len(np.unique(pixels)) > 50


def test_the_demo_takes_an_image_and_its_reference(tmp_path, quick, capsys, rng):
    clean = np.full((2, 64, 64), 100, np.uint8)
    tifffile.imwrite(tmp_path / "clean.tif", clean)
    tifffile.imwrite(tmp_path / "noisy.tif", rng.poisson(clean).astype(np.uint8))
    demo.main(
        tmp_path / "noisy.tif",
        reference=tmp_path / "clean.tif",
        screenshot=tmp_path / "window.png",
        seed=0,
    )
    printed = capsys.readouterr().out
    assert "2 planes of 64 × 64" in printed
    assert "data range of 255" in printed


def test_the_demo_ends_with_a_sentence_where_an_image_is_missing(tmp_path, quick, capsys):
    with pytest.raises(typer.Exit):
        demo.main(tmp_path / "absent.tif", seed=0)
    assert "absent.tif" in capsys.readouterr().err
