"""A trained model as a denoiser: no seams, any size, and clear refusals."""

import subprocess
import sys
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, DeviceError, FileError, ModelError
from napari_denoise.core.progress import run
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.tiling import Place
from napari_denoise.learning import device
from napari_denoise.learning.losses.regression import Regression
from napari_denoise.learning.methods import CARE
from napari_denoise.learning.models.checkpoint import TrainingPoint
from napari_denoise.learning.models.file import save_model
from napari_denoise.learning.models.model import Model, ModelInfo
from napari_denoise.learning.networks.architecture import N_PLANES, InstantArchitecture
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.prediction import ModelDenoiser

TILE = {2: (16, 24), 3: (4, 16, 16)}


def denoised(model, image, axes, tile_size):
    denoiser = ModelDenoiser.of(model, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelDenoiser, "tile_size", lambda self, extents: tile_size[len(extents)])
        return run(denoise_job(denoiser, image, denoiser.layout_for(axes))).image.pixels


def assert_seamless(model, image, axes):
    whole = {2: (9999, 9999), 3: (9999, 9999, 9999)}
    untiled = denoised(model, image, axes, whole)
    tiled = denoised(model, image, axes, TILE)
    assert tiled.shape == image.shape
    assert np.abs(tiled - untiled).max() < 1e-4 * np.ptp(image)


@settings(max_examples=25, deadline=None)
@given(size=st.tuples(st.integers(1, 90), st.integers(1, 90)), seed=st.integers(0, 99))
def test_tiles_of_a_plane_leave_no_seam(make_model_once, size, seed):
    image = np.random.default_rng(seed).uniform(0, 255, size=(*size[:-1], size[-1] + 1))
    assert_seamless(make_model_once("YX"), image.astype(np.float32), "YX")


@settings(max_examples=8, deadline=None)
@given(
    size=st.tuples(st.integers(1, 14), st.integers(1, 40), st.integers(2, 40)),
    seed=st.integers(0, 99),
)
def test_tiles_of_a_volume_leave_no_seam(make_model_once, size, seed):
    image = np.random.default_rng(seed).uniform(0, 255, size=size).astype(np.float32)
    assert_seamless(make_model_once("ZYX"), image, "ZYX")


def test_a_real_tile_leaves_no_seam(make_model, rng):
    image = rng.uniform(0, 255, size=(600, 530)).astype(np.float32)
    model = make_model(n_features=8)
    whole = denoised(model, image, "YX", {2: (9999, 9999)})
    tiled = run(
        denoise_job(ModelDenoiser.of(model, device="cpu"), image, Layout("YX"))
    ).image.pixels
    assert np.abs(tiled - whole).max() < 1e-4 * np.ptp(image)


@pytest.mark.parametrize("shape", [(130, 97), (7, 90, 101)])
def test_tiles_of_a_model_that_began_with_the_instant_denoiser_leave_no_seam(shape, rng):
    spatial = "ZYX"[-len(shape) :]
    architecture = InstantArchitecture(n_planes=N_PLANES[len(shape)])
    info = ModelInfo(
        version="0.0",
        method=CARE(),
        architecture=architecture,
        normalization=CameraNormalization(gain=2.0, offset=5, read_noise=3, level=12),
        spatial=spatial,
        history=(TrainingPoint(step=1, loss=1.0, validation_loss=1.0),),
        recipe=Recipe.of("train", CARE(), seed=0),
    )
    model = Model.of(info, InstantNetwork(architecture))
    image = rng.poisson(60, size=shape).astype(np.uint16)
    assert_seamless(model, image, spatial)


def test_a_network_that_looks_at_planes_gets_wide_tiles(make_model):
    info = make_model("ZYX")
    assert ModelDenoiser.of(info, device="cpu").tile_size((64, 900, 900)) == (64, 256, 256)
    golden = Path(__file__).parent / "models" / "golden" / "format_2_instant_3d.safetensors"
    assert ModelDenoiser(path=golden, device="cpu").tile_size((64, 900, 900)) == (16, 900, 900)


