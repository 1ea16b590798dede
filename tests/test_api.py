"""What notebooks call: a line a job, images or arrays in, values out, mistakes in a sentence."""

import io

import numpy as np
import pytest

import napari_denoise as nd
from napari_denoise.core.progress import TextBar

AXES, SETTINGS, INPUT = nd.AxesError, nd.SettingsError, nd.InputError


@pytest.fixture
def clean(rng):
    y, x = np.mgrid[:128, :120] / 12
    return (100 + 50 * np.sin(y) * np.cos(x)).astype(np.float32)


@pytest.fixture
def noisy(clean):
    image = nd.Image(clean, "YX", scale=(0.1, 0.1), units=("um", "um"), name="cells")
    return nd.add_noise(image, nd.PoissonNoise(photons=20), seed=1)


def test_a_filter_is_named_and_its_result_keeps_scale_name_and_history(noisy, clean):
    result = nd.denoise(noisy, "gaussian", sigma=1)
    assert (result.axes, result.scale, result.units) == ("YX", (0.1, 0.1), ("um", "um"))
    assert result.dtype == np.float32
    assert [step.operation for step in result.recipe.steps()] == ["simulate", "denoise"]
    assert result.recipe.settings["sigma"] == 1
    assert nd.psnr(clean, result.pixels, data_range=100) > nd.psnr(
        clean, noisy.pixels, data_range=100
    )


def test_settings_may_be_given_as_an_object(noisy):
    by_name = nd.denoise(noisy, "gaussian", sigma=2)
    by_settings = nd.denoise(noisy, nd.Gaussian(sigma=2))
    np.testing.assert_array_equal(by_name.pixels, by_settings.pixels)


def test_photon_noise_is_evened_out_where_a_filter_expects_it_and_not_where_it_is_refused(noisy):
    usual = nd.denoise(noisy, "bm3d")
    assert usual.recipe.settings["name"] == "stabilized"
    np.testing.assert_array_equal(usual.pixels, nd.denoise(noisy, nd.BM3D()).pixels)
    plain = nd.denoise(noisy, "bm3d", stabilize=False)
    assert plain.recipe.settings["name"] == "bm3d"
    assert not np.array_equal(usual.pixels, plain.pixels)
    assert nd.denoise(noisy, "gaussian").recipe.settings["name"] == "gaussian"


def test_the_command_line_gives_the_same_bytes(noisy, tmp_path, command):
    nd.write_image(tmp_path / "noisy.tif", noisy)
    opened = nd.read_image(tmp_path / "noisy.tif")
    for method in ("bm3d", "gaussian"):
        out = tmp_path / f"{method}.tif"
        assert command("denoise", tmp_path / "noisy.tif", out, "--method", method)[0] == 0
        result = nd.denoise(opened, method)
        np.testing.assert_array_equal(nd.read_image(out).pixels, result.pixels)
        assert nd.read_image(out).recipe == result.recipe


def test_a_model_is_trained_applied_saved_and_applied_from_its_file(noisy, tmp_path):
    model = nd.train(noisy, "n2v", steps=3, n_features=4, patch_size=16, device="cpu")
    assert model.n_steps == 3
    result = nd.denoise(noisy, model, device="cpu")
    assert result.shape == noisy.shape
    nd.save_model(model, tmp_path / "m.safetensors")
    again = nd.denoise(noisy, tmp_path / "m.safetensors", device="cpu")
    np.testing.assert_array_equal(result.pixels, again.pixels)


def test_several_images_and_their_targets_train_one_network(noisy, clean):
    options = {"steps": 2, "start": "scratch", "n_features": 4, "patch_size": 16, "device": "cpu"}
    model = nd.train([noisy, noisy], "care", targets=[clean, clean], **options)
    assert model.method.tag() == "care"
    with pytest.raises(SETTINGS, match="There are 2 images and 1 targets"):
        nd.train([noisy, noisy], "care", targets=[clean], **options)


