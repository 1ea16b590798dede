"""A method with a network and a loss of its own is one object: this module is all that it takes."""

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import ModelError
from napari_denoise.core.progress import run
from napari_denoise.learning import methods
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.losses.regression import Regression
from napari_denoise.learning.losses.strategy import Strategy
from napari_denoise.learning.methods import register_method
from napari_denoise.learning.methods.n2v import BlindSpotMethod
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.networks.architecture import Architecture
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.normalization.linear import LinearNormalization
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job


class Kernel(Architecture):
    """Of a network that is a single kernel."""

    name: Literal["kernel"] = "kernel"
    n_channels: int = Field(ge=1)
    reach: int = Field(ge=1)

    @property
    def n_spatial(self) -> int:
        return 2

    def alignment(self) -> tuple[int, ...]:
        return (1, 1)

    def halo(self) -> tuple[int, ...]:
        return (self.reach, self.reach)

    def make_network(self, rng: torch.Generator | None = None) -> "KernelNetwork":
        return KernelNetwork(self, rng)

    def n_values_held(self, tile: Sequence[int], core: Sequence[int]) -> float:
        return self.n_channels * prod(tile)


class KernelNetwork(Network):
    """One convolution, and nothing else."""

    def __init__(self, architecture: Kernel, rng: torch.Generator | None = None) -> None:
        super().__init__()
        self.architecture = architecture
        width = 2 * architecture.reach + 1
        weight = torch.empty(*[architecture.n_channels] * 2, width, width)
        rng = rng or torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(weight.normal_(0, 0.1, generator=rng))

    def forward(self, batch: Tensor) -> Tensor:
        return nn.functional.conv2d(batch, self.weight, padding="same")


class AbsoluteError(Regression):
    """Learns the median of what may be there."""

    def loss(self, network: Any, batch: Batch) -> Tensor:
        seen, target = self.normalized(batch.input), self.normalized(batch.target)
        mask = torch.from_numpy(batch.mask).to(self.device)
        return ((network(seen) - target).abs() * mask).sum() / mask.sum().clamp(min=1)


class LeastAbsolute(Strategy["BestKernel"]):
    """Learns with another loss."""

    def loss(self, normalization: Any, device: torch.device) -> AbsoluteError:
        return AbsoluteError(normalization, device)


class BestKernel(BlindSpotMethod):
    """The linear filter that guesses masked pixels best."""

    title: ClassVar[str] = "Best kernel"
    built_of = ((Kernel, LinearNormalization),)

    name: Literal["best_kernel"] = "best_kernel"
    reach: int = Field(2, ge=1)

    def network(self, n_channels: int, patch_size: tuple[int, ...]) -> Architecture:
        return Kernel(n_channels=n_channels, reach=self.reach)

    def strategy(self) -> LeastAbsolute:
        return LeastAbsolute(self)


@pytest.fixture
def registered(monkeypatch):
    """The method can be read from files while the test lasts."""
    monkeypatch.setattr(methods, "_registered", dict(methods._registered))
    register_method(BestKernel)


@pytest.fixture
def model(image):
    """Trained."""
    job = train_job(BestKernel(n_steps=150, learning_rate=1e-2), [image], device="cpu")
    return run(job)


def cleaned(model, image: TrainingImage) -> np.ndarray:
    denoiser = ModelDenoiser.of(model, device="cpu")
    return np.asarray(run(denoise_job(denoiser, image.pixels, Layout("YX"))).image)


def test_it_learns_and_cleans_the_image(model, image):
    y, x = np.mgrid[:96, :80] / 6
    clean = 1000 + 400 * np.sin(y) * np.cos(x)
    before, after = (np.std(each - clean) for each in (image.pixels, cleaned(model, image)))
    assert after < 0.5 * before
    assert model.history[-1].validation_loss < model.history[0].validation_loss


@pytest.mark.usefixtures("registered")
def test_its_models_go_to_files_and_come_back(model, image, tmp_path):
    save_model(model, tmp_path / "kernel.safetensors")
    again = load_model(tmp_path / "kernel.safetensors")
    assert (again.method, again.architecture) == (model.method, model.architecture)
    np.testing.assert_array_equal(cleaned(again, image), cleaned(model, image))


def test_a_file_with_an_unknown_method_is_refused(model, tmp_path):
    save_model(model, tmp_path / "kernel.safetensors")
    with pytest.raises(ModelError, match="method 'best_kernel' is one of another package"):
        load_model(tmp_path / "kernel.safetensors")
