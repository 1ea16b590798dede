"""A model of another program, from the zoo, as a denoiser; importing this does not import torch.

Only what can be run without knowing more is taken: TorchScript with one image in and one of the
same size out, and steps before and after it that do the same to every tile.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.denoiser import Denoiser, Session
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import AxesError, FileError, ModelError
from napari_denoise.core.progress import Job, Notice, Progress
from napari_denoise.core.settings import setting
from napari_denoise.core.tiling import Place
from napari_denoise.learning.models.package import holds_model, is_package
from napari_denoise.learning.models.zoo.description import ForeignModel, read_foreign
from napari_denoise.learning.prediction import ModelDenoiser

__all__ = ["ZooDenoiser", "denoiser_class_of"]

_UNKNOWN_HALO = {2: (32, 32), 3: (4, 16, 16)}
"""For a model that does not say how far it sees."""

_TILE_SIZE = {2: (256, 256), 3: (16, 96, 96)}


class ZooDenoiser(Denoiser):
    """Apply a model of the BioImage Model Zoo that another program has made."""

    title: ClassVar[str] = "Model of the zoo"
    kind: ClassVar[Literal["filter", "instant", "model"]] = "model"

    name: Literal["zoo"] = "zoo"
    path: Path = setting(..., "Package of the BioImage Model Zoo (.zip).", hidden=True)
    device: str = setting("auto", "Where to compute: auto, cpu, cuda:0, mps.", hidden=True)

    @property
    def label(self) -> str:
        """The file's name without ending."""
        return self.path.stem

    @cached_property
    def model(self) -> ForeignModel:
        """What the package says about its model.

        Raises
        ------
        FileError, ModelError
            If there is no such file, it is no package, or its model cannot be run.
        """
        if not self.path.is_file():
            raise FileError(f"There is no package {self.path}. Check the path.")
        return read_foreign(self.path)

    def layout_for(self, axes: str) -> Layout:
        """How the model sees an image of these axes; time stands in for a depth that is missing.

        Raises
        ------
        AxesError
            If the image lacks an axis.
        """
        depth = self.model.spatial[:-2]
        if depth and depth not in axes:
            depth = {"Z": "T", "T": "Z"}[depth]
        is_joint = self.model.n_channels > 1
        if not set(depth) <= set(axes) or (is_joint and "C" not in axes):
            raise AxesError(
                f"{self.path.name} is for {self.model.in_words()}; the image has axes {axes}. "
                f"Choose another model, or name the image's axes otherwise."
            )
        return Layout(axes, f"{depth}YX", "joint" if is_joint else "independent")

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        unknown = _UNKNOWN_HALO[n_spatial]
        sizes = self._sizes(n_spatial)
        return tuple(
            (guess if size.halo is None else size.halo)
            if size.step
            else min(guess if size.halo is None else size.halo, (size.smallest - 1) // 4)
            for size, guess in zip(sizes, unknown, strict=True)
        )

    def alignment(self, n_spatial: int) -> tuple[int, ...]:
        return tuple(size.step or 1 for size in self._sizes(n_spatial))

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        n = len(extents)
        axes = zip(_TILE_SIZE[n], self._sizes(n), self.halo(n), strict=True)
        return tuple(
            wanted if size.step else max(size.smallest - 2 * halo, 1) for wanted, size, halo in axes
        )

    def check(self, layout: Layout, shape: tuple[int, ...]) -> None:
        n_channels = layout.unit_shape(shape)[0]
        if layout.n_spatial != len(self.model.spatial) or n_channels != self.model.n_channels:
            raise AxesError(
                f"{self.path.name} is for {self.model.in_words()}; the image is to be denoised as "
                f"{layout.describe(shape)}. Choose other axes or another model."
            )

    def fitted(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Denoiser]:
        del image, layout, units
        if self.model.changes_intensities:
            message = (
                f"{self.path.name} does not say how its result gets back to the image's "
                f"intensities: do not measure any on it."
            )
            yield Notice(fraction=0.0, message=message)
        return self

    def prepare(self) -> Session:
        return _ZooSession(self)

    def _sizes(self, n_spatial: int) -> tuple[Any, ...]:
        if n_spatial != len(self.model.spatial):
            raise AxesError(
                f"{self.path.name} is for {self.model.in_words()}. Choose other spatial axes or "
                f"another model."
            )
        return self.model.sizes


class _ZooSession(Session):
    """The package's network on its device."""

    def __init__(self, settings: ZooDenoiser) -> None:
        from napari_denoise.learning.device import resolve_device  # noqa: PLC0415
        from napari_denoise.learning.models.zoo.graph import read_torchscript  # noqa: PLC0415

        self._file, self._model = settings.path.name, settings.model
        self._device = resolve_device(settings.device)
        self._network = read_torchscript(settings.model.weights(), self._device)

    def denoise_tile(self, tile: FloatArray, place: Place) -> Job[FloatArray]:
        import torch  # noqa: PLC0415

        from napari_denoise.learning.device import memory_errors  # noqa: PLC0415

        del place
        yield Progress(fraction=0.0)
        model = self._model
        ends = [
            (0, size.padded(n) - n) for size, n in zip(model.sizes, tile.shape[1:], strict=True)
        ]
        shown = model.before(np.pad(tile, [(0, 0), *ends], mode="edge"))
        with memory_errors(self._device), torch.inference_mode():
            answer = self._network(torch.from_numpy(model.arranged(shown)).to(self._device))
        given = model.restored(answer.float().cpu().numpy())
        if given.shape != shown.shape:
            raise ModelError(
                f"{self._file} gives {given.shape} for {shown.shape}, so it is no denoiser. "
                f"Choose another model."
            )
        yield Progress(fraction=1.0)
        return model.after(given)[(slice(None), *map(slice, tile.shape[1:]))]

    def close(self) -> None:
        from napari_denoise.learning.device import empty_cache  # noqa: PLC0415

        self._network = None
        empty_cache(self._device)


def denoiser_class_of(path: str | os.PathLike[str]) -> type[ModelDenoiser | ZooDenoiser]:
    """Which denoiser applies the model in a file of ours or in a package.

    Raises
    ------
    FileError, ModelError
        If there is no such package, or it is none.
    """
    return ZooDenoiser if is_package(path) and not holds_model(path) else ModelDenoiser
