"""What a package of the zoo says about a model that another program has made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import ModelError
from napari_denoise.learning.models.zoo.extra import quiet, require_bioimageio

__all__ = ["AxisSize", "ForeignModel", "read_foreign"]

_NAMES = ("rdf.yaml", "bioimageio.yaml", "model.yaml")
"""What the file with the description may be called."""

_LETTERS = {"z": "Z", "y": "Y", "x": "X", "time": "T", "t": "T"}


@dataclass(frozen=True, slots=True)
class AxisSize:
    """Which sizes an axis may have: the smallest, then `step` more each; only that one if 0.

    `halo` is how far the network sees along it, None if the package does not say.
    """

    smallest: int
    step: int
    halo: int | None

    def padded(self, n: int) -> int:
        """The next allowed size."""
        if not self.step:
            return self.smallest
        return self.smallest + max(0, ceil((n - self.smallest) / self.step)) * self.step


@dataclass(frozen=True, slots=True)
class Linear:
    """A factor and a summand per channel (or one for all), or the ends to clip to."""

    gain: Any = 1.0
    offset: Any = 0.0
    low: float = -np.inf
    high: float = np.inf

    def __call__(self, pixels: FloatArray) -> FloatArray:
        shape = (-1, *(1,) * (pixels.ndim - 1))
        gain, offset = (np.asarray(value).reshape(shape) for value in (self.gain, self.offset))
        # In double precision: a large offset must not cost the small differences.
        result = np.clip(pixels * gain + offset, self.low, self.high)
        return np.asarray(result, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class ForeignModel:
    """How to run the model of a package.

    Attributes
    ----------
    order : str
        The axes as the network wants them: N, C and the spatial ones.
    sizes : tuple of AxisSize
        Of the spatial axes, Z or T first.
    """

    path: Path
    weights_name: str
    order: str
    n_channels: int
    sizes: tuple[AxisSize, ...]
    preparation: tuple[Linear, ...]
    completion: tuple[Linear, ...]

    @property
    def spatial(self) -> str:
        """The spatial axes, such as "ZYX"."""
        return "".join(letter for letter in "ZTYX" if letter in self.order)

    def in_words(self) -> str:
        """What it is for."""
        what = "3D volumes" if len(self.spatial) == 3 else "2D images"
        several = f"{self.n_channels} channels together"
        return (
            f"{what} ({self.spatial}), "
            f"{'one channel at a time' if self.n_channels == 1 else several}"
        )

    @property
    def changes_intensities(self) -> bool:
        """Whether nothing brings its result back from what is done to the image first."""
        return bool(self.preparation) and not self.completion

    def weights(self) -> bytes:
        """The TorchScript file."""
        with ZipFile(self.path) as package:
            return package.read(self.weights_name)

    def before(self, pixels: FloatArray) -> FloatArray:
        """What is done to ``C(Z)YX`` pixels first."""
        for act in self.preparation:
            pixels = act(pixels)
        return pixels

    def after(self, pixels: FloatArray) -> FloatArray:
        """What is done to ``C(Z)YX`` pixels at last."""
        for act in self.completion:
            pixels = act(pixels)
        return pixels

    def arranged(self, pixels: FloatArray) -> FloatArray:
        """``C(Z)YX`` pixels in the network's order of axes, those of size one among them."""
        ours = f"NC{self.spatial}"
        batch = pixels[None] if "C" in self.order else pixels
        ours = ours if "C" in self.order else ours.replace("C", "")
        batch = batch if "N" in self.order else batch[0]
        ours = ours if "N" in self.order else ours.replace("N", "")
        return np.ascontiguousarray(batch.transpose([ours.index(axis) for axis in self.order]))

    def restored(self, answer: FloatArray) -> FloatArray:
        """The network's answer as ``C(Z)YX`` pixels."""
        kept = [axis for axis in f"NC{self.spatial}" if axis in self.order]
        batch = answer.transpose([self.order.index(axis) for axis in kept])
        return batch.reshape(self.n_channels, *batch.shape[-len(self.spatial) :])


def read_foreign(path: Path) -> ForeignModel:
    """Read what a package says.

    Raises
    ------
    ModelError
        If it is no package, or its model cannot be run; says why.
    """
    require_bioimageio()
    from bioimageio.spec import load_model_description  # noqa: PLC0415

    try:
        # The description alone: the zoo's package would leave the .zip file open.
        with quiet(), TemporaryDirectory() as folder, ZipFile(path) as package:
            name = next(n for n in package.namelist() if PurePosixPath(n).name in _NAMES)
            described = Path(package.extract(name, folder))
            found = load_model_description(
                described, format_version="latest", perform_io_checks=False
            )
    except (OSError, BadZipFile, StopIteration, ValueError) as error:
        raise ModelError(
            f"{path.name} is no package of the BioImage Model Zoo, or is damaged "
            f"({str(error).strip().partition(chr(10))[0][:200] or 'it holds no description'})."
        ) from error
    try:
        return _parse(path, found)
    except _UnfitError as reason:
        raise ModelError(f"{path.name} cannot be applied: {reason}") from None


