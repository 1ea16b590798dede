"""Real stacks, in the axes they come in."""

import pytest
import tifffile

from napari_denoise.axes import Layout
from napari_denoise.denoiser import denoise
from napari_denoise.learning.config import N2V
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training import TrainingImage, train
from napari_denoise.progress import run

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
    model = run(train(METHOD, [TrainingImage(noisy, layout, file)], device="cpu"))
    assert model.history[-1].validation_loss < model.history[0].validation_loss
    # A part will do, of odd size.
    parts = {"Z": slice(5), "T": slice(5), "Y": slice(151), "X": slice(133)}
    part = noisy[tuple(parts.get(axis, slice(None)) for axis in layout.axes)]
    result = run(denoise(ModelDenoiser.of(model, device="cpu"), part, layout)).image
    assert result.shape == part.shape
    # So few steps make no good picture, but one in the image's units.
    assert noisy.min() - noisy.std() < result.mean() < noisy.mean() + 3 * noisy.std()
