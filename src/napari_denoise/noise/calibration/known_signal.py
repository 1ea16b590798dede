"""Noise as a probability, measured: on recordings whose signal is known.

The signal is known where the same was recorded many times, or, for want of better, from a
denoised version of the image itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout, check_axes
from napari_denoise.core.dtype import FloatArray, as_float32, check_pixels
from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.core.progress import Job, Progress
from napari_denoise.noise.calibration.sampling import one_channel, pieces
from napari_denoise.noise.noise_model import HistogramNoiseModel, MixtureNoiseModel

__all__ = ["Recordings", "collect_repeats", "fit_noise_model"]

Values = npt.NDArray[np.float64]

# Trade-off for all of these: finer tables follow the detector more closely, and need more pixels
# before each entry is more than chance.
_N_SIGNALS = 32
_MIN_PIXELS = 400
"""Fewer of one signal say too little about how its noise is distributed."""
_MAX_PIXELS = 2_000_000
"""As for a calibration: more make the answer no better, only later."""
_SPAN, _N_BINS = 6.0, 96
"""Sigmas and bins of a histogram."""
_N_ROUNDS = 60
"""Of the fit; more change little."""
_NARROWEST = 0.1
"""Width of a Gaussian in sigmas: one on a single value would count for more than all others."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """Pixels with a known signal.

    Attributes
    ----------
    signal, noise : float64 arrays, one value per pixel, in DN
    """

    signal: Values
    noise: Values

    @classmethod
    def of(
        cls, noisy: FloatArray, clean: FloatArray, *, n_repeats: int | None = None
    ) -> Recordings:
        """Pixels of a recording and of its signal.

        Parameters
        ----------
        noisy, clean : arrays, same shape, in DN
        n_repeats : int, optional
            Recordings that `clean` is the mean of, `noisy` among them: what that takes from the
            noise is given back.
        """
        signal = clean.ravel().astype(np.float64)
        noise = noisy.ravel() - signal
        if n_repeats:
            # A frame is part of the mean it is compared with: their difference has a variance of
            # (n - 1) / n of the noise's.
            noise *= np.sqrt(n_repeats / (n_repeats - 1))
        return cls(signal, noise)


def collect_repeats(frames: Any, axes: str, *, channel: int | None = None) -> Job[Recordings]:
    """Pixels of a field that was recorded many times; what they have in common is the signal.

    Parameters
    ----------
    frames : array-like, any real dtype, in DN
        Repeats along T; may be lazy.
    axes : str
    channel : int, optional
        Which one; needed if there are several.

    Raises
    ------
    AxesError
        If there is no time axis, or fewer than ten frames.
    InputError
        If pixels are NaN, or several channels and none is chosen.
    """
    check_pixels(frames, "The calibration recording")
    frames, axes = one_channel(frames, check_axes(axes, tuple(frames.shape)), channel)
    n_frames = frames.shape[axes.index("T")] if "T" in axes else 1
    if n_frames < 10:
        raise AxesError(
            f"The calibration recording has axes {axes} and {n_frames} frame(s). It takes at "
            f"least ten frames along T of a sample that does not move."
        )
    # Only where needed: lazy arrays need not know how to move their axes.
    frames = np.moveaxis(frames, axes.index("T"), 0) if axes[0] != "T" else frames
    layout, shape = Layout(axes.replace("T", "")), tuple(frames.shape[1:])
    places = pieces(layout, shape)
    parts = []
    for i, (unit, window) in enumerate(places):
        stack = []
        for frame in range(n_frames):
            stack.append(layout.read(frames[frame], unit, window)[0])
            yield Progress(
                fraction=(i + (frame + 1) / n_frames) / len(places),
                message="reading the calibration recording",
            )
        parts.append(_compared(as_float32(np.stack(stack), "The calibration recording")))
    return Recordings(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _compared(stack: FloatArray) -> tuple[Values, Values]:
    # Slow bleaching and a flickering lamp are no noise.
    level = stack.mean(axis=tuple(range(1, stack.ndim)), keepdims=True)
    signal = stack.mean(axis=0)
    noisy = stack - level + level.mean()
    # Of each place as many frames as needed, so that every brightness there is is among them.
    every = max(1, noisy.size // _MAX_PIXELS)
    clean = np.broadcast_to(signal, noisy.shape)
    known = Recordings.of(noisy, clean, n_repeats=len(stack))
    return known.signal[::every], known.noise[::every]


def fit_noise_model(
    kind: Literal["mixture", "histogram"], known: Recordings, *, n_gaussians: int = 3
) -> Job[MixtureNoiseModel | HistogramNoiseModel]:
    """Find how the noise of known signals is distributed.

    Its mean is taken to be zero at each signal, so that intensities are kept.

    Parameters
    ----------
    known : Recordings
    n_gaussians : int
        Of a mixture.

    Raises
    ------
    InputError
        If there are too few pixels, or they do not differ in signal, or have no noise.
    """
    signals, sigmas, noises = _by_signal(known)
    rows = []
    for i, noise in enumerate(noises):
        yield Progress(fraction=i / len(noises), message="measuring how the noise is distributed")
        rows.append(_mixture(noise, n_gaussians) if kind == "mixture" else (_histogram(noise),))
    columns = [tuple(tuple(row.tolist()) for row in column) for column in zip(*rows, strict=True)]
    about = {"signals": tuple(signals.tolist()), "sigmas": tuple(sigmas.tolist())}
    if kind == "histogram":
        return HistogramNoiseModel(**about, span=_SPAN, densities=columns[0])
    weights, places, widths = columns
    return MixtureNoiseModel(**about, weights=weights, places=places, widths=widths)


def _by_signal(known: Recordings) -> tuple[Values, Values, list[Values]]:
    """Signals, the sigma at each, and the noise there in units of it."""
    order = np.argsort(known.signal, kind="stable")
    n_groups = int(min(_N_SIGNALS, len(order) // _MIN_PIXELS))
    if n_groups < 2:
        raise InputError(
            f"The noise is known at {len(order)} pixels only; {2 * _MIN_PIXELS} are the least. "
            f"Give a larger recording."
        )
    signals, sigmas = list[float](), list[float]()
    noises: list[Values] = []
    for group in _groups(known.signal[order], n_groups):
        noise = known.noise[order[group]]
        noise, sigma = noise - noise.mean(), float(noise.std())
        signal = float(known.signal[order[group]].mean())
        # Interpolation between signals needs them to rise; equal ones come from digitisation.
        if sigma > 0 and (not signals or signal > signals[-1]):
            signals.append(signal)
            sigmas.append(sigma)
            noises.append(noise / sigma)
    if len(signals) < 2:
        raise InputError(
            "The recording has no noise, or only one brightness, so that nothing can be said of "
            "others. Give one with dark and bright places, as the detector gave it."
        )
    return np.array(signals), np.array(sigmas), noises


def _groups(signal: Values, n_groups: int) -> list[slice]:
    """Of sorted signals: half of the groups by number of pixels, half by brightness."""
    n = len(signal)
    # By number alone, the few bright pixels of a dark image would share one row; by brightness
    # alone, the rows of the background would be as few as those of the empty bright end.
    by_number = np.linspace(0, n, n_groups // 2 + 1)
    steps = np.linspace(signal[0], signal[-1], n_groups - n_groups // 2 + 1)[1:-1]
    cuts = np.unique(np.concatenate([by_number, np.searchsorted(signal, steps)]).astype(int))
    kept = [0]
    for cut in cuts[1:]:
        if cut - kept[-1] >= _MIN_PIXELS:
            kept.append(int(cut))
    # The last group takes what is left, rather than being too small.
    kept[-1] = n
    return [slice(a, b) for a, b in pairwise(kept)]


def _histogram(noise: Values) -> Values:
    """Probability density per sigma, blurred a little and nowhere zero."""
    edges = np.linspace(-_SPAN, _SPAN, _N_BINS + 1)
    counts = np.histogram(noise.clip(-_SPAN, _SPAN), edges)[0].astype(np.float64)
    # A kernel of (1, 2, 1)/4 takes the comb that digitisation leaves and hardly widens the rest.
    counts = np.convolve(np.pad(counts, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    middle = (edges[1:] + edges[:-1]) / 2
    # As if a few more pixels had been seen, with noise of far tails.
    counts += 2 / (1 + middle**2) ** 2
    return np.asarray(counts / counts.sum() * _N_BINS / (2 * _SPAN))


def _mixture(noise: Values, n_gaussians: int) -> tuple[Values, Values, Values]:
    """Weights, places and widths by expectation maximisation, from quantiles on."""
    share = (np.arange(n_gaussians) + 0.5) / n_gaussians
    # Quantiles spread the Gaussians without chance: the same noise gives the same fit.
    places, widths = np.quantile(noise, share), np.full(n_gaussians, 0.8)
    weights = np.full(n_gaussians, 1 / n_gaussians)
    # Trade-off: more pin the tails down better, and each round looks at all of them.
    sample = noise[:: max(1, len(noise) // 20_000), None]
    for _ in range(_N_ROUNDS):
        density = weights / widths * np.exp(-(((sample - places) / widths) ** 2) / 2)
        belongs = density / np.maximum(density.sum(axis=1, keepdims=True), 1e-300)
        total = np.maximum(belongs.sum(axis=0), 1e-9)
        weights, places = total / total.sum(), (belongs * sample).sum(axis=0) / total
        variance = (belongs * (sample - places) ** 2).sum(axis=0) / total
        widths = np.sqrt(np.maximum(variance, _NARROWEST**2))
    # The mean is zero by definition; a fit that leaves a rest would shift intensities.
    return weights, places - np.dot(weights, places), widths
