"""Methods that learn from the noisy image alone, by predicting pixels that are masked."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le
from pydantic import AfterValidator

from napari_denoise.core.settings import setting
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.masking import mask_pixels, mask_shape, mask_structures
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.methods.base import LEAN, TrainingMethod
from napari_denoise.learning.networks.architecture import Architecture

__all__ = ["N2V", "N2V2", "BlindSpotMethod", "StructN2V"]


class BlindSpotMethod(TrainingMethod):
    """A method that masks single pixels and predicts them."""

    # More than the 0.2 % of the paper, as each step then learns from forty times as many pixels.
    # Trade-off: the more are masked, the more of a pixel's neighbours are replaced as well.
    masked_pixel_percentage: float = setting(
        8.0,
        "Share of a patch's pixels that are masked and have to be predicted.",
        unit="%",
        gt=0,
        le=50,
        step=0.5,
        advanced=True,
    )
    replacement: Literal["mean", "median", "uniform"] = setting(
        "mean",
        "What a masked pixel is replaced by: the mean or median of its neighbours without itself, "
        "or one neighbour drawn at random (the original method).",
        advanced=True,
    )

    def batch(self, sampler: PatchSampler, rng: np.random.Generator) -> Batch:
        drawn = sampler.draw(self.batch_size, rng)
        percentage = self.masked_pixel_percentage
        return drawn.masked(*mask_pixels(drawn.input, percentage, self.replacement, rng))


class N2V(BlindSpotMethod):
    """Noise2Void: learns from the noisy image alone, by predicting masked pixels."""

    title: ClassVar[str] = "Noise2Void"
    citation: ClassVar[str] = "Krull, Buchholz & Jug 2019, doi:10.1109/CVPR.2019.00223"

    # Chosen together, see LEAN.
    default_features: ClassVar[Mapping[int, int]] = LEAN
    default_step_size: ClassVar[float] = 2e-3

    name: Literal["n2v"] = "n2v"


class N2V2(BlindSpotMethod):
    """N2V2: Noise2Void with a network that leaves no checkerboard in the image."""

    title: ClassVar[str] = "N2V2"
    citation: ClassVar[str] = "Höck et al. 2022, doi:10.1007/978-3-031-25069-9_33"

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {
            "paper": MappingProxyType(
                {"masked_pixel_percentage": 0.2, "replacement": "median", "pooling": "max-blur"}
            )
        }
    )

    name: Literal["n2v2"] = "n2v2"
    # Twice as many as Noise2Void: 32.69 dB, and 32.49 after 800 (mean of two images).
    n_steps: int = setting(
        1600,
        "Training steps; one step looks at one batch of patches.",
        ge=1,
        le=1_000_000,
        step=100,
    )
    replacement: Literal["mean", "median", "uniform"] = setting(
        "mean",
        "What a masked pixel is replaced by: the mean or median (the original method) of its "
        "neighbours without itself, or one neighbour drawn at random.",
        advanced=True,
    )

    # The paper takes the maximum: 32.32 dB (mean of two images), 32.49 without it.
    pooling: Literal["blur", "max-blur"] = setting(
        "blur",
        "How the network shrinks the image: by the mean of each pixel and its neighbours, or by "
        "that of the larger one of each two (the original method).",
        advanced=True,
    )

    def network(self, n_channels: int, patch_size: tuple[int, ...]) -> Architecture:
        plain = super().network(n_channels, patch_size)
        # No skip at full resolution: what is to be removed would pass through it (Höck et al.).
        return plain.model_copy(update={"shrinking": self.pooling, "skips": "deep"})


def _odd(span: int) -> int:
    if span % 2 == 0:
        raise ValueError("be an odd number, as the predicted pixel lies in the middle")
    return span


Span = Annotated[int, Ge(1), Le(127), AfterValidator(_odd)]


class StructN2V(TrainingMethod):
    """structN2V: Noise2Void for noise that neighbouring pixels share, such as that of lines."""

    title: ClassVar[str] = "structN2V"
    citation: ClassVar[str] = "Broaddus et al. 2020, doi:10.1109/ISBIWorkshops50223.2020.9153336"
    # Whether lines are noise to it depends on their direction.
    may_be_turned: ClassVar[bool] = False

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {"paper": MappingProxyType({"replacement": "range"})}
    )

    strategy_class: ClassVar[str] = "napari_denoise.learning.training.suggestion:MeasuredMask"

    name: Literal["structn2v"] = "structn2v"
    orientation: Literal["auto", "Y", "X", "cross", "block", "Z"] = setting(
        "auto",
        "Where the pixels lie that share their noise with the predicted one and are masked with "
        "it: along X for noise of rows, along Y for noise of columns, a cross for both, a block "
        "for blurred noise, along Z (or time); auto: measured on the images.",
    )
    span: Span | None = setting(
        None,
        "Pixels that are masked together from end to end, an odd number; unset: measured on the "
        "images.",
        unit="pixels",
        step=2,
    )
    # Of a mask only the pixel in the middle is learned from, so it takes more masked ones.
    masked_pixel_percentage: float = setting(
        16.0,
        "Share of a patch's pixels that are masked; the one amid each mask has to be predicted.",
        unit="%",
        gt=0,
        le=50,
        step=0.5,
        advanced=True,
    )
    # On noise shared by 5 pixels along X: 34.39 dB, and 33.48 with values from the range.
    replacement: Literal["neighbour", "range"] = setting(
        "neighbour",
        "What masked pixels are replaced by: a pixel nearby that is not masked, or any value "
        "between the darkest and brightest around (the original method).",
        advanced=True,
    )

    def batch(self, sampler: PatchSampler, rng: np.random.Generator) -> Batch:
        assert self.orientation != "auto"  # noqa: S101  # measured by now
        assert self.span  # noqa: S101
        # Turned by a quarter, rows would become columns, and the mask lie across the noise.
        drawn = sampler.draw(self.batch_size, rng, turned="half")
        shape = mask_shape(self.orientation, self.span, drawn.input.ndim - 2)
        percentage = self.masked_pixel_percentage
        return drawn.masked(*mask_structures(drawn.input, percentage, shape, self.replacement, rng))
