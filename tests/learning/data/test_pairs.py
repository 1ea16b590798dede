"""Learning from pairs: Noise2Noise and CARE, from scratch and from the instant denoiser."""

import math
import re

import dask.array as da
import numpy as np
import pytest
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, DenoiseError, InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Notice, Request, run
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.pairs import Repeats
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.losses.even_noise import StabilizedRegression
from napari_denoise.learning.methods import CARE, N2N, N2V
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingProgress, train_job

YX = Layout("YX")
SCRATCH = {"start": "scratch", "n_features": 8, "patch_size": 32, "learning_rate": 4e-3}
SHORT = {"n_steps": 3, "batch_size": 2, "patch_size": 16}


@pytest.fixture
def clean():
    """Bright spots on waves, in photons."""
    y, x = np.mgrid[:128, :128] / 8
    return 100 + 50 * np.sin(y) * np.cos(x) + 50 * (np.hypot(y - 8, x - 8) < 4)


@pytest.fixture
def frames(clean, rng):
    """Five recordings, SYX."""
    return rng.poisson([clean] * 5).astype(np.uint16)


def denoised(model, image, layout=YX):
    return run(denoise_job(ModelDenoiser.of(model, device="cpu"), image, layout)).image.pixels


def gain_db(clean, noisy, result):
    return 10 * math.log10(np.mean((noisy - clean) ** 2) / np.mean((result - clean) ** 2))


def pair(noisy, target, layout=YX):
    return TrainingImage.of(
        noisy, layout, "noisy", target=Image(target, layout.axes, name="target")
    )


@pytest.mark.parametrize("with_repeats", [True, False])
def test_noise2noise_brings_an_image_it_has_not_seen_closer_to_the_clean_one(
    clean, frames, with_repeats
):
    method = N2N(n_steps=120, repeats="S" if with_repeats else None, **SCRATCH)
    if with_repeats:
        images = [TrainingImage.of(frames[:4], Layout("SYX"), "frames")]
    else:
        images = [pair(frames[0], frames[1]), pair(frames[2], frames[3])]
    result = denoised(run(train_job(method, images, device="cpu")), frames[4])
    assert gain_db(clean, frames[4], result) > 4.5
    assert abs(result.mean() / clean.mean() - 1) < 0.02


def test_care_brings_an_image_it_has_not_seen_closer_to_the_clean_one(clean, frames):
    model = run(train_job(CARE(n_steps=120, **SCRATCH), [pair(frames[0], clean)], device="cpu"))
    assert gain_db(clean, frames[4], denoised(model, frames[4])) > 4.5
    assert model.recipe.source == "noisy → target"


def test_pairs_are_cut_and_turned_alike(rng):
    pixels = np.arange(3 * 20 * 30, dtype=np.float32).reshape(3, 20, 30)
    sampler = PatchSampler([pair(pixels, pixels + 0.5, Layout("TYX"))], (8, 8))
    patches = sampler.draw(50, rng)
    shown, target = patches.input, patches.target
    np.testing.assert_array_equal(target, shown + 0.5)
    assert len({patch[0].tobytes() for patch in shown - shown.min((-1, -2), keepdims=True)}) > 4


def test_repeats_pair_any_two_frames_and_never_one_with_itself(rng):
    frame, channel = np.mgrid[:4, :2]
    place = np.arange(64).reshape(8, 8) / 1000
    pixels = (frame + 10 * channel)[..., np.newaxis, np.newaxis] + place
    image = TrainingImage.of(pixels, Layout("TCYX"), "film")
    drawn = PatchSampler([image], (4, 4), repeats=Repeats("T")).draw(300, rng)
    pairs = np.stack([drawn.input, drawn.target], axis=1)
    first, second = np.floor(pairs[:, :, 0, 0, 0]).T.astype(int)
    seen = set(zip(first, second, strict=True))
    assert seen == {(a + c, b + c) for c in (0, 10) for a in range(4) for b in range(4) if a != b}
    fractions = pairs - np.floor(pairs)
    np.testing.assert_allclose(fractions[:, 0], fractions[:, 1], atol=1e-5)


@pytest.mark.parametrize(("n", "last"), [(4, {(2, 3), (3, 2)}), (5, {(2, 3), (3, 2), (4, 3)})])
def test_even_and_odd_frames_are_pairs_of_neighbours(rng, n, last):
    pixels = np.broadcast_to(np.arange(float(n))[:, np.newaxis, np.newaxis], (n, 8, 8))
    image = TrainingImage.of(pixels, Layout("TYX"), "film")
    patches = PatchSampler([image], (4, 4), repeats=Repeats("T", "even_odd")).draw(200, rng)
    seen = set(zip(*(part[:, 0, 0, 0] for part in (patches.input, patches.target)), strict=True))
    assert seen == {(0, 1), (1, 0)} | last


