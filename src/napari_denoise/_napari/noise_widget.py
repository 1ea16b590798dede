"""The Noise dock: what a detector would have recorded of a layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
from qtpy.QtWidgets import QSpinBox

from napari_denoise._napari.choosers import LayerChooser
from napari_denoise._napari.dock import DtypePolicy, Task, ViewerDock
from napari_denoise._napari.layers import Source, clipped_in_words, read_layer, result_layer
from napari_denoise._napari.preferences import SAME_AS_SOURCE
from napari_denoise._napari.settings_chooser import SettingsChooser
from napari_denoise.errors import InputError
from napari_denoise.noise import NoiseModel, Simulated, add_noise
from napari_denoise.recipe import Recipe
from napari_denoise.registry import NOISES

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["NoiseWidget"]


class NoiseWidget(ViewerDock):
    """Adds simulated noise to a layer, as a new layer."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        chooser = LayerChooser(napari_viewer.layers)
        self._layer = self.closing(chooser, chooser.close_watch)
        self._noise = SettingsChooser(NOISES)
        self._seed = QSpinBox()
        self._seed.setMaximum(2**31 - 1)
        self._dtype = DtypePolicy(SAME_AS_SOURCE)
        self._run_bar = self.makeRunBar(self._prepare, run_text="Add noise")
        self.addRow("Layer", self._layer)
        self.addHeading("Noise")
        self.addWidget(self._noise)
        self.addHeading("Result")
        self.addRow("Type", self._dtype)
        self.addRow("Seed", self._seed, "The same seed gives the same noise again.")
        self.addWidget(self._run_bar)

    def _prepare(self) -> Task:
        layer = self._layer.layer()
        if layer is None:
            raise InputError("There is no image layer. Open or add an image first.")
        source = read_layer(layer)
        noise, seed = cast("NoiseModel", self._noise.value()), self._seed.value()
        dtype = self._dtype.dtype_for(source.pixels)
        recipe = Recipe.of("simulate", noise, axes=source.axes, dtype=str(dtype), seed=seed)
        make_job = partial(
            add_noise,
            noise,
            source.pixels,
            axes=source.axes,
            rng=np.random.default_rng(seed),
            dtype=dtype,
        )
        return Task(make_job, partial(self._add_result, source, noise, recipe))

    def _add_result(
        self, source: Source, noise: NoiseModel, recipe: Recipe, result: Simulated
    ) -> None:
        label = f"{noise.title.partition(' (')[0]} noise"
        self._viewer.add_layer(result_layer(source, result.image, label=label, recipe=recipe))
        if clipped := clipped_in_words(result.n_clipped, recipe.dtype):
            self._run_bar.showNotice(clipped)
