"""Probabilistic Noise2Void: the recorded value counts, and the uncertainty is true."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, FileError, InputError, SettingsError
from napari_denoise.core.progress import Notice, run
from napari_denoise.core.settings import make_settings
from napari_denoise.learning.methods import PN2V
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job

YX = Layout("YX")
SMALL: dict[str, Any] = {"n_features": 8, "patch_size": 32, "learning_rate": 4e-3}
GIVEN: dict[str, Any] = {"gain": 3.0, "offset": 100.0, "read_noise": 4.0}
TINY = {"n_steps": 2, "n_features": 4, "depth": 1, "patch_size": 16, "n_samples": 10, **GIVEN}


def scene(rng, shape):
    """Electrons: round bodies of different brightness."""
    seeds = ndimage.gaussian_filter((rng.random(shape) < 0.01) * rng.random(shape), 3)
    return 10 + 50 * seeds / seeds.max()


def recorded(rng, electrons):
    dn = rng.poisson(electrons) * 3.0 + 100 + rng.normal(0, 4, electrons.shape)
    return dn.astype(np.float32)


def trained(method, noisy, layout=YX, notices=None):
    def keep(event):
        if notices is not None and isinstance(event, Notice):
            notices.append(event.message)

    return run(train_job(method, [TrainingImage.of(noisy, layout, "image")], device="cpu"), keep)


def given(model, noisy, output="image", layout=YX):
    denoiser = ModelDenoiser.of(model, device="cpu", output=output)
    return run(denoise_job(denoiser, noisy, layout)).image.pixels


def rmse(image, clean):
    return float(np.sqrt(np.mean((image - clean) ** 2)))


@dataclass
class Trained:
    clean: Any
    noisy: Any
    model: Any


@pytest.fixture(scope="module")
def example():
    """A model that has learned something."""
    rng = np.random.default_rng(5)
    electrons = scene(rng, (160, 160))
    noisy = recorded(rng, electrons)
    model = trained(PN2V(n_steps=250, **SMALL, **GIVEN), noisy)
    return Trained(100 + 3 * electrons, noisy, model)


def test_the_recorded_value_makes_the_guess_better(example):
    image, prior = (given(example.model, example.noisy, name) for name in ("image", "prior"))
    assert rmse(image, example.clean) < 0.98 * rmse(prior, example.clean)
    assert rmse(image, example.clean) < 0.45 * rmse(example.noisy, example.clean)


def test_the_truth_lies_within_two_standard_deviations(example):
    error = np.abs(given(example.model, example.noisy) - example.clean)
    deviation = given(example.model, example.noisy, "uncertainty")
    assert 0.91 < np.mean(error < 2 * deviation) < 0.985
    surer, less_sure = deviation < np.median(deviation), deviation > np.median(deviation)
    assert rmse(error[surer], 0) < rmse(error[less_sure], 0)


def test_intensities_are_kept(example):
    assert given(example.model, example.noisy).mean() == pytest.approx(
        example.noisy.mean(), rel=0.005
    )


def test_the_guess_does_not_see_the_pixel_itself(example):
    changed = example.noisy.copy()
    changed[70, 81] += 500
    before, after = (given(example.model, each, "prior") for each in (example.noisy, changed))
    assert after[70, 81] == before[70, 81]
    assert abs(after[70, 82] - before[70, 82]) > 1
    image = given(example.model, changed) - given(example.model, example.noisy)
    assert image[70, 81] > 1


@pytest.mark.parametrize("output", ["image", "uncertainty", "prior"])
def test_tiles_leave_no_seams(example, output, monkeypatch):
    whole = given(example.model, example.noisy, output)
    monkeypatch.setattr(ModelDenoiser, "tile_size", lambda *_: (40, 56))
    tiled = given(example.model, example.noisy, output)
    np.testing.assert_allclose(tiled, whole, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("prior", "noise"), [("gaussian", "histogram"), ("samples", "camera"), ("samples", "mixture")]
)
def test_all_kinds_of_noise_and_prior_clean_an_image(example, noise, prior):
    method = PN2V(n_steps=80, noise=noise, prior=prior, n_samples=20, **SMALL, **GIVEN)
    model = trained(method, example.noisy)
    image = given(model, example.noisy)
    assert rmse(image, example.clean) < 0.65 * rmse(example.noisy, example.clean)
    assert image.mean() == pytest.approx(example.noisy.mean(), rel=0.02)
    assert (given(model, example.noisy, "uncertainty") > 0).all()


@pytest.mark.parametrize(
    ("prior", "noise"), [("gaussian", "histogram"), ("samples", "camera"), ("samples", "mixture")]
)
def test_a_model_from_a_file_gives_the_same(example, noise, prior, tmp_path):
    method = PN2V(noise=noise, prior=prior, **TINY)
    path, noisy = tmp_path / "model.safetensors", example.noisy
    contents = []
    for _ in "ab":
        model = trained(method, noisy)
        save_model(model, path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    loaded = load_model(path)
    assert loaded.normalization == model.normalization
    for output in method.outputs:
        np.testing.assert_array_equal(given(loaded, noisy, output), given(model, noisy, output))


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((5, 21, 26), Layout("ZYX", "ZYX")),
        ((3, 21, 26), Layout("CYX", "YX", "joint")),
        ((2, 1, 20, 24), Layout("CZYX", "ZYX", "joint")),
        ((2, 7, 20, 24), Layout("STYX", "TYX")),
    ],
)
@pytest.mark.parametrize("prior", ["gaussian", "samples"])
def test_it_takes_volumes_and_channels_together(rng, shape, layout, prior):
    noisy = recorded(rng, np.full(shape, 20.0))
    model = trained(PN2V(prior=prior, **{**TINY, "patch_size": None}), noisy, layout)
    for output in PN2V.outputs:
        result = given(model, noisy, output, layout)
        assert result.shape == shape
        assert np.isfinite(result).all()


def test_the_camera_is_measured_where_it_is_not_given(rng):
    noisy = recorded(rng, scene(rng, (192, 192)))
    both = np.stack([noisy, noisy[::-1] * 2])
    model = trained(PN2V(**{**TINY, "gain": None}), both, Layout("CYX", "YX", "joint"))
    one, other = model.normalization.cameras
    assert one.gain == pytest.approx(3, rel=0.15)
    assert other.gain / one.gain == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("noise", ["camera", "mixture", "histogram"])
def test_the_noise_may_be_measured_on_frames_of_something_still(rng, noise, tmp_path):
    frames = recorded(rng, np.stack([scene(rng, (64, 64))] * 20))
    path = tmp_path / "still.tif"
    tifffile.imwrite(path, frames)
    noisy = recorded(rng, scene(rng, (64, 64)))
    method = PN2V(**{**TINY, "gain": None, "noise": noise, "calibration": path})
    detector = trained(method, noisy).normalization
    if noise == "camera":
        assert detector.cameras[0].gain == pytest.approx(3, rel=0.15)
    else:
        signal = 100 + 3 * 30.0
        assert detector.noise[0].variance(signal) == pytest.approx(9 * 30 + 16, rel=0.2)


def test_an_image_that_the_noise_is_not_known_for_is_refused_or_told(rng, tmp_path):
    path = tmp_path / "still.tif"
    tifffile.imwrite(path, recorded(rng, np.stack([scene(rng, (64, 64))] * 20)))
    method = PN2V(**{**TINY, "noise": "histogram", "calibration": path})
    bright = recorded(rng, 10 * scene(rng, (64, 64)))
    with pytest.raises(InputError, match="The noise is known for signals from"):
        trained(method, bright)
    noisy, notices = recorded(rng, scene(rng, (64, 64))), []
    noisy[20:22, 20:24] = 3000
    trained(method, noisy, notices=notices)
    assert any("The noise is known for signals from" in words for words in notices)


def test_bad_input_is_refused_in_words(rng, tmp_path):
    noisy = recorded(rng, scene(rng, (64, 64)))
    with pytest.raises(SettingsError, match="gain or a read noise above zero"):
        make_settings(PN2V, {"gain": 0, "read_noise": 0})
    with pytest.raises(FileError, match="There is no file"):
        trained(PN2V(calibration=tmp_path / "no.tif", n_steps=1), noisy)
    tifffile.imwrite(tmp_path / "one.tif", noisy)
    with pytest.raises(AxesError):
        trained(PN2V(calibration=tmp_path / "one.tif", n_steps=1), noisy)
    with pytest.raises(InputError, match="constant"):
        trained(PN2V(**TINY), np.full((64, 64), 7.0))
