"""Simulate: what a detector would have recorded of a layer, tried live on the shown plane."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast
from weakref import ref

import numpy as np
from napari.layers import Image as ImageLayer
from qtpy.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox

from napari_denoise._napari.shared.dock import DtypePolicy, Page, Task, ViewerDock
from napari_denoise._napari.shared.layers import read_layer
from napari_denoise._napari.shared.plane_preview import PlanePreview
from napari_denoise._napari.shared.preferences import SAME_AS_SOURCE
from napari_denoise._napari.shared.results import clipped_in_words, result_layer
from napari_denoise._napari.shared.settings_list import SettingsList
from napari_denoise._qt.message import Message
from napari_denoise.core.dtype import cast_saturating
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.recipe import Recipe
from napari_denoise.noise import (
    PRESETS,
    Composite,
    Noise,
    Simulated,
    add_noise_job,
    add_noise_to_plane,
    dose_series_job,
    measure_range,
)
from napari_denoise.registry import NOISES

__all__ = ["SimulatePage"]


class SimulatePage(Page):
    """Noises in their order, a preview while they change, and the whole stack on request.

    Attributes
    ----------
    presetBox : QComboBox
    noiseList : SettingsList
    dtypeBox : DtypePolicy
    seedBox : QSpinBox
    dosesEdit : QLineEdit
    previewBox : QCheckBox
    previewMessage : Message
        Why there is no preview.
    runBar : RunBar
    """

    def __init__(self, dock: ViewerDock) -> None:
        super().__init__()
        self._viewer = dock.viewer
        self._layer: ImageLayer | None = None
        # Kept between previews: measuring it reads the whole image.
        self._ranges = _Ranges()
        self.noiseList = SettingsList(NOISES, what="noise")
        self.presetBox = QComboBox()
        self.seedBox = QSpinBox()
        # The largest that the box can hold; any smaller number is as good a seed.
        self.seedBox.setMaximum(2**31 - 1)
        # A detector writes whole numbers: unlike a denoised image, a noisy one keeps its source's
        # type.
        self.dtypeBox = DtypePolicy(SAME_AS_SOURCE)
        self.dosesEdit = QLineEdit()
        self.previewBox = QCheckBox("Preview the shown plane")
        self.previewMessage = Message("notice")
        self._preview = dock.closing(PlanePreview(dock.viewer, self._make_preview, self))
        # The preview has a runner of its own, so that one can look while the whole stack is made.
        self.runBar = dock.makeRunBar(self._prepare, run_text="Add noise")
        self._build()
        self._connect()

    def setLayer(self, layer: ImageLayer | None) -> None:
        """Choose the layer to add noise to."""
        self._layer = layer
        self._preview.setLayer(layer)

    def setNoise(self, noise: Noise) -> None:
        """Show this noise in the form, all its parts if it has several."""
        self.noiseList.setValue(getattr(noise, "noises", (noise,)))

    def setPreviewed(self, is_previewed: bool) -> None:  # noqa: FBT001
        """Show or take away the preview, as its check box does."""
        self.previewBox.setChecked(is_previewed)

    def _build(self) -> None:
        self.presetBox.setPlaceholderText("typical detectors…")
        self.presetBox.addItems([known.title for known in PRESETS])
        # The list offers what to fill the form with, and claims nothing about what is in it.
        self.presetBox.setCurrentIndex(-1)
        self.dosesEdit.setPlaceholderText("100 % only; or 1, 0.5, 0.25")
        self.previewBox.setToolTip(
            "Show what the noise does to the plane you look at, in a layer of its own that "
            "follows settings and sliders, and goes when this is unchecked."
        )
        self.addRow("Preset", self.presetBox, "Noise as typical detectors have it.")
        self.addHeading("Noise, in this order")
        self.addWidget(self.noiseList)
        self.addHeading("Result")
        self.addRow("Type", self.dtypeBox)
        self.addRow("Seed", self.seedBox, "The same seed gives the same noise again.")
        self.addRow(
            "Doses",
            self.dosesEdit,
            "Shares of the full exposure; there will be a layer for each.",
        )
        self.addWidget(self.previewBox)
        self.addWidget(self.previewMessage)
        self.addWidget(self.runBar)

    def _connect(self) -> None:
        # `activated`, so that the preset chosen last can be chosen again after changes.
        self.presetBox.activated.connect(lambda index: self.setNoise(PRESETS[index].noise))
        self.noiseList.valueChanged.connect(self._on_settings_changed)
        self.seedBox.valueChanged.connect(self._on_settings_changed)
        self.dtypeBox.valueChanged.connect(self._on_settings_changed)
        self.previewBox.toggled.connect(self._preview.setOn)
        self.previewBox.toggled.connect(lambda _on: self.previewMessage.clear())
        # The user may take the layer out of the list: the box must not go on claiming it is there.
        self._preview.closed.connect(lambda: self.previewBox.setChecked(False))
        self._preview.shown.connect(self.previewMessage.clear)
        self._preview.failed.connect(self._on_preview_failed)

    def _noise(self) -> Noise:
        return Composite.of(cast("Sequence[Noise]", self.noiseList.value()))

    def _on_settings_changed(self) -> None:
        try:
            # Noise in the camera's own units moves the intensities away from the source's contrast.
            self._preview.setKeepsContrast(not self._noise().has_own_units)
            self._preview.refresh()
        # Half-typed settings are normal while one types: said beside the preview, not as a failed
        # run.
        except SettingsError as error:
            self._on_preview_failed(error)

    def _on_preview_failed(self, error: BaseException) -> None:
        self.previewMessage.clear()
        self.previewMessage.add(str(error))

    def _make_preview(self, image: Image, place: dict[str, int]) -> Any:
        # Read in the window's thread: the form may change while the plane is made.
        noise, dtype = self._noise(), self.dtypeBox.dtype_for(image.pixels)
        return partial(
            preview_plane_job,
            noise,
            image,
            place,
            self._ranges,
            seed=self.seedBox.value(),
            dtype=dtype,
        )

    def _prepare(self) -> Task:
        if self._layer is None:
            raise InputError("There is no image layer. Open or add an image first.")
        # What is chosen now; the user may choose another layer while this one is worked on.
        layer, image = self._layer, read_layer(self._layer)
        noise, seed, doses = self._noise(), self.seedBox.value(), self._parse_doses()
        dtype = self.dtypeBox.dtype_for(image.pixels)
        recipe = Recipe.of(
            "simulate",
            noise,
            source=image.name,
            previous=image.recipe,
            axes=image.axes,
            dtype=str(dtype),
            seed=seed,
            doses=doses,
        )
        given: dict[str, Any] = {
            "axes": image.axes,
            # A generator for each run: one kept here would go on where the last run stopped.
            "rng": np.random.default_rng(seed),
            "dtype": dtype,
        }
        make_job = (
            partial(dose_series_job, noise, image.pixels, doses, **given)
            if doses
            else partial(add_noise_job, noise, image.pixels, **given)
        )
        return Task(make_job, partial(self._add_result, layer, image, noise, recipe))

    def _parse_doses(self) -> tuple[float, ...]:
        text = self.dosesEdit.text().strip()
        try:
            # With a full stop for the decimals everywhere, as a comma stands between the doses.
            return tuple(float(part) for part in text.split(",")) if text else ()
        except ValueError as error:
            raise SettingsError(
                f"The doses {text!r} cannot be read. Give shares such as 1, 0.5, 0.25."
            ) from error

    def _add_result(
        self,
        layer: ImageLayer,
        image: Image,
        noise: Noise,
        recipe: Recipe,
        result: Simulated,
    ) -> None:
        # What was tried is there now, and would be covered by the preview.
        self.setPreviewed(False)
        label = f"{noise.label} noise"
        parts = {label: result.image}
        if recipe.doses:
            parts = {
                f"{label}, {dose:.3g} of the dose": pixels
                for dose, pixels in zip(recipe.doses, result.image, strict=True)
            }
        for name, pixels in parts.items():
            noisy = result_layer(layer, image.with_pixels(pixels, recipe=recipe), label=name)
            if noise.has_own_units:
                # In the camera's units the source's contrast would show all black or all white.
                noisy.reset_contrast_limits()
            self._viewer.add_layer(noisy)
        if clipped := clipped_in_words(result.n_clipped, recipe.dtype):
            self.runBar.showNotice(clipped)


class _Ranges:
    """The range of intensities of the image that was previewed last: measured once."""

    def __init__(self) -> None:
        self._image: Any = None
        self._range = (0.0, 0.0)

    def of(self, image: Any, axes: str) -> Job[tuple[float, float]]:
        # Only a weak reference is kept: a preview must not hold on to an image that was closed.
        if self._image is None or self._image() is not image:
            self._range = yield from measure_range(image, axes)
            self._image = ref(image)
        return self._range


def preview_plane_job(
    noise: Noise,
    image: Image,
    place: dict[str, int],
    ranges: _Ranges,
    *,
    seed: int,
    dtype: np.dtype[Any],
) -> Job[Any]:
    """The plane that :func:`~napari_denoise.noise.add_noise_job` would give, to the last bit.

    Parameters
    ----------
    noise : Noise
    image : Image
        The clean image.
    place : dict of str to int
        Index of the plane along each axis but Y and X.
    ranges : _Ranges
        Knows the image's range of intensities, or measures it.
    seed : int
    dtype : dtype
        Of the plane. Integer types round and saturate.

    Returns
    -------
    array, YX
    """
    # Not looked at by noises that need no range.
    known = (0.0, 0.0)
    if noise.needs_range:
        known = yield from nested(ranges.of(image.pixels, image.axes), 0.0, 0.5)
    job = add_noise_to_plane(
        noise,
        image.pixels,
        place,
        # The same as for the whole stack, from which the plane's own numbers follow: what is
        # previewed is what will be.
        rng=np.random.default_rng(seed),
        axes=image.axes,
        intensity_range=known,
    )
    plane = yield from nested(job, 0.5, 1.0)
    # Cut off and rounded as the whole stack will be; saturation is part of what is previewed.
    return cast_saturating(plane, dtype)[0]