def test_frames_that_do_not_show_the_same_thing_are_noticed(clean, rng):
    film = rng.poisson([np.roll(clean, 11 * i, axis=(0, 1)) for i in range(12)])
    said = []
    for pairing in ("any", "even_odd"):
        still = (
            film
            if pairing == "any"
            else np.repeat(film[::2], 2, axis=0) + rng.poisson(10, film.shape)
        )
        method = N2N(n_steps=1, repeats="T", pairing=pairing, **SCRATCH)
        events = []
        run(train_job(method, [TrainingImage.of(still, Layout("TYX"), "film")]), events.append)
        said.append([event.message for event in events if isinstance(event, Notice)])
    assert said[0][0].startswith("Frames along T hardly resemble each other")
    assert said[1] == []


def test_noise2noise_shows_either_of_a_pair(rng):
    sampler = PatchSampler([pair(np.zeros((8, 8)), np.ones((8, 8)))], (4, 4))
    example = N2N(batch_size=64).batch(sampler, rng)
    assert 10 < example.input.mean(axis=(1, 2, 3)).sum() < 54
    np.testing.assert_array_equal(example.target, 1 - example.input)
    example = CARE(batch_size=64).batch(sampler, rng)
    assert not example.input.any()
    assert example.target.all()


@pytest.mark.parametrize(
    ("shape", "axes", "spatial"), [((96, 80), "YX", "YX"), ((4, 2, 64, 60), "ZCYX", "ZYX")]
)
def test_a_training_begins_with_the_instant_denoiser(
    rng, small_instant, tmp_path, shape, axes, spatial
):
    light = np.broadcast_to(np.linspace(20, 300, shape[-1]), (2, *shape))
    noisy, other = rng.poisson(light).astype(np.uint16)
    layout = Layout(axes, spatial)
    method = CARE(**SHORT, learning_rate=1e-9)
    model = run(train_job(method, [pair(noisy, other, layout)], device="cpu"))
    given = small_instant[layout.n_spatial].state_dict()
    for name, tensor in model.network.state_dict().items():
        torch.testing.assert_close(tensor, given[name], atol=1e-3, rtol=0)
    assert isinstance(model.normalization, CameraNormalization)
    assert model.normalization.gain == pytest.approx(1, rel=0.5)
    assert model.normalization.level == pytest.approx(2 * np.sqrt(light).mean(), rel=0.2)
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert again.model_dump() == model.model_dump()
    result = denoised(again, noisy, layout)
    np.testing.assert_array_equal(result, denoised(model, noisy, layout))
    assert result.shape == shape


def test_the_same_seed_gives_the_same_bytes(frames, small_instant, tmp_path):
    content = []
    for number, seed in enumerate((1, 1, 2)):
        image = TrainingImage.of(frames, Layout("SYX"), "frames")
        model = run(train_job(N2N(repeats="S", **SHORT), [image], seed=seed, device="cpu"))
        save_model(model, tmp_path / f"{number}.safetensors")
        content.append((tmp_path / f"{number}.safetensors").read_bytes())
    assert content[0] == content[1] != content[2]


def test_a_lazy_target_trains_as_the_same_array_does(frames, small_instant):
    lazy = da.from_array(frames[1], chunks=32)
    histories = [
        run(train_job(N2N(**SHORT), [pair(frames[0], target)])).history
        for target in (lazy, frames[1])
    ]
    assert histories[0] == histories[1]


def test_an_extreme_learning_rate_never_gives_a_broken_model(clean, frames, small_instant):
    method = CARE(learning_rate=1.0, n_steps=30, patch_size=32)
    try:
        model = run(train_job(method, [pair(frames[0], clean)], device="cpu"))
    except DenoiseError:
        return
    assert np.isfinite(denoised(model, frames[1])).all()


def test_stop_keeps_a_model_that_began_with_the_instant_denoiser(frames, small_instant):
    def stop(event):
        is_enough = isinstance(event, TrainingProgress) and event.step == 2
        return Request.STOP if is_enough else None

    method = CARE(**SHORT).model_copy(update={"n_steps": 1000})
    model = run(train_job(method, [pair(frames[0], frames[1])]), stop)
    assert model.n_steps == 2
    assert np.isfinite(denoised(model, frames[2])).all()


@pytest.mark.parametrize("gain", [2.0, 0.0])
def test_the_best_guess_of_a_noisy_target_is_its_mean(small_instant, rng, gain):
    """The loss is lowest where the guess is the mean, not the mean of stabilised values."""
    camera = CameraNormalization(gain=gain, offset=10, read_noise=3)
    noisy = 10 + 2.0 * rng.poisson(3.0, size=(1, 1, 64, 64)).astype(np.float32)
    network = small_instant[2]
    for parameter in network.noise.parameters():
        parameter.data.zero_()
    flat = np.full_like(noisy, noisy.mean())
    gradients = []
    for shift in (-0.5, 0.0, 0.5):
        network.noise.bias.data.zero_()
        example = Batch(flat + np.float32(shift), noisy, np.ones_like(noisy))
        loss = StabilizedRegression(camera, torch.device("cpu")).loss(network, example)
        gradients.append(float(torch.autograd.grad(loss, network.noise.bias)[0]))
    assert gradients[0] > 0.01
    assert abs(gradients[1]) < 1e-3
    assert gradients[2] < -0.01


