"""DecoNoising: a network that answers with the sharp image, and the blur behind it."""

from functools import cache

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import InputError, ModelError, SettingsError
from napari_denoise.core.progress import Notice, run
from napari_denoise.core.settings import make_settings
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.psf import gaussian_psf
from napari_denoise.learning.losses.blurred import BlurredRegression
from napari_denoise.learning.methods import DecoNoising
from napari_denoise.learning.methods.deconoising import BlurredArchitecture
from napari_denoise.learning.models.file import load_model, read_model_info, save_model
from napari_denoise.learning.models.model import Model, ModelInfo
from napari_denoise.learning.networks.blurred import BlurredNetwork
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.normalization.light import Light
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.background import measure_background
from napari_denoise.learning.training.job import TrainingImage, train_job

BACKGROUND = 20
TINY = DecoNoising(n_steps=3, batch_size=2, patch_size=16, n_features=4, depth=1)


def result_of(model, image, layout=None, output="image"):
    denoiser = ModelDenoiser.of(model, device="cpu", output=output)
    return run(denoise_job(denoiser, image, layout or Layout("YX"))).image.pixels


@cache
def scene(shape=(128, 128), sigma=1.5):
    """Bright lines: sharp, blurred, and counted."""
    rng = np.random.default_rng(0)
    field = ndimage.gaussian_filter(rng.normal(size=shape), 6)
    lines = np.abs(field) < 0.3 * field.std()
    sharp = BACKGROUND + 60 * ndimage.gaussian_filter(lines.astype(float), 0.5)
    blurred = ndimage.gaussian_filter(sharp, sigma)
    return sharp, blurred, rng.normal(rng.poisson(blurred), 2)


@cache
def trained_on_scene():
    _, _, noisy = scene()
    method = DecoNoising(psf_sigma=1.5, n_steps=150, n_features=16, learning_rate=3e-3)
    return run(train_job(method, [TrainingImage.of(noisy, Layout("YX"), "lines")], device="cpu"))


def error(image, truth):
    return np.square(image - truth).mean()


def test_the_denoised_image_is_closer_to_the_blurred_scene_and_the_deconvolved_to_the_sharp():
    sharp, blurred, noisy = scene()
    model = trained_on_scene()
    denoised, deconvolved = (result_of(model, noisy, output=o) for o in ("image", "deconvolved"))
    assert error(denoised, blurred) < error(noisy, blurred) / 3
    assert error(deconvolved, sharp) < 0.8 * error(denoised, sharp)
    assert error(denoised, sharp) < error(noisy, sharp)
    contrast = [np.std(image - BACKGROUND) for image in (deconvolved, denoised)]
    assert contrast[0] > 1.1 * contrast[1]


def test_the_deconvolved_image_has_no_light_below_the_background():
    sharp, _, noisy = scene()
    deconvolved = result_of(trained_on_scene(), noisy, output="deconvolved")
    below = np.maximum(BACKGROUND - deconvolved, 0).mean()
    assert below < 0.02 * (sharp.mean() - BACKGROUND)


def test_both_images_have_the_mean_intensity_of_the_noisy_one():
    _, _, noisy = scene()
    for output in ("image", "deconvolved"):
        result = result_of(trained_on_scene(), noisy, output=output)
        assert result.mean() == pytest.approx(noisy.mean(), rel=0.03)


def test_the_background_is_measured_unless_it_is_given():
    _, _, noisy = scene()
    assert trained_on_scene().normalization.backgrounds[0] == pytest.approx(BACKGROUND, abs=3)
    given = TINY.model_copy(update={"background": 12.0})
    model = run(train_job(given, [TrainingImage.of(noisy, Layout("YX"), "lines")], device="cpu"))
    assert model.normalization.backgrounds == (12.0,)


