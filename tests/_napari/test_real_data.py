"""Real images through the docks: what microscopes and public sets really write."""

import numpy as np
import pytest

from napari_denoise._napari.denoise.widget import DenoiseWidget
from napari_denoise._napari.files.opening import layers_of
from napari_denoise.io.images import read_image


@pytest.mark.parametrize(
    ("file", "axes", "names", "sentence"),
    [
        ("fmd_confocal/noisy/fish.tif", None, ["fish"], "One image of 512 × 512"),
        ("fmd_confocal/noisy/BPAE_G.tif", None, ["BPAE_G"], "One image of 512 × 512"),
        ("lightsheet_3d/signal.tif", None, ["signal"], "20 planes of 256 × 256"),
        (
            "timelapse/membrane_2d_timelapse.tif",
            "TYX",
            ["membrane_2d_timelapse"],
            "5 time points of 256 × 256",
        ),
        (
            "plant_3d/rgb_3D.tif",
            "ZCYX",
            ["rgb_3D channel 1", "rgb_3D channel 2"],
            "75 planes of 75 × 75",
        ),
        (
            "plant_3d/rgb_3D_c_raw.tif",
            "CZYX",
            ["rgb_3D_c_raw channel 1", "rgb_3D_c_raw channel 2"],
            "75 planes of 75 × 75",
        ),
    ],
)
def test_a_real_image_is_opened_understood_and_denoised(
    real_data, qtbot, viewer, finish, file, axes, names, sentence
):
    image = read_image(real_data / file, axes=axes)
    for layer in layers_of(image):
        viewer.add_layer(layer)
    assert [layer.name for layer in viewer.layers] == names
    dock = DenoiseWidget(viewer)
    qtbot.addWidget(dock)
    assert dock.axisRoles.sentence().startswith(sentence)
    assert finish(dock.runBar) == ""
    source, result = viewer.layers[names[-1]], viewer.layers[f"{names[-1]} · Instant"]
    assert result.data.shape == source.data.shape
    assert float(result.data.mean()) == pytest.approx(
        float(np.asarray(source.data).mean()), rel=0.01
    )


def test_odd_sizes_are_denoised(real_data, qtbot, viewer, finish):
    path = next(
        path
        for path in sorted((real_data / "live_cells").glob("*.tif"))
        if read_image(path).pixels.shape == (725, 725)
    )
    for layer in layers_of(read_image(path)):
        viewer.add_layer(layer)
    dock = DenoiseWidget(viewer)
    qtbot.addWidget(dock)
    assert finish(dock.runBar) == ""
    assert viewer.layers[-1].data.shape == (725, 725)