@pytest.mark.parametrize("start", ["scratch", "instant"])
def test_a_brighter_target_is_brought_to_the_intensities_of_the_image(
    clean, frames, start, small_instant
):
    images, events = [pair(frames[0], 500 + 12 * clean)], []
    method = CARE(n_steps=3, batch_size=2, start=start, patch_size=32)
    model = run(train_job(method, images, device="cpu"), events.append)
    (notice,) = [event.message for event in events if isinstance(event, Notice)]
    found = re.search(r"\(times (\S+), plus (\S+)\): results are in units of the images", notice)
    assert float(found[1]) == pytest.approx(1 / 12, rel=0.05)
    assert float(found[2]) == pytest.approx(-500 / 12, rel=0.15)
    plain = run(train_job(method, [pair(frames[0], clean)], device="cpu"))
    expected = [point.validation_loss for point in plain.history]
    losses = [point.validation_loss for point in model.history]
    assert losses == pytest.approx(expected, rel=0.1)


def test_a_target_of_nearly_the_same_intensities_is_taken_as_it_is(clean, frames):
    events = []
    run(
        train_job(CARE(n_steps=1, **{**SCRATCH, "patch_size": 16}), [pair(frames[0], 1.1 * clean)]),
        events.append,
    )
    assert not [event for event in events if isinstance(event, Notice)]


def test_images_that_do_not_show_the_same_thing_are_noticed(clean, rng):
    noisy, other = rng.poisson(clean), rng.poisson(np.roll(clean[::-1], 25, axis=1))
    events = []
    run(train_job(N2N(n_steps=1, **SCRATCH), [pair(noisy, other)]), events.append)
    (notice,) = [event.message for event in events if isinstance(event, Notice)]
    assert "hardly resemble each other" in notice


def test_channels_seen_together_are_trained_on_from_scratch_and_it_is_said(frames):
    layout, events = Layout("CYX", "YX", "joint"), []
    method = CARE(**SHORT, n_features=4)
    model = run(train_job(method, [pair(frames[:2], frames[2:4], layout)]), events.append)
    (notice,) = [event.message for event in events if isinstance(event, Notice)]
    assert notice == (
        "The instant denoiser sees channels one at a time, not together. "
        "So the training starts from scratch."
    )
    assert model.n_channels == 2


def test_images_too_small_to_measure_the_camera_on_are_trained_on_from_scratch(frames):
    noisy, target = frames[:2, :20, :20]
    events = []
    run(train_job(CARE(**SHORT, n_features=4), [pair(noisy, target)]), events.append)
    (notice,) = [event.message for event in events if isinstance(event, Notice)]
    assert notice.endswith("So the training starts from scratch.")


@pytest.mark.parametrize("method", [N2N(**SHORT), CARE(**SHORT)])
def test_pairs_that_are_none_are_refused(method, frames):
    with pytest.raises(InputError, match="learns from pairs, and noisy has no target"):
        run(train_job(method, [TrainingImage.of(frames[0], YX, "noisy")]))
    with pytest.raises(InputError, match=r"shape \(128, 128\), its target shape \(128, 64\)"):
        run(train_job(method, [pair(frames[0], frames[1][:, :64])]))
    with pytest.raises(InputError, match="'target' has dtype complex"):
        run(train_job(method, [pair(frames[0], frames[1] * 1j)]))
    with pytest.raises(InputError, match="the same, pixel for pixel"):
        run(train_job(method, [pair(frames[0], frames[0].copy())]))
    with pytest.raises(InputError, match=r"target is constant: every pixel .* is 7"):
        run(train_job(method, [pair(frames[0], np.full_like(frames[0], 7))]))
    broken = frames[1].astype(np.float32)
    broken[3, 3] = np.nan
    with pytest.raises(InputError, match="target has 1 pixels that are NaN"):
        run(train_job(method, [pair(frames[0], broken)]))
    with pytest.raises(InputError, match="image is constant"):
        run(train_job(method, [pair(np.full_like(frames[0], 7), frames[1])]))


@pytest.mark.parametrize(
    ("axes", "spatial", "n", "reason"),
    [
        ("SYX", "YX", 1, "single frame along S"),
        ("ZYX", "YX", 3, "S, which is not among its axes ZYX"),
    ],
)
def test_repeats_that_are_none_are_refused(frames, axes, spatial, n, reason):
    method = N2N(repeats="S", **SHORT)
    with pytest.raises(AxesError, match=reason):
        run(train_job(method, [TrainingImage.of(frames[:n], Layout(axes, spatial), "frames")]))


def test_repeats_along_a_spatial_axis_or_beside_a_target_are_refused(frames):
    method = N2N(repeats="T", **SHORT)
    with pytest.raises(AxesError, match="T, which is spatial"):
        run(train_job(method, [TrainingImage.of(frames, Layout("TYX", "TYX"), "frames")]))
    with pytest.raises(InputError, match="Choose one of the two"):
        run(train_job(method, [pair(frames[:2], frames[2:4], Layout("TYX"))]))


def test_a_target_for_a_method_that_needs_none_is_refused(frames):
    with pytest.raises(InputError, match="Noise2Void learns from the noisy image alone"):
        run(train_job(N2V(**SHORT), [pair(frames[0], frames[1])]))