class _UnfitError(Exception):
    """Why a model cannot be run, as the end of a sentence."""


def _parse(path: Path, found: Any) -> ForeignModel:
    if found.weights.torchscript is None:
        formats = ", ".join(name for name, entry in found.weights if entry is not None)
        raise _UnfitError(
            f"its network is stored as {formats}, and only TorchScript runs without the program "
            f"that made it."
        )
    if (len(found.inputs), len(found.outputs)) != (1, 1):
        raise _UnfitError("it takes or gives more than one image.")
    shown, given = found.inputs[0], found.outputs[0]
    axes = {_letter(axis): axis for axis in shown.axes}
    outcome = {_letter(axis): axis for axis in given.axes}
    order = "".join(axes)
    if order != "".join(outcome) or not {"Y", "X"} <= set(order) or {"Z", "T"} <= set(order):
        raise _UnfitError("what it gives is no image of the axes that it takes.")
    spatial = [letter for letter in "ZTYX" if letter in order]
    return ForeignModel(
        path=path,
        weights_name=_name_of(found.weights.torchscript.source),
        order=order,
        n_channels=_n_channels(axes.get("C"), outcome.get("C")),
        sizes=tuple(_size(axes[letter], outcome[letter], shown) for letter in spatial),
        preparation=_acts(shown.preprocessing),
        completion=_acts(given.postprocessing),
    )


def _name_of(source: Any) -> str:
    return str(getattr(source, "path", source)).replace("\\", "/").rsplit("/", maxsplit=1)[-1]


def _letter(axis: Any) -> str:
    if axis.type in {"batch", "channel"}:
        return str(axis.type[0].upper().replace("B", "N"))
    letter = _LETTERS.get(str(axis.id))
    if letter is None:
        raise _UnfitError(f"its axis {axis.id} is none of T, C, Z, Y and X.")
    return letter


def _n_channels(before: Any, after: Any) -> int:
    sizes = [1 if axis is None else len(axis.channel_names) for axis in (before, after)]
    if sizes[0] != sizes[1]:
        raise _UnfitError(f"it takes {sizes[0]} channels and gives {sizes[1]}.")
    return sizes[0]


def _size(before: Any, after: Any, shown: Any) -> AxisSize:
    halo = getattr(after, "halo", None)
    if isinstance(before.size, int):
        smallest, step = before.size, 0
        is_same = after.size == smallest or _refers(after, before, shown)
    else:
        smallest, step = getattr(before.size, "min", 1), getattr(before.size, "step", 1)
        is_same = _refers(after, before, shown)
    if not is_same:
        raise _UnfitError("the image that it gives is of another size than the one it takes.")
    return AxisSize(smallest, step, halo)


def _refers(after: Any, before: Any, shown: Any) -> bool:
    """Whether an output axis has the size of an input axis."""
    size = after.size
    place = (getattr(size, "tensor_id", None), getattr(size, "axis_id", None))
    return place == (shown.id, before.id) and not size.offset and after.scale == before.scale


def _acts(steps: Sequence[Any]) -> tuple[Linear, ...]:
    return tuple(act for step in steps if (act := _act(step)) is not None)


def _act(step: Any) -> Linear | None:
    values = step.kwargs
    if (axis := getattr(values, "axis", None)) not in {None, "channel"}:
        raise _UnfitError(f"its step {step.id} differs along {axis}.")
    match str(step.id):
        case "ensure_dtype":
            return None
        case "scale_linear":
            return Linear(np.asarray(values.gain), np.asarray(values.offset))
        case "fixed_zero_mean_unit_variance":
            gain = 1 / (np.asarray(values.std, dtype=float) + 1e-6)
            return Linear(gain, -np.asarray(values.mean) * gain)
        case "clip" if getattr(values, "min_percentile", None) is None and (
            getattr(values, "max_percentile", None) is None
        ):
            low, high = values.min, values.max
            return Linear(
                low=-np.inf if low is None else low, high=np.inf if high is None else high
            )
    raise _UnfitError(
        f"its step {step.id} depends on the whole image or changes what intensities mean, so tiles "
        f"would not fit together."
    )