def test_the_background_of_each_channel_is_measured_inside_the_region_alone(rng):
    shown = rng.normal(100, 5, (4, 2, 64, 64)).astype(np.float32)
    shown[:, 1] += 300
    shown[:, :, :16] = 0
    weight = np.ones_like(shown)
    weight[:, :, :24] = 0
    first, second = measure_background(Batch(shown, shown, weight))
    assert first == pytest.approx(98, abs=2)
    assert second == pytest.approx(398, abs=2)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((20, 24), Layout("YX")),
        ((5, 20, 24), Layout("ZYX", "ZYX")),
        ((1, 20, 24), Layout("ZYX", "ZYX")),
        ((2, 20, 24), Layout("CYX", "YX", "joint")),
        ((2, 3, 2, 20, 24), Layout("TZCYX", "ZYX", "joint")),
    ],
)
@pytest.mark.parametrize("output", ["image", "deconvolved"])
def test_any_layout_can_be_trained_on_and_gives_both_images(rng, shape, layout, output):
    noisy = rng.normal(100, 10, size=shape)
    method = TINY.model_copy(update={"patch_size": None})
    model = run(train_job(method, [TrainingImage.of(noisy, layout, "noisy")]))
    result = result_of(model, noisy, layout, output)
    assert result.shape == shape
    assert np.isfinite(result).all()


@pytest.mark.parametrize("shape", [(150, 170), (8, 40, 44)])
def test_tiles_leave_no_seam_as_the_halo_holds_the_psf(make_model, monkeypatch, rng, shape):
    model = blurred_model(make_model, len(shape), sigmas=(1.5,) * len(shape))
    layout = Layout("ZYX"[-len(shape) :], "ZYX"[-len(shape) :])
    image = rng.normal(100, 30, shape).astype(np.float32)
    whole = result_of(model, image, layout)
    sizes = {2: (40, 40), 3: (4, 24, 24)}
    monkeypatch.setattr(ModelDenoiser, "tile_size", lambda self, extents: sizes[len(extents)])
    tiled = result_of(model, image, layout)
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-3)


def blurred_model(make_model, n_spatial, sigmas):
    plain = make_model("ZYX"[-n_spatial:])
    psf = gaussian_psf(sigmas, (64,) * n_spatial)
    architecture = BlurredArchitecture(sharp=plain.architecture, psf_size=psf.shape)
    network = BlurredNetwork(architecture, psf=torch.from_numpy(psf))
    light = Light(backgrounds=(90.0,), stds=(30.0,))
    info = {
        **known_of(plain),
        "method": DecoNoising(),
        "architecture": architecture,
        "normalization": light,
    }
    return Model.of(ModelInfo(**info), network)


def known_of(model):
    return {name: getattr(model, name) for name in ModelInfo.model_fields}


@pytest.mark.parametrize(
    ("size", "psf_size"), [((9, 14), (5, 3)), ((3, 4), (7, 9)), ((1, 5), (3, 3))]
)
def test_blurring_is_what_scipy_makes_of_it(rng, make_model, size, psf_size):
    psf = rng.random(psf_size).astype(np.float32)
    sharp = rng.normal(size=(2, 1, *size)).astype(np.float32)
    architecture = BlurredArchitecture(sharp=make_model().architecture, psf_size=psf_size)
    network = BlurredNetwork(architecture, psf=torch.from_numpy(psf))
    found = network.blur(torch.from_numpy(sharp)).numpy()
    for before, after in zip(sharp[:, 0], found[:, 0], strict=True):
        expected = ndimage.convolve(before, psf, mode="nearest")
        np.testing.assert_allclose(after, expected, atol=1e-4)


def test_a_model_with_a_measured_psf_needs_no_psf_file(tmp_path, rng):
    psf = gaussian_psf((1.0, 2.0), (32, 32)) * 500
    noisy = scene()[2]
    model = run(
        train_job(TINY, [TrainingImage.of(noisy, Layout("YX"), "lines")], device="cpu", psf=psf)
    )
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert read_model_info(tmp_path / "model.safetensors") == ModelInfo(**known_of(loaded))
    np.testing.assert_array_equal(loaded.network.psf, model.network.psf)
    assert float(loaded.network.psf.sum()) == pytest.approx(1, abs=1e-6)
    for output in ("image", "deconvolved"):
        np.testing.assert_array_equal(
            result_of(loaded, noisy, output=output), result_of(model, noisy, output=output)
        )


