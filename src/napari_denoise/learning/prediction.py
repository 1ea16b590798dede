"""A trained model as a denoiser; importing this module does not import torch."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import replace
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import PrivateAttr

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, Session
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import AxesError, ModelError, SettingsError
from napari_denoise.core.progress import Job
from napari_denoise.core.settings import setting
from napari_denoise.core.tiling import Place
from napari_denoise.learning.methods import SAMPLES, UNCERTAINTY
from napari_denoise.learning.models.draws import Draws
from napari_denoise.learning.models.file import load_model, read_model_info
from napari_denoise.learning.models.model import Model, ModelInfo
from napari_denoise.learning.models.orientations import Orientation, averaged_job
from napari_denoise.learning.networks.tile_memory import choose_core

if TYPE_CHECKING:
    from napari_denoise.learning.losses.base import Loss
    from napari_denoise.learning.networks.base import Network

__all__ = ["ModelDenoiser"]


class ModelDenoiser(Denoiser):
    """Apply a trained model, from a file or from memory."""

    title: ClassVar[str] = "Trained model"
    kind: ClassVar[Literal["filter", "instant", "model"]] = "model"

    name: Literal["model"] = "model"
    path: Path | None = setting(None, "Model file (.safetensors).", hidden=True)
    output: str = setting(
        "image",
        "Which of the images that the model gives: image, or what else its method can tell, such "
        "as uncertainty.",
        hidden=True,
    )
    average_flips: bool = setting(
        False,  # noqa: FBT003  # the default, as in all settings
        "Average the results of the image flipped and turned in every way: a little better, and "
        "takes eight times as long (four times for a model that knows lines by their direction).",
        advanced=True,
    )
    n_samples: int = setting(
        16,
        "Methods that draw samples: how many are given, or how many the image or its uncertainty "
        "is made from.",
        ge=2,
        le=1000,
    )
    seed: int = setting(
        0,
        "Methods that draw samples: of the first one; each further one has the next number.",
        ge=0,
        le=2**31 - 1,
    )
    device: str = setting("auto", "Where to compute: auto, cpu, cuda:0, mps.", hidden=True)

    _model: Model | None = PrivateAttr(None)
    _info: ModelInfo | None = PrivateAttr(None)

    @classmethod
    def of(
        cls,
        model: Model,
        *,
        path: str | os.PathLike[str] | None = None,
        device: str = "auto",
        **settings: Any,
    ) -> Self:
        """The denoiser of a model in memory.

        Parameters
        ----------
        model : Model
        path : path-like, optional
            Where it has been saved, for the recipe.
        device : str
            "auto", "cpu", "cuda:0", "mps".
        **settings
            The other fields, such as `output`.
        """
        denoiser: Self = cls(path=None if path is None else Path(path), device=device, **settings)
        denoiser._model = denoiser._info = model
        return denoiser

    @property
    def label(self) -> str:
        """The file's name without ending; the method's title for a model in memory."""
        label = self.path.stem if self.path else self.info.method.title
        return label if self.output == "image" else f"{label} {self.output}"

    @property
    def gives_image(self) -> bool:
        return self.output != UNCERTAINTY

    @property
    def n_stacked(self) -> int:
        return self.n_samples if self.output == SAMPLES else 0

    @property
    def info(self) -> ModelInfo:
        """What is known about the model; reads no more than the file's header, once.

        Raises
        ------
        FileError, ModelError
            If there is no such file, or it holds no model.
        """
        if self._info is None:
            self._info = read_model_info(self._file())
        return self._info

    def layout_for(self, axes: str) -> Layout:
        """How the model sees an image of these axes; time stands in for a depth that is missing.

        Raises
        ------
        AxesError
            If the image lacks an axis.
        """
        info = self.info
        depth = info.spatial[:-2]
        if depth and depth not in axes:
            depth = {"Z": "T", "T": "Z"}[depth]
        if not set(depth) <= set(axes) or (info.n_channels > 1 and "C" not in axes):
            raise AxesError(
                f"This model was trained on {info.in_words()}; the image has axes {axes}. "
                f"Choose another model, or name the image's axes otherwise."
            )
        return Layout(axes, f"{depth}YX", "joint" if info.n_channels > 1 else "independent")

    def halo(self, n_spatial: int) -> tuple[int, ...]:  # noqa: ARG002  # the model knows
        margin = self.info.method.margin
        return tuple(reach + margin for reach in self.info.architecture.halo())

    def alignment(self, n_spatial: int) -> tuple[int, ...]:  # noqa: ARG002
        steps = self.info.architecture.alignment()
        return tuple(map(lcm, steps, self.info.method.period[-len(steps) :]))

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        from napari_denoise.learning.device import free_memory, resolve_device  # noqa: PLC0415

        device = resolve_device(self.device)
        kind = "cpu" if device.type == "cpu" else "gpu"
        return choose_core(self.info.architecture, extents, kind, free_memory(device))

    def check(self, layout: Layout, shape: tuple[int, ...]) -> None:
        info = self.info
        outputs = info.method.outputs
        if self.output not in outputs:
            raise ModelError(
                f"A {info.method.title} model gives no {self.output!r}. "
                f"Choose from: {', '.join(outputs)}."
            )
        if self.average_flips and SAMPLES in outputs:
            raise SettingsError(
                f"A {info.method.title} model draws samples that belong to places, which flipping "
                f"would mix. Switch average_flips off; more samples make a better mean."
            )
        if layout.n_spatial != len(info.spatial):
            raise AxesError(
                f"This model was trained on {info.in_words()}; the image is to be denoised as "
                f"{layout.describe(shape)}. Choose other spatial axes or another model."
            )
        n_channels = layout.unit_shape(shape)[0]
        if n_channels != info.n_channels:
            raise ModelError(
                f"This model was trained on {info.in_words()}; the image gives it {n_channels}. "
                f"Choose whether channels are seen together, or another model."
            )

    def prepare(self) -> Session:
        if self._model is None:
            self._model = load_model(self._file())
        return _ModelSession(self, self._model)

    def _file(self) -> Path:
        if self.path is None:
            raise ModelError("No model has been chosen. Give the path of a model file.")
        return self.path


class _ModelSession(Session):
    """A model's network on its device, and what it is used with."""

    def __init__(self, settings: ModelDenoiser, model: Model) -> None:
        # Imported here: this module is imported before anyone needs torch.
        from napari_denoise.learning.device import resolve_device  # noqa: PLC0415

        self._settings = settings
        device, network = resolve_device(settings.device), model.network
        # The model in memory stays on the CPU, whatever device a run takes.
        network = network if device.type == "cpu" else deepcopy(network).to(device)
        self._network: Network | None = network
        self._loss: Loss = model.method.strategy().loss(model.normalization, device)

    def denoise_tile(self, tile: FloatArray, place: Place) -> Job[FloatArray]:
        denoise = self._averaged if self._settings.average_flips else self._predicted
        return denoise(tile, place)

    def close(self) -> None:
        from napari_denoise.learning.device import empty_cache  # noqa: PLC0415

        self._network = None
        empty_cache(self._loss.device)

    def _predicted(self, tile: FloatArray, place: Place) -> Job[FloatArray]:
        from napari_denoise.learning.device import memory_errors  # noqa: PLC0415

        settings, whole = self._settings, self._network
        assert whole is not None  # noqa: S101  # not after close
        network = whole.focused(self._computed(tile, place.core)) if place.core else whole
        with memory_errors(self._loss.device):
            draws = Draws(settings.seed + place.sample, settings.n_samples, place)
            job = self._loss.predict(network, tile, settings.output, draws)
            return (yield from job)

    def _averaged(self, tile: FloatArray, place: Place) -> Job[FloatArray]:
        """The mean of what comes of the tile in all orientations."""
        core = place.core or tuple(slice(0, size) for size in tile.shape[1:])

        def predict(
            turned: FloatArray, way: Orientation, shape: tuple[int, ...]
        ) -> Job[FloatArray]:
            return self._predicted(turned, replace(place, core=way.window(core, shape)))

        alignment = self._settings.alignment(0)
        is_square = alignment[-2] == alignment[-1]
        may_be_turned = is_square and self._settings.info.method.may_be_turned
        return (yield from averaged_job(predict, tile, alignment, may_be_turned=may_be_turned))

    def _computed(self, tile: FloatArray, core: tuple[slice, ...]) -> tuple[slice, ...]:
        """What the network must give for a core: more where the method sees farther than it."""
        settings, n = self._settings, tile.ndim - 1
        beyond = zip(settings.halo(n), settings.info.architecture.halo(), strict=True)
        margins = [halo - seen for halo, seen in beyond]
        return tuple(
            slice(max(span.start - margin, 0), min(span.stop + margin, size))
            for span, margin, size in zip(core, margins, tile.shape[1:], strict=True)
        )
