"""Methods that learn from the noisy image alone: each cleans it, and a mask fits the noise."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Notice, Progress, run
from napari_denoise.core.settings import make_settings
from napari_denoise.learning.methods import N2V, N2V2, Noise2Fast, StructN2V
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training import suggestion
from napari_denoise.learning.training.job import TrainingImage, train_job

YX = Layout("YX")
SMALL = {"n_features": 8, "patch_size": 32, "learning_rate": 4e-3}
METHODS = (
    N2V2(n_steps=160, **SMALL),
    StructN2V(n_steps=80, orientation="X", span=1, **SMALL),
    Noise2Fast(n_steps=200, **SMALL),
)


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.tag())


@pytest.fixture
def clean():
    """Bright spots on waves, in photons."""
    y, x = np.mgrid[:128, :128] / 8
    return 100 + 50 * np.sin(y) * np.cos(x) + 50 * (np.hypot(y - 8, x - 8) < 4)


@pytest.fixture
def noisy(clean, rng):
    return rng.poisson(clean).astype(np.uint16)


def trained(method, noisy, layout=YX, **others):
    return run(
        train_job(method, [TrainingImage.of(noisy, layout, "image")], device="cpu", **others)
    )


def denoised(model, noisy, layout=YX):
    return run(denoise_job(ModelDenoiser.of(model, device="cpu"), noisy, layout)).image.pixels


def gain_db(clean, noisy, result):
    return 10 * math.log10(np.mean((noisy - clean) ** 2) / np.mean((result - clean) ** 2))


@named(METHODS)
def test_it_brings_a_noisy_image_closer_to_the_clean_one(method, clean, noisy):
    result = denoised(trained(method, noisy), noisy)
    assert gain_db(clean, noisy, result) > 3.5
    assert abs(result.mean() / noisy.mean() - 1) < 0.02


@named([*METHODS, StructN2V(orientation="Z", span=3)])
@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((5, 21, 26), Layout("ZYX", "ZYX")),
        ((2, 4, 20, 24), Layout("CZYX", "ZYX", "joint")),
    ],
)
def test_it_takes_volumes_and_channels_together(rng, method, shape, layout):
    noisy = rng.normal(100, 10, size=shape)
    changes = {"n_steps": 2, "n_features": 4, "patch_size": None}
    model = trained(method.model_copy(update=changes), noisy, layout)
    result = denoised(model, noisy, layout)
    assert result.shape == shape
    assert np.isfinite(result).all()


@named(METHODS)
def test_its_model_is_the_same_again_and_after_a_file(method, noisy, tmp_path):
    short = method.model_copy(update={"n_steps": 3})
    path = tmp_path / "model.safetensors"
    contents = []
    for _ in "ab":
        model = trained(short, noisy[:48, :40])
        save_model(model, path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    loaded = load_model(path)
    assert loaded.method == model.method
    np.testing.assert_array_equal(denoised(loaded, noisy), denoised(model, noisy))


def test_the_papers_n2v2_takes_the_larger_of_two_pixels_before_it_blurs(noisy):
    method = make_settings(N2V2, {"n_steps": 2, "n_features": 4}, preset="paper")
    model = trained(method, noisy)
    assert (model.architecture.shrinking, model.architecture.skips) == ("max-blur", "deep")
    assert method.replacement == "median"


@named(METHODS)
def test_tiles_leave_no_seams(method, noisy, monkeypatch):
    model = trained(method.model_copy(update={"n_steps": 3}), noisy)
    whole = denoised(model, noisy)
    monkeypatch.setattr(ModelDenoiser, "tile_size", lambda *_: (32, 48))
    np.testing.assert_allclose(denoised(model, noisy), whole, rtol=1e-4, atol=1e-3)


def shared_noise(rng, shape, axis):
    """Noise of unit variance that five pixels along an axis have in common."""
    noise = ndimage.uniform_filter1d(rng.normal(size=shape), 5, axis=axis)
    return noise / noise.std()


@pytest.mark.parametrize(("axis", "orientation"), [(0, "Y"), (1, "X")])
def test_the_mask_is_laid_along_the_axis_that_shares_its_noise(rng, axis, orientation):
    noisy = 100 + 10 * shared_noise(rng, (128, 128), axis)
    notices = []

    def keep(event):
        if isinstance(event, Notice):
            notices.append(event.message)

    method = StructN2V(n_steps=1, n_features=4, patch_size=32)
    job = train_job(method, [TrainingImage.of(noisy, YX, "lines")], device="cpu")
    found = run(job, keep).method
    assert found.orientation == orientation
    assert 7 <= found.span <= 11
    assert any(f"lines of {found.span} pixels along {orientation}" in words for words in notices)


@pytest.mark.parametrize(
    ("spans", "orientation"),
    [((1, 1), "X"), ((1, 3), "X"), ((5, 1), "Y"), ((5, 7), "block"), ((17, 3), "Y")],
)
def test_a_mask_much_longer_than_wide_is_a_line(monkeypatch, spans, orientation):
    assert found_with(monkeypatch, spans).orientation == orientation


def test_stripes_of_rows_and_columns_are_hidden_by_a_cross(monkeypatch):
    found = found_with(monkeypatch, (17, 17), row_stripes=2.0, column_stripes=3.0)
    assert (found.orientation, found.span) == ("cross", 17)
    assert found_with(monkeypatch, (17, 17), row_stripes=2.0).orientation == "block"


def found_with(monkeypatch, spans, **stripes):
    """The mask for noise of which this has been measured."""

    def measure_noise(*_, **__):
        yield Progress(fraction=0.0)
        found = {"row_stripes": 0.0, "column_stripes": 0.0} | stripes
        return [SimpleNamespace(mask_span_y=spans[0], mask_span_x=spans[1], **found)]

    monkeypatch.setattr(suggestion, "measure_noise", measure_noise)
    image = TrainingImage.of(np.zeros((64, 64)), YX, "image")
    return run(StructN2V().strategy().suggest([image]))


@pytest.mark.parametrize(("axis", "orientation", "wrong"), [(0, "Y", "X"), (1, "X", "Y")])
def test_a_mask_along_the_noise_removes_what_one_across_it_and_noise2void_copy(
    rng, clean, axis, orientation, wrong
):
    noisy = (clean + 20 * shared_noise(rng, clean.shape, axis)).astype(np.float32)
    long = {"n_steps": 200, **SMALL}
    right, across, plain = (
        gain_db(clean, noisy, denoised(trained(method, noisy), noisy))
        for method in (
            StructN2V(orientation=orientation, span=9, **long),
            StructN2V(orientation=wrong, span=9, **long),
            N2V(**long),
        )
    )
    assert right > across + 2
    assert right > plain + 2


def test_what_the_user_says_of_the_mask_is_not_measured(rng):
    noisy = rng.normal(100, 10, size=(64, 64))
    method = StructN2V(n_steps=1, n_features=4, patch_size=16, orientation="Y", span=5)
    assert trained(method, noisy).method == method
    half = method.model_copy(update={"span": None})
    found = trained(half, 100 + 10 * shared_noise(rng, (128, 128), 1)).method
    assert (found.orientation, found.span) == ("Y", 1)


def test_a_mask_that_cannot_be_measured_has_to_be_given():
    tiny = np.arange(64.0).reshape(8, 8)
    with pytest.raises(InputError, match="Give its orientation and span"):
        trained(StructN2V(n_steps=1), tiny)


def test_a_mask_without_a_middle_is_refused():
    with pytest.raises(SettingsError, match="odd number"):
        make_settings(StructN2V, {"orientation": "X", "span": 4})


def test_a_mask_across_planes_is_refused_where_there_are_none(noisy):
    with pytest.raises(SettingsError, match="needs volumes"):
        trained(StructN2V(n_steps=1, orientation="Z", span=3), noisy)


@named(METHODS)
def test_a_real_image_comes_out_clearer(real_data, method):
    part = (slice(128, 320), slice(128, 320))
    noisy, clean = (
        tifffile.imread(real_data / "fmd_confocal" / kind / "BPAE_G.tif")[part].astype(float)
        for kind in ("noisy", "clean")
    )
    assert gain_db(clean, noisy, denoised(trained(method, noisy), noisy)) > 2


@named([N2V2(), StructN2V(), Noise2Fast()])
def test_a_real_volume_is_learned_from_and_comes_out_in_its_units(real_data, method):
    noisy = tifffile.imread(real_data / "lightsheet_3d" / "signal.tif")[:, :128, :128]
    layout = Layout("ZYX", "ZYX")
    short = {"n_steps": 12, "n_features": 8, "learning_rate": 3e-3}
    model = trained(method.model_copy(update=short), noisy, layout)
    assert model.history[-1].validation_loss < model.history[0].validation_loss
    part = noisy[:5, :61, :53]
    result = denoised(model, part, layout)
    assert result.shape == part.shape
    assert noisy.min() - noisy.std() < result.mean() < noisy.mean() + 3 * noisy.std()
