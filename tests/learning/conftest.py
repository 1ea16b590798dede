"""Small images and small networks: these tests are about rules, not about quality."""

from functools import cache

import numpy as np
import pytest
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.recipe import Recipe
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.models.checkpoint import TrainingPoint
from napari_denoise.learning.models.model import Model, ModelInfo
from napari_denoise.learning.networks import shipped
from napari_denoise.learning.networks.architecture import (
    N_PLANES,
    InstantArchitecture,
    UNetArchitecture,
    choose_pooling,
)
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.networks.shipped import save_network
from napari_denoise.learning.networks.unet import UNet
from napari_denoise.learning.normalization.linear import LinearNormalization
from napari_denoise.learning.training.job import TrainingImage


@pytest.fixture
def tiny() -> N2V:
    """The least training there is."""
    return N2V(n_steps=3, batch_size=2, patch_size=16, n_features=4, depth=1)


@pytest.fixture
def small_instant(tmp_path, monkeypatch) -> dict[int, InstantNetwork]:
    """Weights of a small network stand in for those that come along."""
    networks = {}
    for n_spatial, n_planes in N_PLANES.items():
        architecture = InstantArchitecture(n_planes=n_planes, widths=(8, 8), n_blocks=(1, 1))
        networks[n_spatial] = InstantNetwork(architecture, torch.Generator().manual_seed(3))
        path = tmp_path / f"{n_spatial}.safetensors"
        save_network(networks[n_spatial], path, {})
        monkeypatch.setitem(shipped.FILES, n_spatial, path)
    return networks


@pytest.fixture
def noisy(rng) -> np.ndarray:
    """Smooth spots with strong noise, YX, uint16."""
    y, x = np.mgrid[:96, :80] / 6
    clean = 1000 + 400 * np.sin(y) * np.cos(x)
    return rng.normal(clean, 200).clip(0).astype(np.uint16)


@pytest.fixture
def image(noisy) -> TrainingImage:
    return TrainingImage.of(noisy, Layout("YX"), "spots")


def _make_model(spatial="YX", n_channels=1, n_features=4) -> Model:
    patch_size = {2: (64, 64), 3: (16, 32, 32)}[len(spatial)]
    architecture = UNetArchitecture(
        n_channels=n_channels, n_features=n_features, pooling=choose_pooling(patch_size, 2)
    )
    info = ModelInfo(
        version="0.0",
        method=N2V(),
        architecture=architecture,
        normalization=LinearNormalization(means=(100.0,) * n_channels, stds=(30.0,) * n_channels),
        spatial=spatial,
        history=(TrainingPoint(step=1, loss=1.0, validation_loss=1.0),),
        recipe=Recipe.of("train", N2V(), seed=0),
    )
    return Model.of(info, UNet(architecture))


@pytest.fixture
def make_model():
    """Makes a model that has never seen an image, but computes like any other."""
    return _make_model


@pytest.fixture(scope="session")
def make_model_once():
    """The same, for tests that take many examples."""
    return cache(_make_model)