@pytest.mark.parametrize(
    ("axes", "spatial", "n_channels"),
    [("YX", "YX", 1), ("CYX", "YX", 2), ("TZCYX", "ZYX", 2), ("YXC", "YX", 2), ("TCYX", "TYX", 1)],
)
def test_the_image_comes_back_in_its_own_axes(rng, make_model, axes, spatial, n_channels):
    shape = tuple({"T": 3, "C": 2, "Z": 5, "Y": 17, "X": 19}[letter] for letter in axes)
    image = rng.uniform(50, 150, size=shape)
    denoiser = ModelDenoiser.of(make_model(spatial, n_channels=n_channels), device="cpu")
    result = run(denoise_job(denoiser, image, denoiser.layout_for(axes))).image.pixels
    assert result.shape == shape
    assert result.dtype == np.float32


def test_output_is_in_the_units_of_the_image(make_model):
    model = make_model()
    for parameter in model.network.parameters():
        parameter.zero_()
    image = np.zeros((8, 8), np.uint8)
    # A network that gives nothing gives the mean that the model was trained on.
    np.testing.assert_allclose(denoised(model, image, "YX", TILE), 100.0, rtol=1e-6)


def test_a_lazy_image_gives_what_an_array_gives(make_model, rng):
    image = rng.integers(0, 255, size=(3, 40, 30)).astype(np.uint8)
    model = make_model()
    lazy = da.from_array(image, chunks=(1, 16, 16))
    np.testing.assert_array_equal(
        denoised(model, lazy, "TYX", TILE), denoised(model, image, "TYX", TILE)
    )


def test_progress_is_told_after_each_layer_so_that_a_tile_can_be_cancelled(make_model):
    denoiser = ModelDenoiser.of(make_model(), device="cpu")
    with denoiser.prepare() as session:
        job = session.denoise_tile(np.zeros((1, 16, 16), np.float32), Place())
        fractions = [next(job).fraction for _ in range(5)]
        assert fractions == sorted(set(fractions))
        job.close()


def test_nothing_global_changes_while_a_job_waits(make_model):
    with ModelDenoiser.of(make_model(), device="cpu").prepare() as session:
        job = session.denoise_tile(np.zeros((1, 8, 8), np.float32), Place())
        next(job)
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        job.close()


def test_a_model_from_a_file_is_read_when_it_is_needed(tmp_path, make_model, rng):
    path = tmp_path / "cells.safetensors"
    denoiser = ModelDenoiser(path=path, device="cpu")
    model = make_model()
    save_model(model, path)
    image = rng.uniform(0, 255, size=(20, 20)).astype(np.float32)
    from_file = run(denoise_job(denoiser, image, Layout("YX"))).image.pixels
    path.unlink()
    again = run(denoise_job(denoiser, image, Layout("YX"))).image.pixels
    np.testing.assert_array_equal(from_file, again)
    in_memory = ModelDenoiser.of(model, device="cpu")
    np.testing.assert_array_equal(
        from_file, run(denoise_job(in_memory, image, Layout("YX"))).image.pixels
    )


def test_a_result_is_labelled_with_the_file_or_the_method(make_model):
    model = make_model()
    assert ModelDenoiser.of(model).label == "Noise2Void"
    assert ModelDenoiser.of(model, path="/models/my cells.safetensors").label == "my cells"


def test_settings_go_into_a_file_and_back(make_model):
    denoiser = ModelDenoiser.of(make_model(), path="a.safetensors", device="cpu")
    dumped = denoiser.model_dump(mode="json")
    place = {"path": "a.safetensors", "device": "cpu"}
    assert dumped.pop("average_flips") is False
    assert dumped == {"name": "model", **place, "output": "image", "n_samples": 16, "seed": 0}
    assert ModelDenoiser.model_validate(dumped).path == denoiser.path
    assert ModelDenoiser.model_validate({"name": "model", **place}).output == "image"


def test_an_image_that_the_method_does_not_give_is_refused(make_model):
    denoiser = ModelDenoiser.of(make_model()).model_copy(update={"output": "uncertainty"})
    with pytest.raises(ModelError, match="Noise2Void model gives no 'uncertainty'"):
        run(denoise_job(denoiser, np.zeros((8, 8), np.float32), Layout("YX")))


def test_no_model_or_no_file_is_refused(tmp_path):
    image = np.zeros((8, 8), np.float32)
    with pytest.raises(ModelError, match="No model has been chosen"):
        run(denoise_job(ModelDenoiser(), image, Layout("YX")))
    with pytest.raises(FileError, match="There is no model file"):
        run(denoise_job(ModelDenoiser(path=tmp_path / "none"), image, Layout("YX")))