def test_what_is_measured_can_be_read_stored_and_shown(noisy, clean):
    found = nd.measure(nd.denoise(noisy, "gaussian"), clean, noisy=noisy, data_range=255)
    values = found.to_dict()
    assert values["psnr_db"] > 20
    assert values["safe_to_quantify"] in {"yes", "no"}
    assert f"{values['psnr_db']:.2f}" in repr(found)
    page = found._repr_html_()
    assert page.startswith("<table>")
    assert f"{values['psnr_db']:.2f}" in page


def test_an_array_beside_an_image_has_its_axes(rng):
    clean = rng.uniform(50, 99, (2, 32, 40)).astype(np.float32)
    noisy = nd.Image(clean + 1, "ZYX")
    assert nd.measure(noisy, clean, data_range=10).to_dict()["psnr_db"] == pytest.approx(20)
    with pytest.raises(AXES, match="3 axes"):
        nd.measure(noisy, clean[0], data_range=10)


def test_the_camera_is_measured_and_the_settings_tuned(rng):
    noisy = 100 + 2.0 * rng.poisson(np.tile(np.linspace(5, 100, 128), (128, 1)))
    assert nd.calibrate(noisy).gain == pytest.approx(2, rel=0.15)
    tuned = nd.tune(noisy, "gaussian")
    assert nd.denoise(noisy, tuned.denoiser).shape == noisy.shape


def test_the_same_seed_simulates_the_same_noise(clean):
    once, again, other = (
        nd.add_noise(clean, [nd.PoissonNoise(photons=9), nd.GaussianNoise(sigma=1)], seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once.pixels, again.pixels)
    assert not np.array_equal(once.pixels, other.pixels)
    assert len(once.recipe.steps()) == 2


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "words"),
    [
        ((np.ones((8, 8)), "blur"), {}, SETTINGS, "There is no method 'blur'. Choose from"),
        ((np.ones((8, 8)), "n2v"), {}, SETTINGS, "n2v has to be trained first"),
        ((np.ones((8, 8)), "gaussian"), {"sigma": -1}, SETTINGS, "sigma must be greater"),
        ((np.ones((8, 8)), "gaussian"), {"size": 1}, SETTINGS, "Unknown setting 'size'"),
        ((np.ones((8, 8)), nd.Gaussian()), {"sigma": 1}, SETTINGS, "Settings were given twice"),
        ((np.ones((8, 8)), 3), {}, SETTINGS, "A int was given where a method is needed"),
        ((np.ones((3, 8, 8)), "gaussian"), {}, AXES, 'Say so, as in axes="ZYX"'),
        (
            (np.ones((3, 8, 8)), "gaussian"),
            {"axes": "YX"},
            AXES,
            "name 2 axes, but the image has 3",
        ),
        (([[1, 2], [3, 4]], "gaussian"), {}, INPUT, "A list was given where an image is needed"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, settings, error, words):
    with pytest.raises(error) as caught:
        nd.denoise(*arguments, **settings)
    assert words in str(caught.value)


def test_a_bar_shows_how_far_a_job_is_and_keeps_notices(noisy, capsys):
    nd.denoise(noisy, "gaussian", progress=True)
    assert "100%" in capsys.readouterr().err
    stream = io.StringIO()
    bar = TextBar(stream)
    bar(nd.Notice(fraction=0.5, message="Memory ran out."))
    assert "Memory ran out." in stream.getvalue().strip().splitlines()[0]
    assert " 50%" in stream.getvalue()


def test_a_function_may_follow_the_progress_and_stop(noisy):
    events = []
    nd.denoise(noisy, "gaussian", progress=events.append)
    assert events[-1].fraction == 1.0


@pytest.mark.parametrize("name", [name for name in nd.__all__ if name.islower()])
def test_a_name_says_whether_it_returns_a_job(name):
    """Public functions that end in _job are annotated as jobs, the others are not."""
    returns = str(getattr(nd, name).__annotations__.get("return", ""))
    assert returns.startswith("Job") == name.endswith("_job")
