"""Settings that are left to the images: measured on them before a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from napari_denoise.core.errors import FileError, InputError, SettingsError
from napari_denoise.core.progress import Job, Notice
from napari_denoise.learning.data.images import TrainingImage, choose_patch_size
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.losses.strategy import Strategy
from napari_denoise.learning.methods.n2v import StructN2V
from napari_denoise.learning.training.camera_estimation import measure_noise
from napari_denoise.noise.calibration.result import Calibration

__all__ = ["MeasuredMask"]

# Large enough for stripes to be told from structure: the noise's correlation is that of many rows.
_PATCH = (128, 128)
"""Rows and columns of the patches that it is measured on, where images are not taken whole."""

# One camera made them all, so a few tell as much as many.
_N_MEASURED = 4
"""Images and channels that the noise is measured on."""
_ELONGATED = 3
"""How many times longer than wide a mask is a line: a block of that length would hide too much."""


class MeasuredMask(Strategy[StructN2V]):
    """The mask is measured on the images where it is not given."""

    def suggest(self, images: Sequence[TrainingImage]) -> Job[StructN2V]:
        """Fill in what is unset of the mask; says what it is.

        Raises
        ------
        InputError
            If the noise cannot be measured.
        SettingsError
            If the mask does not fit the images' axes.
        """
        method = self.method
        if method.orientation == "Z" and images[0].layout.n_spatial == 2:
            raise SettingsError(
                f"A mask along Z needs volumes, and {images[0].name} is seen as planes. Choose "
                f"another orientation, or three spatial axes."
            )
        if method.orientation != "auto" and method.span:
            return method
        found = yield from _measure(images)
        # The widest of all images: a mask too small lets the noise through, one too wide blurs.
        spans = max(each.mask_span_y for each in found), max(each.mask_span_x for each in found)
        orientation = method.orientation
        if orientation == "auto":
            is_crossed = all(each.row_stripes and each.column_stripes for each in found)
            orientation = "cross" if is_crossed else _orientation(*spans)
        span = method.span or {"Y": spans[0], "X": spans[1]}.get(orientation, max(spans))
        yield Notice(fraction=0.0, message=_in_words(orientation, span))
        return method.model_copy(update={"orientation": orientation, "span": span})


def _orientation(span_y: int, span_x: int) -> Literal["Y", "X", "block"]:
    if _ELONGATED * min(span_y, span_x) > max(span_y, span_x) > 1:
        return "block"
    return "Y" if span_y > span_x else "X"


def _in_words(orientation: str, span: int) -> str:
    if span == 1:
        return (
            "The noise of neighbouring pixels was found to be independent, so single pixels are "
            "masked, as in Noise2Void. Give orientation and span if there are lines to be seen."
        )
    shape = {
        "block": f"blocks of {span} × {span} pixels",
        "cross": f"crosses of {span} pixels along Y and X",
    }.get(orientation, f"lines of {span} pixels along {orientation}")
    return f"As measured on the images, noise is shared, and masked together, by {shape}."


def _measure(images: Sequence[TrainingImage]) -> Job[list[Calibration]]:
    """The noise of some of the images."""
    size = choose_patch_size(images, (1, *_PATCH)[-images[0].layout.n_spatial :])
    sampler = PatchSampler(images, size)
    try:
        return (yield from measure_noise(sampler, n_images=_N_MEASURED))
    except (InputError, FileError) as error:
        raise InputError(
            f"{error} So the mask cannot be measured. Give its orientation and span."
        ) from error
