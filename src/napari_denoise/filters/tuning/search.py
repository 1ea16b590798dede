"""Self-tuning: the settings of a filter that suit an image, found on the noisy image alone.

Each setting is tried on a few crops in which some pixels are masked. How well the filter predicts
them says how well it denoises, up to a constant (J-invariance, Batson & Royer 2019,
arXiv:1901.11365).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import ceil, log2
from typing import Any, cast

import numpy as np

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, check_input, fit_channels
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import Job, nested, run_all
from napari_denoise.core.settings import SettingField
from napari_denoise.filters.base import Filter
from napari_denoise.filters.tuning.crops import Crop, choose_crops_job
from napari_denoise.metrics.masking import Mask, Masker
from napari_denoise.noise.calibration.mean_variance import CORRELATED
from napari_denoise.noise.calibration.single_image import calibrate_job

__all__ = ["Tuned", "TuningCurve", "tune_job"]

_COARSE = 2
_FINE = (4, 8)
"""Steps per factor of two: over the whole range, and then around the best of them. At the end a
setting is known to 9 %; finer steps would take longer. What settings found so cost against the best
is in docs/benchmarks.md (self-tuning)."""

_MAX_CHANNELS = 4
"""Channels that are looked at, evenly spread: all get the same setting, and each takes as long."""

_CROP_PIXELS = 256**2
"""Pixels a trial is worth: smaller crops are masked on several grids until they have as many."""

Values = tuple[float, ...]
"""One for each tuned setting."""


@dataclass(frozen=True, slots=True)
class TuningCurve:
    """How well the filter predicts masked pixels, depending on one setting.

    Attributes
    ----------
    name : str
        Of the setting.
    values : tuple of float
        What was tried, ascending.
    losses : tuple of float
        Mean squared error at the masked pixels, relative to that of their replacements from
        neighbours; the noise of the masked pixels themselves is part of it.
    chosen : float
        The value with the least loss.
    """

    name: str
    values: tuple[float, ...]
    losses: tuple[float, ...]
    chosen: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """What :func:`tune` returns.

    Attributes
    ----------
    denoiser : Filter
        The one given, with the settings found.
    curves : tuple of TuningCurve
        One for each tuned setting, the one that matters most first.
    crops : tuple of Crop
        Where they were tried.
    """

    denoiser: Filter
    curves: tuple[TuningCurve, ...]
    crops: tuple[Crop, ...]

    @property
    def settings(self) -> dict[str, Any]:
        """The values found, by name."""
        return {curve.name: self.denoiser.value_of(curve.name) for curve in self.curves}

    def summary(self) -> str:
        """What was found, in a line."""
        return ", ".join(f"{name}={_as_text(value)}" for name, value in self.settings.items())


def tune_job(
    denoiser: Denoiser, image: Any, layout: Layout, *, keep: Collection[str] = ()
) -> Job[Tuned]:
    """Find the settings of a filter that suit an image; no clean image is needed.

    Parameters
    ----------
    denoiser : Denoiser
        A filter, also inside variance stabilisation. Settings that cannot be tuned stay as they
        are; one value per axis keeps its proportions.
    image : array-like, axes as in `layout`, any real dtype
        May be lazy: only some planes and crops are read.
    layout : Layout
        Names the axes and says which are spatial. One setting is found for all channels.
    keep : collection of str
        Settings to leave as they are.

    Returns
    -------
    Tuned
        The denoiser with the settings found, what was tried, and where.

    Raises
    ------
    SettingsError
        If the denoiser has no setting that can be tuned.
    InputError
        If the image is too small, has no noise, or has pixels that are NaN.

    References
    ----------
    .. [1] Batson & Royer 2019, Proceedings of Machine Learning Research 97, 524–533
    """
    layout = replace(layout, channels="independent")
    check_input(denoiser, image, layout)
    tunable = denoiser.tunable() if isinstance(denoiser, Filter) else ()
    fields = tuple(field for field in tunable if field.name not in keep)
    if not (isinstance(denoiser, Filter) and fields):
        other = " other" if keep else ""
        raise SettingsError(
            f"{denoiser.label} has no{other} setting that can be tuned. Choose another method, or "
            f"run it as it is."
        )
    trials = yield from nested(_prepare(denoiser, image, layout), 0.0, 0.1)
    search = _Search(denoiser, trials, fields)
    yield from nested(search.run(), 0.1, 1.0)
    return Tuned(search.denoiser, search.curves(), tuple(trial.crop for trial in trials))


@dataclass(frozen=True, slots=True)
class _Trial:
    """One crop with masked pixels, and what the filter has to know of its channel."""

    crop: Crop
    fitted: Filter
    masked: FloatArray
    mask: Mask
    weight: float

    def loss(self, changes: dict[str, Any]) -> Job[float]:
        """Sum of the squared errors at masked pixels, weighted."""
        # What was measured on the whole image (noise level, camera) stays: a masked crop would
        # tell something else.
        denoiser = self.fitted.adjusted(**changes)
        denoised = yield from nested(denoiser.denoise_tile(self.masked), 0.0, 1.0)
        # A deconvolved image is sharper than what the camera has recorded: it is compared blurred.
        predicted = yield from nested(denoiser.forward_model(denoised), 1.0, 1.0)
        errors = predicted[self.mask] - self.crop.pixels[self.mask]
        return self.weight * float(np.vdot(errors, errors))


def _prepare(denoiser: Filter, image: Any, layout: Layout) -> Job[list[_Trial]]:
    """The trials of up to four channels, weighted so that those of each channel count alike."""
    fitting = fit_channels(denoiser, image, layout)
    fitted = cast("dict[int | None, Filter]", (yield from nested(fitting, 0.0, 0.3)))
    channels = list(layout.units_by_channel(tuple(image.shape)).items())
    channels = channels[:: -(-len(channels) // _MAX_CHANNELS)]
    n_crops = -(-denoiser.n_tuning_crops // len(channels))
    trials: list[_Trial] = []
    for i, (channel, units) in enumerate(channels):
        start, middle, stop = (0.3 + 0.7 * (i + part) / len(channels) for part in (0, 0.4, 1))
        job = calibrate_job(image, layout.axes, channel=channel)
        noise = yield from nested(job, start, middle)
        # Below that, masks of one pixel are enough, and their replacements follow structure better.
        correlation = noise.correlation if noise.correlation > CORRELATED else 0.0
        crops = yield from nested(choose_crops_job(image, layout, units, n_crops), middle, stop)
        masker = Masker.for_correlation(correlation)
        trials += _trials_of(fitted[channel].rehearsal(), crops, masker, n_crops * _CROP_PIXELS)
    return trials


def _trials_of(
    fitted: Filter, crops: Sequence[Crop], masker: Masker, n_pixels: int
) -> list[_Trial]:
    """As many trials as make `n_pixels`: small crops are masked on several grids."""
    n_phases = n_pixels // sum(crop.pixels.size for crop in crops)
    phases = range(0, masker.n_phases, ceil(masker.n_phases / max(n_phases, 1)))
    masked = [(crop, *masker.mask(crop.pixels, phase)) for crop in crops for phase in phases]
    # Errors of the replacements themselves: against these, losses of dim and bright channels can be
    # added up.
    total = sum(
        float(np.sum(np.square(image[mask] - crop.pixels[mask]))) for crop, image, mask in masked
    )
    return [_Trial(crop, fitted, image, mask, 1 / total) for crop, image, mask in masked]


class _Search:
    """Goes along one setting after the other, and knows the best values so far."""

    def __init__(
        self, denoiser: Filter, trials: Sequence[_Trial], fields: Sequence[SettingField]
    ) -> None:
        self._given = denoiser
        self._trials = trials
        self._fields = fields
        self._best = tuple(_as_number(denoiser.value_of(field.name)) for field in self._fields)
        self._losses: dict[Values, float] = {}

    @property
    def denoiser(self) -> Filter:
        """With the best values."""
        return self._given.adjusted(**self._changes(self._best))

    def curves(self) -> tuple[TuningCurve, ...]:
        """What was tried of each setting while the others were at their best."""
        return tuple(self._curve(i) for i in range(len(self._fields)))

    def run(self) -> Job[None]:
        """Try all values of each setting, again if the others changed, and then finer steps."""
        # What matters most comes last, when the others suit the image already.
        *others, first = reversed(range(len(self._fields)))
        coarse = [(field, 0) for field in (*others, first)]
        finer = [(field, steps) for field in others for steps in _FINE[:1]]
        plan = [*coarse, *coarse * bool(others), *finer, (first, 0)]
        plan += [(first, steps) for steps in _FINE]
        for i, (place, steps) in enumerate(plan):
            field = self._fields[place]
            values = _near(field, self._best[place], steps) if steps else _grid(field)
            job = self._scan(place, values)
            yield from nested(job, i / len(plan), (i + 1) / len(plan))

    def _scan(self, field: int, values: Sequence[float]) -> Job[None]:
        """Try values of one setting, the others being as they are."""
        all_settings = [(*self._best[:field], v, *self._best[field + 1 :]) for v in values]
        # Settings come round again when other settings have changed and changed back.
        new = [settings for settings in all_settings if settings not in self._losses]
        losses: list[float] = []
        jobs = [trial.loss(self._changes(settings)) for settings in new for trial in self._trials]
        noun = f"{self._fields[field].name.replace('_', ' ')}: trial"
        n_threads = min(os.cpu_count() or 1, len(jobs)) if self._given.is_threaded else 1
        yield from run_all(jobs, losses.append, n_jobs=len(jobs), n_threads=n_threads, noun=noun)
        n = len(self._trials)  # run_all hands over in order: all trials of one setting in a row
        self._losses.update({key: sum(losses[i * n : i * n + n]) for i, key in enumerate(new)})
        self._best = min(self._losses, key=self._losses.__getitem__)

    def _changes(self, settings: Values) -> dict[str, Any]:
        """The settings as the filter has them: one value per axis keeps its proportions."""
        changes: dict[str, Any] = {}
        for field, value in zip(self._fields, settings, strict=True):
            given = self._given.value_of(field.name)
            changes[field.name] = value
            # One sigma per axis is often one of physical size: found is how much, not which shape.
            if isinstance(given, tuple) and any(given):
                parts = (value * part / max(given) for part in given)
                changes[field.name] = tuple(_allowed(field, part) for part in parts)
        return changes

    def _curve(self, field: int) -> TuningCurve:
        points = sorted(
            (settings[field], loss)
            for settings, loss in self._losses.items()
            if (*settings[:field], *settings[field + 1 :])
            == (*self._best[:field], *self._best[field + 1 :])
        )
        values, losses = zip(*points, strict=True)
        return TuningCurve(self._fields[field].name, values, losses, self._best[field])


def _as_text(value: float | tuple[float, ...]) -> str:
    return ",".join(f"{part:g}" for part in (value if isinstance(value, tuple) else (value,)))


def _as_number(value: float | tuple[float, ...]) -> float:
    return max(value) if isinstance(value, tuple) else value


def _grid(field: SettingField) -> list[float]:
    """Values over the whole range, in equal factors."""
    low, high = field.tuned_over or (1.0, 1.0)
    # What a setting does goes with its logarithm: from 0.5 to 1 is as far as from 5 to 10.
    values = np.geomspace(low, high, ceil(log2(high / low) * _COARSE) + 1)
    return sorted({_allowed(field, float(value)) for value in values})


def _near(field: SettingField, value: float, steps: int) -> list[float]:
    """The values a part of a factor of two away; `steps` of them make one."""
    factor = 2 ** (1 / steps)
    return sorted({_allowed(field, value / factor), _allowed(field, value * factor)})


def _allowed(field: SettingField, value: float) -> float:
    """The nearest value that the field can have, with the few digits that matter."""
    low, high = field.tuned_over or (value, value)
    if field.type == "int":
        step = field.step or 1
        value = min(low + step * round((value - low) / step), high)
        return int(max(value, low))
    return float(f"{min(max(value, low), high):.3g}")