def test_a_model_for_other_spatial_axes_is_refused(make_model):
    denoiser = ModelDenoiser.of(make_model("ZYX"))
    with pytest.raises(AxesError, match=r"trained on 3D volumes \(ZYX\).* as 2D images"):
        run(denoise_job(denoiser, np.zeros((4, 8, 8)), Layout("ZYX", "YX")))
    with pytest.raises(AxesError, match="the image has axes CYX"):
        denoiser.layout_for("CYX")


def test_a_model_for_other_channels_is_refused(make_model):
    denoiser = ModelDenoiser.of(make_model(n_channels=3))
    with pytest.raises(ModelError, match="3 channels together; the image gives it 2"):
        run(denoise_job(denoiser, np.zeros((2, 8, 8)), Layout("CYX", "YX", "joint")))
    with pytest.raises(AxesError, match="the image has axes ZYX"):
        denoiser.layout_for("ZYX")


def test_time_stands_in_for_a_missing_depth_and_the_other_way_round(make_model):
    assert ModelDenoiser.of(make_model("ZYX")).layout_for("TYX").spatial == "TYX"
    assert ModelDenoiser.of(make_model("TYX")).layout_for("ZYX").spatial == "ZYX"
    assert ModelDenoiser.of(make_model("ZYX")).layout_for("TZYX").spatial == "ZYX"


def test_an_unknown_device_is_refused(make_model):
    denoiser = ModelDenoiser.of(make_model(), device="cuda:99")
    with pytest.raises(DeviceError, match="no device 'cuda:99'"):
        run(denoise_job(denoiser, np.zeros((8, 8), np.float32), Layout("YX")))


def test_running_out_of_memory_is_said_in_words_and_the_network_let_go(make_model, monkeypatch):
    denoiser, emptied = ModelDenoiser.of(make_model(), device="cpu"), []
    monkeypatch.setattr(device, "empty_cache", emptied.append)

    def fail(self, batch, core=None):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        yield

    monkeypatch.setattr(type(denoiser.info.network), "steps", fail)
    with pytest.raises(DeviceError, match="out of memory"):
        run(denoise_job(denoiser, np.zeros((8, 8), np.float32), Layout("YX")))
    assert emptied


@pytest.mark.parametrize("size", [(70, 90), (13, 61), (5, 30, 42)])
def test_flips_are_averaged_without_a_seam_and_turn_with_the_image(make_model, rng, size):
    image = rng.uniform(0, 255, size=size).astype(np.float32)
    spatial = "ZYX"[-len(size) :]
    model, layout = make_model(spatial), Layout(spatial, spatial)
    averaging = ModelDenoiser.of(model, device="cpu", average_flips=True)
    whole = run(denoise_job(averaging, image, layout)).image.pixels
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelDenoiser, "tile_size", lambda self, extents: TILE[len(extents)])
        tiled = run(denoise_job(averaging, image, layout)).image.pixels
    assert np.abs(tiled - whole).max() < 1e-4 * np.ptp(image)
    plain = run(denoise_job(ModelDenoiser.of(model, device="cpu"), image, layout)).image.pixels
    assert np.abs(plain - whole).max() > 1e-3 * np.ptp(plain)
    even = image[..., : size[-2] // 4 * 4, : size[-1] // 4 * 4]
    straight = run(denoise_job(averaging, even, layout)).image.pixels
    turned = run(denoise_job(averaging, np.rot90(even, axes=(-2, -1)), layout)).image.pixels
    np.testing.assert_allclose(turned, np.rot90(straight, axes=(-2, -1)), rtol=1e-4, atol=1e-3)


def test_a_model_that_knows_directions_is_flipped_but_not_turned(make_model, rng, monkeypatch):
    model, seen = make_model(), []
    monkeypatch.setattr(type(model.method), "may_be_turned", False)
    predict = Regression.predict

    def note(self, network, tile, *more):
        seen.append(tile.shape)
        return predict(self, network, tile, *more)

    monkeypatch.setattr(Regression, "predict", note)
    averaging = ModelDenoiser.of(model, device="cpu", average_flips=True)
    run(denoise_job(averaging, rng.uniform(0, 9, (16, 24)), Layout("YX")))
    assert seen == [(1, 16, 24)] * 4


def test_importing_costs_no_torch():
    code = "import sys, napari_denoise.learning.prediction; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
