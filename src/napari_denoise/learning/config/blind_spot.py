"""Methods that learn from the noisy image alone, by guessing pixels that they may not see."""

from __future__ import annotations

from typing import ClassVar, Literal

from napari_denoise.learning.config.method import TrainingMethod
from napari_denoise.settings import setting

__all__ = ["N2V", "BlindSpotMethod"]


class BlindSpotMethod(TrainingMethod):
    """A method that hides single pixels and asks for them."""

    masked_pixel_percentage: float = setting(
        8.0,
        "Share of a patch's pixels that are hidden and have to be guessed.",
        unit="%",
        gt=0,
        le=50,
        step=0.5,
        advanced=True,
    )
    replacement: Literal["mean", "median", "uniform"] = setting(
        "mean",
        "What stands in for a hidden pixel: the mean or median of its neighbours without itself, "
        "or one neighbour drawn at random (the original method).",
        advanced=True,
    )


class N2V(BlindSpotMethod):
    """Noise2Void: learns from the noisy image alone, by guessing pixels it may not see."""

    title: ClassVar[str] = "Noise2Void"
    citation: ClassVar[str] = "Krull, Buchholz & Jug 2019, doi:10.1109/CVPR.2019.00223"

    name: Literal["n2v"] = "n2v"
