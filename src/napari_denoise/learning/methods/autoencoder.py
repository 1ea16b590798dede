"""The denoising autoencoder: learns from clean images, to which noise is added."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from napari_denoise.core.settings import setting
from napari_denoise.learning.methods.base import TrainingMethod
from napari_denoise.learning.networks.architecture import Architecture
from napari_denoise.noise.simulation.base import Noise
from napari_denoise.noise.simulation.composite import AnyNoise
from napari_denoise.noise.simulation.kinds import GaussianNoise

__all__ = ["Autoencoder"]


class Autoencoder(TrainingMethod):
    """Denoising autoencoder: learns from clean images to tell them from the noise added to them.

    All that it gives has passed the small images in the middle of its network.
    """

    title: ClassVar[str] = "Denoising autoencoder"
    citation: ClassVar[str] = "Vincent et al. 2008, doi:10.1145/1390156.1390294"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {"seed recipe": MappingProxyType({"noise_level": 0.07, "noise": None})}
    )

    name: Literal["autoencoder"] = "autoencoder"
    noise_level: float = setting(
        0.07,
        "Standard deviation of the Gaussian noise that is added to the clean images, new in every "
        "step, as a share of their range.",
        gt=0,
        le=10,
        step=0.01,
    )
    noise: AnyNoise | None = setting(
        None,
        "Noise to add instead, of any kind. Unset: Gaussian noise of noise_level.",
        hidden=True,
    )

    # 33.17 dB with 1 and 32.26 with 2 on a confocal image with noise of 0.07 (docs/benchmarks.md).
    depth: int = setting(
        1,
        "How often the network halves the image; each one doubles how far it sees, and costs "
        "detail.",
        ge=1,
        le=5,
        advanced=True,
    )

    def simulated_noise(self) -> Noise:
        return self.noise or GaussianNoise(sigma=self.noise_level, unit="range")

    def network(self, n_channels: int, patch_size: tuple[int, ...]) -> Architecture:
        plain = super().network(n_channels, patch_size)
        # With skips noise would pass beside the small images in the middle.
        return plain.model_copy(update={"skips": "none"})
