"""Learning from clean images: the noise is simulated, and new in every step."""

import math

import numpy as np
import pytest

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.core.progress import run
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import CARE
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import train_job
from napari_denoise.learning.training.selection import make_sampler
from napari_denoise.noise import (
    Bleaching,
    CameraNoise,
    Composite,
    GaussianNoise,
    PoissonNoise,
    ScmosNoise,
    StripeNoise,
    add_noise_job,
)
from napari_denoise.noise.simulation.composite import SINGLE_NOISES

YX = Layout("YX")
SCRATCH = {"start": "scratch", "n_features": 8, "patch_size": 32, "learning_rate": 4e-3}


@pytest.fixture
def clean():
    """Bright spots on waves, in photons."""
    y, x = np.mgrid[:128, :128] / 8
    return 100 + 50 * np.sin(y) * np.cos(x) + 50 * (np.hypot(y - 8, x - 8) < 4)


def sampler_of(noise, image, rng, size=(32, 32)):
    return run(make_sampler(CARE(noise=noise), [image], size, rng))


@pytest.mark.parametrize("noise", [PoissonNoise(photons=1, per="DN"), GaussianNoise(sigma=14)])
def test_care_learns_from_clean_images_alone(clean, rng, noise):
    image = TrainingImage.of(clean, YX, "clean")
    model = run(train_job(CARE(n_steps=120, noise=noise, **SCRATCH), [image], device="cpu"))
    noisy = run(add_noise_job(noise, clean, rng=rng)).image
    result = run(denoise_job(ModelDenoiser.of(model, device="cpu"), noisy, YX)).image.pixels
    assert 10 * math.log10(np.mean((noisy - clean) ** 2) / np.mean((result - clean) ** 2)) > 4.5


def test_the_instant_denoiser_is_told_the_camera_that_is_simulated(clean, small_instant, tmp_path):
    noise = CameraNoise(photons=300, gain=3, offset=200, read_noise_electrons=2)
    method = CARE(n_steps=2, noise=noise, patch_size=64)
    model = run(train_job(method, [TrainingImage.of(clean, YX, "clean")], device="cpu"))
    assert model.normalization.gain == pytest.approx(3, rel=0.25)
    assert model.normalization.offset == pytest.approx(200, rel=0.5)
    save_model(model, tmp_path / "model.safetensors")
    assert load_model(tmp_path / "model.safetensors").method == method


def test_noise_is_new_in_every_draw_and_the_same_with_the_same_seed(clean):
    image = TrainingImage.of(clean, YX, "clean")
    sampler = sampler_of(GaussianNoise(sigma=3), image, np.random.default_rng(0), (128, 128))
    first, second = (sampler.draw(2, np.random.default_rng(seed), turned="not") for seed in (1, 2))
    np.testing.assert_array_equal(first.target, second.target)
    assert (
        abs(np.corrcoef((first.input - first.target).flat, (second.input - second.target).flat))[
            0, 1
        ]
        < 0.02
    )
    again = sampler.draw(2, np.random.default_rng(1), turned="not")
    np.testing.assert_array_equal(first.input, again.input)
    assert (first.input - first.target).std() == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("noise", [cls() for cls in SINGLE_NOISES], ids=lambda noise: noise.name)
@pytest.mark.parametrize(
    "layout",
    [Layout("TYX"), Layout("TYX", "TYX"), Layout("TCZYX", "ZYX", "joint"), Layout("XTYC")],
    ids=str,
)
def test_every_noise_can_be_added_to_any_axes(rng, noise, layout):
    sizes = {"T": 5, "C": 2, "Z": 4, "Y": 20, "X": 24}
    pixels = rng.uniform(10, 90, [sizes[letter] for letter in layout.axes])
    size = (4, 16, 12)[-layout.n_spatial :]
    sampler = sampler_of(noise, TrainingImage.of(pixels, layout, "clean"), rng, size)
    patches = sampler.draw(4, rng)
    assert patches.input.shape == (4, 2 if layout.channels == "joint" else 1, *size)
    assert np.isfinite(patches.input).all()
    assert not np.array_equal(patches.input, patches.target)


def test_shares_of_the_range_are_those_of_all_images_together(rng):
    dark, bright = (TrainingImage.of(np.full((64, 64), v), YX, "flat") for v in (0.0, 1000.0))
    method = CARE(noise=GaussianNoise(sigma=0.07, unit="range"))
    sampler = run(make_sampler(method, [dark, bright], (32, 32), rng))
    patches = sampler.draw(50, rng)
    assert (patches.input - patches.target).std() == pytest.approx(70, rel=0.02)


@pytest.mark.parametrize("layout", [Layout("TYX"), Layout("TYX", "TYX")])
def test_what_happens_along_time_does_so_by_the_frame_a_patch_is_from(rng, layout):
    pixels = np.full((9, 32, 32), 1000.0) * np.linspace(1, 1.01, 32)
    noise = Composite.of([Bleaching(remaining=0.25), GaussianNoise(sigma=1)])
    size = (3, 16, 16)[-layout.n_spatial :]
    sampler = sampler_of(noise, TrainingImage.of(pixels, layout, "film"), rng, size)
    sampler = sampler.replaced(target_map=(1.0, 0.0))
    patches = sampler.draw(60, rng)
    shares = (patches.input / patches.target).mean(axis=(-2, -1))
    expected = 0.25 ** (np.arange(9) / 8)
    assert {int(np.abs(share - expected).argmin()) for share in shares.flat} == set(range(9))
    nearest = expected[np.abs(shares[..., np.newaxis] - expected).argmin(axis=-1)]
    np.testing.assert_allclose(shares, nearest, atol=0.01)


def test_a_fixed_pattern_stays_with_the_camera_and_stripes_with_its_rows(rng):
    image = TrainingImage.of(np.linspace(90, 110, 64 * 64).reshape(64, 64), YX, "clean")
    camera = ScmosNoise(photons=1e6, offset_spread=500, gain_spread=0, read_noise_electrons=0)
    patches = sampler_of(camera, image, rng, (48, 48)).draw(40, rng, turned="not")
    patterns = (patches.input - patches.target)[:, 0]
    corners = {tuple(np.round(pattern[0, :3], -2)) for pattern in patterns}
    assert len(corners) > 10
    striped = sampler_of(StripeNoise(sigma=50), image, rng, (16, 16)).draw(40, rng)
    stripes = striped.input - striped.target
    assert np.ptp(stripes, axis=-1).max() < 0.01 < np.ptp(stripes, axis=-2).min()


def test_noise_that_does_not_suit_the_images_is_refused(clean, rng):
    method = CARE(n_steps=2, noise=PoissonNoise())
    with pytest.raises(InputError, match="negative intensities"):
        run(train_job(method, [TrainingImage.of(clean - 200, YX, "clean")]))
    with pytest.raises(InputError, match="Choose one of the two"):
        run(train_job(method, [TrainingImage.of(clean, YX, "clean", target=clean)]))
    with pytest.raises(AxesError, match="Photobleaching happens along time, but clean has axes YX"):
        run(train_job(CARE(noise=Bleaching()), [TrainingImage.of(clean, YX, "clean")]))
