"""Real stacks, in the axes they come in."""

import numpy as np
import pytest
import tifffile
from skimage.io import imread

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import run
from napari_denoise.learning.methods import N2N, N2V, DecoNoising
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job
from napari_denoise.metrics import checkerboard_score_job, psnr

METHOD = N2V(n_steps=12, batch_size=2, n_features=8, learning_rate=3e-3)


@pytest.mark.parametrize(
    ("file", "layout"),
    [
        ("lightsheet_3d/signal.tif", Layout("ZYX", "ZYX")),
        ("plant_3d/rgb_3D.tif", Layout("ZCYX", "ZYX", "joint")),
        ("plant_3d/rgb_3D_c_raw.tif", Layout("CZYX", "YX")),
        ("timelapse/membrane_2d_timelapse.tif", Layout("TYX", "TYX")),
        ("timelapse/cancer_cell_migration_crop.tif", Layout("TYX", "YX")),
        ("live_cells/A_0_0.tif", Layout("YX")),
        ("live_cells/hela_channels.tif", Layout("YXC", "YX", "joint")),
    ],
)
def test_a_real_stack_is_trained_on_and_denoised(real_data, file, layout):
    noisy = tifffile.imread(real_data / file)
    model = run(train_job(METHOD, [TrainingImage.of(noisy, layout, file)], device="cpu"))
    assert model.history[-1].validation_loss < model.history[0].validation_loss
    # A part will do, of odd size.
    parts = {"Z": slice(5), "T": slice(5), "Y": slice(151), "X": slice(133)}
    part = noisy[tuple(parts.get(axis, slice(None)) for axis in layout.axes)]
    result = run(denoise_job(ModelDenoiser.of(model, device="cpu"), part, layout)).image.pixels
    assert result.shape == part.shape
    # So few steps make no good picture, but one in the image's units.
    assert noisy.min() - noisy.std() < result.mean() < noisy.mean() + 3 * noisy.std()


@pytest.mark.parametrize("group", ["Confocal_BPAE_B", "WideField_BPAE_R"])
def test_a_few_steps_on_repeats_are_worth_more_after_the_instant_denoiser(real_data, group):
    folder, part = real_data / "fmd_repeats" / group, (slice(128, 320), slice(128, 320))
    frames = np.stack([imread(folder / f"noisy_{i}.png")[part] for i in (1, 2, 3, 4)])
    clean = imread(folder / "clean.png")[part]

    def db_after_training(start):
        method = N2N(repeats="S", start=start, n_steps=15, patch_size=64)
        model = run(
            train_job(method, [TrainingImage.of(frames[:3], Layout("SYX"), group)], device="cpu")
        )
        denoiser = ModelDenoiser.of(model, device="cpu")
        result = run(denoise_job(denoiser, frames[3], Layout("YX"))).image.pixels
        return psnr(clean, result, data_range=255)

    tuned = db_after_training("instant")
    assert tuned > psnr(clean, frames[3], data_range=255) + 4
    assert tuned > db_after_training("scratch") + 0.3


def test_a_few_steps_of_deconoising_clean_a_real_image_and_sharpen_it(real_data):
    part = (slice(128, 320), slice(128, 320))
    noisy, clean = (
        tifffile.imread(real_data / "fmd_confocal" / folder / "fish.tif")[part]
        for folder in ("noisy", "clean")
    )
    method = DecoNoising(n_steps=60, n_features=8, learning_rate=3e-3)
    model = run(train_job(method, [TrainingImage.of(noisy, Layout("YX"), "fish")], device="cpu"))
    denoised, deconvolved = (
        run(
            denoise_job(ModelDenoiser.of(model, device="cpu", output=o), noisy, Layout("YX"))
        ).image.pixels
        for o in ("image", "deconvolved")
    )
    assert psnr(clean, denoised, data_range=255) > psnr(clean, noisy, data_range=255) + 6
    assert deconvolved.std() > 1.1 * denoised.std()
    assert run(checkerboard_score_job(deconvolved)) < 2


def test_a_real_volume_is_learned_with_its_measured_psf(real_data):
    folder = real_data / "psf_beads_3d"
    beads, kernel = (tifffile.imread(folder / f"{name}.tif") for name in ("data", "kernel"))
    method = DecoNoising(n_steps=4, batch_size=1, n_features=4, patch_size=(16, 32, 32))
    image = TrainingImage.of(beads, Layout("ZYX", "ZYX"), "beads")
    with pytest.raises(SettingsError, match="PSF spreads over 57 × 63 × 63 pixels"):
        next(train_job(method, [image], device="cpu", psf=kernel))
    middle = tuple(slice(32 - reach, 33 + reach) for reach in (7, 10, 10))
    model = run(train_job(method, [image], device="cpu", psf=kernel[middle]))
    assert model.architecture.psf_size[0] <= 15
    part = beads[20:40, 20:51, 20:49]
    result = run(
        denoise_job(ModelDenoiser.of(model, device="cpu"), part, image.layout)
    ).image.pixels
    assert result.shape == part.shape
    assert np.isfinite(result).all()
