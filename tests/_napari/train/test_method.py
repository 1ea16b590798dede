"""The noise that is added to clean images to learn from."""

import pytest

from napari_denoise._napari.train.method import NoiseBox
from napari_denoise.learning.methods import CARE, N2V, PN2V, Autoencoder
from napari_denoise.noise import PoissonNoise


@pytest.mark.parametrize(
    ("method", "is_asked"), [(CARE, True), (Autoencoder, True), (N2V, False), (PN2V, False)]
)
def test_noise_to_add_is_asked_for_only_where_a_method_adds_some(qtbot, method, is_asked):
    box = NoiseBox()
    qtbot.addWidget(box)
    box.setMethod(method)
    assert box.isHidden() is not is_asked


def test_settings_of_the_noise_there_is_are_not_taken_for_noise_to_add(qtbot):
    box = NoiseBox()
    qtbot.addWidget(box)
    box.setMethod(CARE)
    box.setSettings(CARE(noise=PoissonNoise()))
    assert box.value() == PoissonNoise()
    box.setSettings(PN2V())
    assert box.value() is None