def test_training_leaves_the_psf_as_it_is():
    psf = trained_on_scene().network.psf
    np.testing.assert_array_equal(psf, gaussian_psf((1.5, 1.5), (64, 64)))


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    image = TrainingImage.of(scene()[2], Layout("YX"), "lines")
    for name in "ab":
        model = run(train_job(TINY, [image], seed=3, device="cpu"))
        save_model(model, tmp_path / f"{name}.safetensors")
    first, second = ((tmp_path / f"{name}.safetensors").read_bytes() for name in "ab")
    assert first == second


def test_a_psf_that_cannot_be_used_is_refused_before_the_work():
    image = TrainingImage.of(scene()[2], Layout("YX"), "lines")
    for psf, kind in ((np.zeros((9, 9)), InputError), (np.ones((3, 9, 9)), InputError)):
        with pytest.raises(kind, match="PSF"):
            next(train_job(TINY, [image], device="cpu", psf=psf))
    with pytest.raises(SettingsError, match="patch_size of at least as many"):
        next(train_job(TINY, [image], psf=gaussian_psf((4.0, 4.0), (64, 64))))
    with pytest.raises(SettingsError, match="psf_sigma has 3 values"):
        next(train_job(DecoNoising(psf_sigma=(1, 1, 1)), [image]))


def test_a_model_of_another_method_gives_no_deconvolved_image(make_model):
    with pytest.raises(ModelError, match="gives no 'deconvolved'"):
        result_of(make_model(), np.ones((8, 8)), output="deconvolved")


def test_a_description_in_which_method_and_network_differ_is_refused(make_model):
    blurred, plain = blurred_model(make_model, 2, (1.0, 1.0)), make_model()
    for name in ("method", "architecture", "normalization"):
        for first, second in ((blurred, plain), (plain, blurred)):
            known = {**known_of(first), name: getattr(second, name)}
            with pytest.raises(ValueError, match="do not go together"):
                ModelInfo(**known)
    with pytest.raises(ValueError, match="differ in number"):
        Light(backgrounds=(1.0, 2.0), stds=(1.0,))


def test_bright_pixels_count_less_where_their_noise_is_known(rng, make_model):
    """The loss is then the same for errors that are as many times the noise."""
    camera = CameraNormalization(gain=2.0, offset=90.0, read_noise=0.0)
    psf = np.ones((1, 1), np.float32)
    architecture = BlurredArchitecture(sharp=make_model().architecture, psf_size=(1, 1))
    network = BlurredNetwork(architecture, psf=torch.from_numpy(psf))
    light = Light(backgrounds=(90.0,), stds=(30.0,), camera=camera)
    objective = BlurredRegression(light, 0.0, torch.device("cpu"))
    guess = torch.tensor([[[[0.0, 1.0, 10.0]]]])
    variances = 2.0 * (30 * guess + 2.0 * 3 / 8) / 30**2
    torch.testing.assert_close(objective._certainty(guess), 1 / variances)
    alike = BlurredRegression(light.model_copy(update={"camera": None}), 0.0, torch.device("cpu"))
    assert (alike._certainty(guess) == 1).all()
    shown = rng.normal(100, 5, (1, 1, 8, 8)).astype(np.float32)
    nothing = Batch(input=shown, target=shown, mask=np.zeros_like(shown))
    assert objective.loss(network, nothing).item() == 0


def test_all_pixels_count_alike_where_the_noise_cannot_be_measured(rng):
    events = []
    image = TrainingImage.of(rng.poisson(5, (20, 20)), Layout("YX"), "small")
    model = run(train_job(TINY, [image], device="cpu"), events.append)
    assert model.normalization.camera is None
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert "So all pixels count alike" in notice.message


def test_the_preset_of_the_paper_has_its_settings():
    paper = make_settings(DecoNoising, {"psf_sigma": "1.5"}, preset="paper")
    assert (paper.depth, paper.learning_rate, paper.positivity) == (3, 1e-3, 1.0)
    assert paper.n_steps == 200 * 10
    assert paper.psf_sigma == 1.5
